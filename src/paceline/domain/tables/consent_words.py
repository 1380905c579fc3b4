"""The words of values by which tables say that somebody does, or does not, want to be written to.

Words only; what follows from them is decided in `consent`. Compared as a whole, as `comparable`
makes them: without case, accents, spaces and punctuation. Titles are in `consent_title_words`.
"""

from __future__ import annotations

from paceline.domain.tables.words import in_order, words

NO = words(
    "no,n,false,f,0,off,ko,never,none,nothing,niemals,jamais,aucun,aucune,nunca,ninguno,"
    "ninguna,nenhum,nessuno,nessuna,mai,nooit,geen,nigdy,żaden,aldri,aldrig,nikdy,soha,"
    "никогда,không,לא,لا,tidak,ไม่,"
    "nein,falsch,non,faux,não,nao,"
    "nee,niet,onwaar,nie,fałsz,ne,nem,nu,nej,nei,ei,"
    "hayır,yok,falso,нет,ложь,не,ні,όχι,いいえ,いや,否,不,没有,無,无,아니오,아니요,아니,unchecked,未,"
    "×,✗,✘,❌,☐,✖,不可,拒否,uit,aus,no thanks,no thank you,"
    "nein danke,non merci,no gracias,no grazie"
) | {"✗", "✘", "❌", "☐", "✖", "×", "-", "\u2013", "👎", "🚫", "⛔"}
YES = words(
    "yes,y,true,t,1,on,x,checked,ja,wahr,j,oui,o,vrai,"
    "si,sí,s,verdadero,cierto,vero,sim,verdadeiro,"
    "waar,tak,prawda,ano,igen,da,kyllä,evet,да,истина,"
    "так,ναι,はい,可,有,是,예,네,granted,given,"
    "accepted,agreed,selected,ok,okay,confirmed,opted in,opt in,subscribed,active"
) | {"✓", "✔", "☑", "✅", "👍", "◯", "○", "●", "✔️", "√"}
# In a consent: it was given. How often to write says so, too.
AGREED = words(
    "yep,yeah,trial,trialing,trialling,past due,paying,paid,live,ongoing,"
    "valid,verified,approved,allowed,allow,obtained,received,provided,present,in force,current,"
    "express,expressed,explicit,implied,implicit,opted-in,single,double,single opt-in,enabled,"
    "double opt-in,all,any,every,always,daily,weekly,monthly,quarterly,yearly,annually,biweekly,"
    "fortnightly,weekdays,often,sometimes,occasionally,immediately,email,e-mail,mail,html,text,"
    "consent,consented,permitted,registered,signed,signed up,subscribe,subscriber,agree,agrees,"
    "i agree,i accept,i consent,ich stimme zu,ich willige ein,j'accepte,je consens,"
    "je souhaite,je suis d'accord,wyrażam zgodę,wel,onaylıyorum,kabul ediyorum,istiyorum,"
    "liegt vor,vorhanden,erteilt,gegeben,zugestimmt,eingewilligt,"
    "bestätigt,gültig,aktiv,abonniert,angemeldet,einverstanden,erlaubt,täglich,wöchentlich,"
    "monatlich,alle,accepté,acceptée,accordé,donné,obtenu,valide,abonné,abonnée,inscrit,inscrite,"
    "actif,active,autorisé,d'accord,hebdomadaire,mensuel,quotidien,tous,toutes,"
    "aceptado,aceptada,otorgado,concedido,vigente,suscrito,suscrita,activo,activa,acepto,acepta,"
    "autorizado,autoriza,semanal,mensual,diario,todos,todas,"
    "accettato,concesso,valido,iscritto,iscritta,attivo,attiva,accetto,accetta,autorizzato,"
    "settimanale,mensile,giornaliero,tutti,tutte,rilasciato,acconsento,acconsentito,"
    "aceito,aceita,concedida,inscrito,inscrita,ativo,ativa,válido,semanalmente,"
    "ingeschreven,akkoord,gegeven,actief,geldig,wekelijks,maandelijks,dagelijks,"
    "wyrażona,zapisany,aktywny,aktywna,udzielona,ważna,udělen,přihlášen,feliratkozott,"
    "samtykket,påmeldt,tilmeldt,anmäld,annettu,voimassa,tilattu,abone,onaylı,aktif,"
    "активна,активен,активно,включена,включено,включен,подписан,подписана,подписался,согласен,"
    "согласна,получено,дано,действует,разрешено,еженедельно,ежемесячно,có,đồng ý,נכון,כן,نعم,"
    "موافق,購読中,購読,希望する,希望,配信,配信中,同意,同意する,受信する,許可,登録済み,"
    "已订阅,已訂閱,订阅,訂閱,同意接收,接受,允许,正常,동의,동의함,구독,구독중,수신,수신동의"
)
# A value of a consent that says neither: it was not given (yet), or is no more.
NOT_YET = words(
    "pending,waiting,awaiting,requested,unknown,unclear,undecided,maybe,perhaps,not sure,unsure,"
    "n/a,na,not applicable,not asked,not given,not provided,not received,not obtained,not set,"
    "not available,missing,expired,lapsed,outdated,tbd,tbc,open,unset,undefined,null,blank,empty,"
    "inactive,not yet,to be confirmed,fehlt,fehlend,offen,ausstehend,unbekannt,abgelaufen,"
    "liegt nicht vor,nicht vorhanden,nicht erteilt,angefragt,inaktiv,keine angabe,"
    "en attente,inconnu,expiré,expirée,manquant,absent,non renseigné,inactif,"
    "pendiente,desconocido,caducado,vencido,falta,inactivo,in attesa,sconosciuto,scaduto,"
    "mancante,assente,inattivo,pendente,desconhecido,expirado,ausente,inativo,"
    "in afwachting,onbekend,verlopen,ontbreekt,inactief,oczekuje,nieznany,wygasła,brak,"
    "čeká,neznámý,puuttuu,vanhentunut,mangler,venter,saknas,väntar,bekliyor,bilinmiyor,"
    "ожидает,неизвестно,истекло,отсутствует,нет данных,отключена,отключено,отключен,"
    "неактивна,неактивен,не получено,未確認,不明,期限切れ,確認中,解除,停止中,未登録,"
    "未知,待确认,待確認,已过期,缺失,대기,미확인,만료"
) | {"?", "??"}
# A value that says no wherever it stands as the whole of a cell.
OUT = words(
    "unsubscribed,unsubscribe,non-subscribed,nonsubscribed,not subscribed,never subscribed,"
    "not_subscribed,un-subscribed,opted out,opted-out,opt out,opt-out,optout,optedout,"
    "do not contact,do not email,do not mail,do not send,"
    "donotcontact,don't contact,don't email,"
    "do not solicit,no solicitation,no e-mail,no email,no emails,no mail,"
    "no contact,no consent,no permission,no marketing,not opted in,not marketable,"
    "non-marketing contact,non-marketing,not a marketing contact,"
    "cleaned,bounced,bounce,bouncing,hard bounce,onaylamıyorum,kabul etmiyorum,abonelikten çıktı,"
    "spamtrap,held,unverified,rezygnacja,rimbalzata,not valid,not active,non valida,"
    "non valido,nicht gültig,nicht aktiv,non valide,no válido,no válida,não válido,"
    "desuscripto,desuscripta,"
    "hard bounced,hardbounce,hardbounced,hard_bounce,complained,complaint,complainer,spam,"
    "spam complaint,spam report,marked as spam,reported spam,abuse,abuse complaint,blacklisted,"
    "blocklisted,blacklist,blocklist,blocked,suppressed,suppression,archived,deleted,junk,"
    "unconfirmed,pending confirmation,pending opt-in,"
    "pending double opt-in,awaiting confirmation,"
    "not confirmed,not collected,undeliverable,undelivered,invalid,email invalid,invalid email,"
    "rejected,refused,declined,denied,withdrawn,revoked,unsubscribed by admin,removed,disabled,"
    "deactivated,do not disturb,dnc,dead,deceased,quarantined,global unsubscribe,"
    "manually unsubscribed,user unsubscribed,unsubscribed by user,unsubscribed_by_customer,"
    "unsub,unsubbed,unsubscribes,opt outs,inactive,suspended,email suspended,temporary hold,"
    "on hold,stopped,bounces,bounced contacts,complaints,suppression list,suppressions,dne,"
    "inaktiv,inactif,inactive,inactivo,inactiva,inativo,inattivo,inactief,nieaktywny,неактивен,"
    "неактивна,отключена,отключен,解除,rimosso,rimossa,removido,afmeldt,avmeldt,odjavljen,"
    "odjavljena,peruutettu,đã hủy đăng ký,hủy đăng ký,διαγραμμένος,διαγράφηκε,הוסר,"
    "إلغاء الاشتراك,ملغى,ne souhaite plus recevoir,"
    "failed,redacted,forgotten,gdpr delete,cancelled,canceled,do not allow,not allowed,"
    "abgemeldet,abbestellt,ausgetragen,abbestellung,nicht abonniert,"
    "gesperrt,blockiert,unzustellbar,"
    "nicht zustellbar,keine einwilligung,keine werbung,"
    "nicht kontaktieren,widerrufen,widersprochen,"
    "kein newsletter,abgelehnt,unbestätigt,nicht bestätigt,"
    "gelöscht,keine e-mails,keine mails,"
    "nicht erteilt,verweigert,keine zustimmung,"
    "désabonné,désabonnée,désinscrit,désinscrite,"
    "non abonné,non inscrit,ne pas contacter,"
    "liste noire,bloqué,bloquée,rebond,plainte,refusé,"
    "refusée,pas de consentement,non confirmé,"
    "supprimé,opposé,opposition,refus,rejeté,"
    "cancelado,cancelada,dado de baja,dada de baja,baja,de baja,no suscrito,no suscrita,"
    "desuscrito,desuscrita,darse de baja,no contactar,bloqueado,bloqueada,rebotado,rechazado,"
    "sin consentimiento,lista negra,denegado,no confirmado,"
    "disiscritto,disiscritta,non iscritto,cancellato,cancellata,non contattare,bloccato,"
    "respinto,rifiutato,negato,senza consenso,nessun consenso,non confermato,rimbalzato,"
    "descadastrado,descadastrada,cancelou inscrição,"
    "não inscrito,não contactar,não contatar,"
    "rejeitado,recusado,recusada,sem consentimento,negado,"
    "uitgeschreven,afgemeld,niet ingeschreven,niet contacteren,"
    "niet mailen,geblokkeerd,geweigerd,"
    "geen toestemming,niet bevestigd,"
    "wypisany,wypisana,niezapisany,nie kontaktować,"
    "zablokowany,odrzucony,brak zgody,bez zgody,"
    "zrezygnował,zrezygnowała,odmowa,wycofana,niepotwierdzony,"
    "odhlášen,odhlášena,leiratkozott,dezabonat,"
    "avregistrerad,avmeldt,frameldt,ayrıldı,"
    "отписан,отписана,отписался,отписалась,не подписан,"
    "отказ,отказался,отказалась,не писать,"
    "заблокирован,не беспокоить,нет согласия,без согласия,"
    "отклонено,отозвано,недоставлено,"
    "жалоба,спам,не подтвержден,не подтверждён,"
    "配信停止,配信解除,購読解除,解除済み,登録解除,拒否,受信拒否,配信拒否,不可,退会,不達,エラー,停止,未同意,"
    "同意しない,希望しない,配信不可,配信不要,不要,受け取らない,オプトアウト,"
    "已退订,退订,退訂,已退訂,取消订阅,取消訂閱,未订阅,未訂閱,拒收,拒绝,拒絕,不同意,黑名单,黑名單,退信,"
    "不接收,不接受,未同意,已取消,"
    "sin confirmar,a confirmar,por confirmar,da confermare,do potwierdzenia,do aktywacji,"
    "zwrot twardy,zwroty twarde,dadas de baja,dados de baja,raus,untersagt,"
    "수신거부,거부,구독취소,구독해지,해지,탈퇴,미동의,비동의,동의안함,동의하지않음,반송,차단,수신안함"
)
# Tokens of a list of tags: fewer, since tags are anybody's.
OUT_TAGS = words(
    "unsubscribed,unsubscribe,opted out,opt-out,do not contact,do not solicit,"
    "do not email,do not mail,bounced,bouncing,undeliverable,"
    "hard bounce,no consent,blacklisted,blocklisted,"
    "abgemeldet,nicht kontaktieren,désabonné,"
    "désinscrit,dado de baja,disiscritto,descadastrado,"
    "uitgeschreven,wypisany,отписан,отписался,"
    "配信停止,退订,退訂,수신거부,suppressed,complained"
)
MENTIONED = OUT_TAGS | words("bounce,spam,baja,bajas")  # among other words
# Beginnings of a word among a few, in any gender and number: “dadas de baja”, “désinscrites”.
OUT_STEMS = in_order(
    "unsub,opted out,optout,bounc,hardbounc,undeliver,blacklist,blocklist,suppress,complain,"
    "withdraw,withdrew,revok,unconfirm,quarantin,abgemeld,abbestell,ausgetrag,unzustell,widerruf,"
    "widerspr,gesperrt,beschwerde,bereinigt,unbestätigt,désabonn,désinscri,plainte,rebond,révoqu,"
    "npai,desuscri,rebotad,queja,revocad,disiscri,rimbalz,revocat,descadastr,revogad,uitgeschreven,"
    "afgemeld,klacht,opgeschoond,ingetrokken,wypisan,skarga,niepotwierdz,cofnięt,avregistr,avanmel,"
    "studsad,studsat,återkall,avmeld,frameld,framelding,odhlášen,leiratkoz,dezabon,отписа,отказал,"
    "жалоб"
)
SUBSCRIBED = words(
    "subscribed,abonniert,abonné,inscrit,suscrito,iscritto,inscrito,ingeschreven,zapisany,подписан,"
    "已订阅,已訂閱,購読中,구독중"
)
# Beside a status that speaks of mail: somebody who has not confirmed yet.
PENDING = words(
    "pending,awaiting,waiting,validating,unvalidated,ausstehend,en attente,pendiente,in attesa,"
    "pendente,in afwachting,oczekuje,ожидает"
)
SPEAKS_OF_MAIL = OUT_TAGS | words("subscribed,unconfirmed,invalid,cleaned,validating")
OPENING_NO = words("no,nein,non,não,nee,nie,nej,нет,не,いいえ,不,否,아니요,아니오")
OPENING_NOT = words("never,not,do not,don't,please do not,please don't")
# Of two that are opposites.
IN_OF_TWO = words("in,opt in,opted in")
OUT_OF_TWO = words("out,opt out,opted out")
