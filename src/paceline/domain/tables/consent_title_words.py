"""The words in titles of columns about who does, or does not, want to be written to.

Words only; what follows from them is decided in `consent_titles`. Compared as `comparable` makes
them: without case, accents, spaces and punctuation. They are looked for as parts, since programs
write them together (`HASOPTEDOUTOFEMAIL`). The words of values are in `consent_words`.
"""

from __future__ import annotations

from paceline.domain.tables.words import comparable, words


def _parts(text: str) -> tuple[str, ...]:
    return tuple(sorted(words(text), key=len, reverse=True))


# In a title: "yes" here means no.
OPT_OUT_TITLES = _parts(
    "opt out,opted out,optout,unsub,unsubscribed,unsubscribe,"
    "do not email,do not mail,do not send,email stop,dnd email,email dnd,"
    "do not contact,don't email,don't contact,dont email,dont contact,donotbulkemail,no email,"
    "no emails,no mail,no mailing,no marketing,no newsletter,no contact,do not market,dnc,"
    "not contactable,blacklist,blocklist,suppress,bounce,complain,complaint,"
    "spam,spam report,marked as spam,do not allow email,do not allow bulk email,"
    "disallow email,abuse report,email disabled,email_disabled,email invalid,"
    "invalid email,cleaned,clean time,clean_time,clean campaign,"
    "undeliverable,deliverability issue,"
    "quarantin,gdpr delete,erasure,right to be forgotten,deceased,remove me,remove from,"
    "exclude from mail,email suspended,mail suspended,marketing suspended,dne,"
    "stop receiving,stop sending,not receive,not to receive,not wish to receive,not wish to be,"
    "not want to receive,not want to be,rather not hear,rather not receive,rather not be,"
    "excluded from campaign,exclude from campaign,excluded from mail,unsubscri,"
    "email bad,bad email,aus verteiler,aus dem verteiler,verteiler entfernt,"
    "ne veux plus,ne souhaite pas,ne pas recevoir,dejar de recibir,no quiero recibir,"
    "no deseo recibir,no recibir,non voglio ricevere,non desidero ricevere,non ricevere,"
    "não quero receber,não desejo receber,não receber,niet ontvangen,nie chcę otrzymywać,"
    "nie otrzymywać,не хочу получать,не получать,не желаю получать,"
    "left company,left the company,no longer,remover da lista,remove da lista,remover do mailing,"
    "ne souhaite plus,ne veut plus,afmeldt,markkinointikielto,suoramarkkinointikielto,"
    "peruutettu,kielto,reservert mot,reservasjon,odjavljen,odjavljena,odjava,"
    "hủy đăng ký,huỷ đăng ký,từ chối,διαγραμμένος,διαγραφή,"
    "إلغاء الاشتراك,الغاء الاشتراك,ألغى الاشتراك,הוסר,הסרה,ביטל הרשמה,"
    "desinscrit,não deseja,"
    "withdrawn,revoked,objection,objected,hard fail,global optout,"
    "abgemeldet,abmeldung,abbestellt,austragung,ausgetragen,"
    "keine e-mail,keine mail,keine werbung,"
    "kein newsletter,keine newsletter,kein mailing,nicht kontaktieren,"
    "nicht anschreiben,gesperrt,"
    "werbesperre,mailsperre,sperrvermerk,sperrliste,widerruf,"
    "widersprochen,widerspruch,unzustellbar,"
    "nicht zustellbar,kontaktsperre,robinson,"
    "désabonn,désinscri,ne pas contacter,ne pas envoyer,"
    "pas d'e-mail,pas d'email,liste noire,"
    "opposition,opposé,plainte,rebond,npai,refus,stop email,stop pub,"
    "cancelad,dado de baja,de baja,fecha de baja,baja newsletter,baja email,baja voluntaria,"
    "fecha baja,no contactar,no enviar,no molestar,desuscri,cancelación,"
    "lista negra,rebotad,rebote,no desea,"
    "disiscri,cancellat,non contattare,non inviare,lista nera,"
    "annulla iscrizione,respint,rimbalz,"
    "descadastr,cancelou,não contactar,não contatar,"
    "não enviar,não perturbe,bloquead,"
    "lista de bloqueio,rejeitad,"
    "uitgeschreven,afgemeld,uitschrijf,niet mailen,niet contacteren,niet benaderen,geen e-mail,"
    "geen mail,geen nieuwsbrief,geblokkeerd,zwarte lijst,"
    "wypisan,wypisał,rezygnacja,zrezygnował,nie kontaktować,"
    "nie wysyłać,odwołan,sprzeciw,"
    "czarna lista,zablokowan,"
    "odhlášen,neposílat,nekontaktovat,leiratkoz,dezabonat,"
    "avregistrerad,avanmeldt,avmeldt,frameldt,"
    "abonelikten,on hold,do not solicit,"
    "ยกเลิกรับ,ยกเลิกการรับ,ไม่รับข่าว,เลิกติดตาม,berhenti berlangganan,berhenti langganan,"
    "jangan hubungi,jangan kirim,لغو اشتراک,odhlásen,odjavlj,peruttu tilaus,loobunud,"
    "atsisak,atteic,donat de baixa,одјав,"
    "отпис,отказ,не писать,не беспокоить,не рассылать,"
    "не отправлять,не контактировать,"
    "черный список,чёрный список,заблокир,жалоба,отозван,недоставл,відпис,"
    "配信停止,配信解除,購読解除,配信不可,配信拒否,受信拒否,メール不可,送信不可,送信停止,解約,退会,"
    "ブラックリスト,バウンス,不達,エラーメール,連絡不可,オプトアウト,登録解除,"
    "退订,退訂,取消订阅,取消訂閱,拒收,黑名单,黑名單,不要联系,勿扰,请勿打扰,勿寄,不接收,不接受,退信,"
    "拒絕接收,拒绝接收,停止发送,不願收,不愿收,"
    "수신거부,구독취소,구독해지,해지,탈퇴,반송,차단,수신차단,블랙리스트,연락금지"
)

# The whole of a title, over answers alone: "yes" here means no.
OPT_OUT_OVER_ANSWERS = words(
    "skip,do not use,"
    "deactivated,baja,bajas,out,stop,blocked,removed,remove,deleted,disabled,inactive,invalid,"
    "banned,muted,archived,"
    "inactivo,inativo,inaktiv,inactif,inattivo,inactief,nieaktywny,excluded,exclude,exclu,"
    "suspended,dead,gone,removed from list,stopped,unwanted,rimosso,rimossa,rimossi,"
    "removido,retirado,fjernet,slettet,borttagen,poistettu,reservert,obrisan,отключен,"
    "отключена,вычеркнут,解除,停止,删除,刪除,삭제,削除,"
    "escluso,excluído,ausgeschlossen,gelöscht,supprimé,borrado,eliminado,uit,usunięty,удален,удалён"
)

# The whole of a title, over answers alone: "no" here means no.
OPT_IN_OVER_ANSWERS = words(
    "active,enabled,confirmed,verified,validated,activated,subscriber,reachable,"
    "email verified,email confirmed,email active,email status active,email valid,valid email,"
    "email enabled,verified email,confirmed email,mail verified,mail confirmed,"
    "aktiv,aktiviert,bestätigt,verifiziert,actif,active,confirmé,vérifié,activo,activa,confirmado,"
    "verificado,ativo,ativa,attivo,attiva,confermato,verificato,actief,bevestigd,aktywny,"
    "potwierdzony,aktivní,aktív,активен,активна,подтвержден,подтверждён,有効,有效,활성,aktivan,"
    "ενεργός,hoạt động,aktiivinen,bekreftet,bekræftet,bekräftad,subscription,subscriptions"
)

# The same, also over a consent in words or with its date.
MARKETING_OVER_ANSWERS = words(
    "marketing,privacy,privacy marketing,marketing privacy,direct marketing,e-marketing"
)

# In a title: how often to write; "never" here means no.
FREQUENCY_TITLES = words(
    "frequency,email frequency,mail frequency,mailing frequency,newsletter frequency,"
    "contact frequency,email cadence,frequenz,häufigkeit,fréquence,frecuencia,frequenza,"
    "frequência,frequentie,częstotliwość,частота,частота рассылки,頻度,配信頻度,频率"
)

# In a title: "no" here means no.
OPT_IN_TITLES = _parts(
    "opt in,opted in,optin,subscribed,subscribe,subscription status,"
    "newsletter,news letter,mailing,"
    "consent,gdpr,permission to,permission,accepts marketing,accepts email,accept marketing,"
    "accept email,acceptsmarketing,email marketing,marketing email,"
    "marketing emails,marketing ok,marketable,"
    "allow email,allows email,allow marketing,email allowed,mail ok,ok to email,ok to mail,"
    "ok to contact,okay to email,can email,can mail,"
    "can contact,may email,may contact,contactable,"
    "mailable,emailable,wants email,wants mail,wants news,wants newsletter,"
    "receive email,receive emails,receive news,receive updates,receive marketing,"
    "receives email,receives newsletter,email me,"
    "email updates,email notifications,promotional email,promotions,marketing preference,"
    "marketing contact,marketing status,email preference,agree to,agreed to,agreement,i agree,"
    "email pref,mail pref,contact pref,communication pref,markkinointilupa,lupa,đồng ý,"
    "συναίνεση,الموافقة,موافقة,الاشتراك,הסכמה,דיוור,privola,suglasnost,"
    "email campaigns,marketing allowed,is_subscribed,active subscriber,sendable,"
    "einwilligung,zustimmung,einverständnis,einverstanden,eingewilligt,erlaubnis,"
    "werbung,werbeeinwilligung,dsgvo,darf kontaktiert,"
    "kontakt erlaubt,darf angeschrieben,angemailt,abonniert,mailingliste,"
    "rundbrief,infobrief,verteiler,angemeldet zum,e-mail erlaubt,"
    "abonné,consentement,accord email,accepte,accepté,"
    "autorisation,rgpd,infolettre,inscrit à,"
    "souhaite recevoir,inscription newsletter,lettre d'information,optin partenaire,"
    "consentimiento,suscrit,acepta,acepto,autoriza,"
    "permiso,boletín,rgpd,desea recibir,lopd,"
    "quiere recibir,"
    "consenso,iscritto,accetta,accetto,autorizza,vuole ricevere,bollettino,desidera ricevere,"
    "consentimento,inscrito,assinante,aceita,aceito,"
    "permissão,lgpd,deseja receber,boletim,"
    "toestemming,ingeschreven,nieuwsbrief,aangemeld,avg toestemming,akkoord,wil ontvangen,"
    "zgoda,subskry,zapisany,biuletyn,rodo,zgody,"
    "souhlas,odběr,suhlas,hozzájárul,hírlevél,feliratkoz,"
    "abonat,acord,samtycke,nyhetsbrev,samtykke,"
    "nyhedsbrev,uutiskirje,suostumus,onay,izin,bülten,abone,pristanak,συγκατάθεση,"
    "согласи,согласен,подписк,подписан,рассылк,разреш,згода,підпис,розсилк,"
    "メルマガ,メールマガジン,配信許可,配信希望,配信可,受信許可,受信希望,同意,許諾,購読,ニュースレター,"
    "メール可,配信対象,お知らせメール,連絡希望,連絡可,案内メール,オプトイン,承諾,メール配信,配信設定,"
    "订阅,訂閱,接收邮件,接收郵件,愿意接收,願意接收,电子报,電子報,同意接收,许可,許可,允许,允許,"
    "수신동의,수신여부,동의,구독,뉴스레터,마케팅수신,메일수신,수신허용,광고수신"
)

# In a title: no verdict of its own, the values have one.
STATUS_TITLES = _parts(
    "status,state,state of subscription,contact status,subscriber status,email status,list status,"
    "subscription state,verification result,validation result,email verification,"
    "email validation,email validity,deliverability,stage,statut,état,estado,"
    "situación,stato,situação,stan,stav,állapot,"
    "статус,состояние,ステータス,状態,状况,状态,狀態,상태,durum,durumu,"
    "mitgliedschaft,tags,tag,labels,label,"
    "legal basis,lawful basis,base legal,rechtsgrundlage,base légale,base giuridica,rechtsgrond,"
    "podstawa prawna,groups,group,segments,segment,lists,etiquetas,"
    "étiquettes,schlagworte,kategorien,categories"
)

# In a title: not about wanting email, whatever else it says.
OTHER_CHANNELS = _parts(
    "sms,phone,call,calls,telefon,téléphone,teléfono,"
    "telefono,telefone,fax,whatsapp,push,postal,"
    "post,briefpost,viber,telegram,text message,texts,mobile,handy,voice,messenger,"
    "電話,短信,簡訊,电话,문자,전화,звонк,смс,facebook,rcs"
)
NOT_ABOUT_WANTING = _parts(
    "link,url,token,hash,href,double opt,doubleoptin,double_opt-in,ip,soft bounce,softbounce,"
    "softrebond,opt-in source,optin source,optin method,campaign id,emails bounced,bounce rate,"
    "number of,count,spam score,"
    "active_subscription,plan,price,amount,subscription id,subscription type,subscription end,"
    "subscription start,subscription renewal,source,method,level,language,agreement number,"
    "consent text,consent form,version,subscriber id,subscriber key,subscriber number,"
    "subscriber since,subscribed since,frequency"
)
# In a title: a consent to something that is no mail.
OTHER_PURPOSES = _parts(
    "profiling,profilazione,profilage,perfilado,elaboración de perfiles,profilowanie,"
    "profilerstellung,cookie,cookies,photo,photos,foto,fotos,image rights,bildrechte,third party,"
    "third parties,terzi,tiers,terceros,terceiros,an dritte,derden,terms,terms of service,"
    "terms and conditions,consent to track,tracking,"
    "analytics,nutzungsbedingungen,agb,conditions générales,cgu,cgv,términos,termini"
)
# In a title of an opt-in: when or how it was given; empty means nothing.
MOMENTS = _parts(
    "time,date,timestamp,datum,fecha,data,дата,日時,日付,時間,时间,日期,날짜,일시,ip address"
)

QUESTION_WORDS = tuple(
    comparable(word)
    for word in (
        *("may we", "can we", "could we", "do you want", "would you like", "do you agree"),
        *("are you happy", "is it ok", "i would like", "i want to", "stay in touch", "hear from"),
        *("quer receber", "quero receber", "voulez-vous", "veux-tu", "vill du", "vil du"),
        *("willst du", "wollen sie", "wil je", "wil u", "chcesz", "хочу получать"),
        *("keep me", "keep in touch", "sign me up", "dürfen wir", "möchten sie", "möchtest du"),
        *("darf ich", "ich möchte", "souhaitez-vous", "acceptez-vous", "pouvons-nous"),
        *(
            "je souhaite",
            "j'accepte",
            "desea",
            "podemos",
            "quiere",
            "vuoi",
            "possiamo",
            "acconsent",
        ),
        *(
            "desidera",
            "deseja",
            "gostaria",
            "mogen we",
            "wilt u",
            "mag ik",
            "czy możemy",
            "czy chce",
        ),
        *("wyrażam", "можно ли", "хотите ли", "希望しますか", "よろしいですか", "可以", "是否同意"),
    )
)
QUESTION_TOPICS = tuple(
    comparable(word)
    for word in (
        *("email", "e-mail", "mail", "write", "contact", "news", "updates", "events", "offers"),
        *("schreiben", "kontaktieren", "informationen", "écrire", "contacter", "nouvelles"),
        *(
            "actualités",
            "offres",
            "escribir",
            "correo",
            "noticias",
            "ofertas",
            "scrivere",
            "notizie",
        ),
        *("nyhet", "nyheder"),
        *("offerte", "novità", "escrever", "novidades", "schrijven", "nieuws", "pisać", "wiadomoś"),
        *("писать", "новости", "メール", "案内", "お知らせ", "邮件", "郵件", "touch", "hear"),
    )
)
# In a title: about mail, whatever else a consent is for.
MAIL_PURPOSES = _parts("newsletter,marketing,mailing,promo,werbung,publicit,boletín,nieuwsbrief")
EMAIL_IN_TITLE = tuple(
    map(
        comparable,
        ("email", "e-mail", "courriel", "correo", "e-post", "sähköpost", "メール", "이메일"),
    )
)
