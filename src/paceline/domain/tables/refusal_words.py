"""The words that a refusal to be written to is made of, in the languages that people make it in.

Words only; what follows from them is decided in `refusals`.
"""

from __future__ import annotations

from paceline.domain.tables.words import in_order, words

# A word that denies what follows.
DENY = words(
    "no,not,basta,dont,doesnt,didnt,never,stop,mustnt,shouldnt,nicht,kein,keine,keinen,keinerlei,"
    "nichts,nie,niemals,ne,pas,jamais,aucun,aucune,rien,ningún,ninguna,nunca,non,nessuna,nessun,"
    "não,nenhum,nenhuma,niet,geen,nooit,inte,ikke,ikkje,aldrig,aldri,ingen,inga,ei,älä,nechce,"
    "nem,не,ні,hayır"
)
# “Does not write much”: what somebody does is no wish, unless a word for one follows.
STATES = words(
    "does,did,has,have,had,is,was,were,can,could,cannot,kann,konnte,hat,peut,puede,può,pode,kan"
)
STATING = words("doesnt,didnt")
RECEIVING = words(
    "send,envoyer,enviar,mandar,inviare,mandare,senden,schicken,sturen,wysyłać,"
    "receive,recevoir,recibir,ricevere,receber,ontvangen,erhalten,bekommen,otrzymywać,motta,få,"
    "получать"
)
NOUNS_TOO = words("contact,writing,mailing")  # “no contact since May” says what was
ENOUGH_FOR_STOP = words(
    "email,emails,emailing,mail,mails,mailing,mailings,notifications,newsletter,newsletters"
)
# What may stand between the two.
BETWEEN = words(
    "more,further,longer,any,anything,nothing,nada,nulla,rien,nichts,niets,nic,kér,szeretne,"
    "halua,dorește,хоче,бажає,отримувати,życzy,sobie,to,be,for,send,sending,sent,want,wants,wish,"
    "wishes,like,need,needs,get,receive,our,your,the,us,me,him,her,them,this,bulk,mass,marketing,"
    "promotional,please,via,by,from,mehr,weitere,weiteren,bitte,werden,zu,per,von,uns,unsere,"
    "unseren,senden,schicken,wünscht,plus,pas,de,d,des,nos,nous,le,la,les,lui,vous,veut,veux,"
    "souhaite,souhaitons,désire,recevoir,envoyer,par,más,mas,nuestros,nuestras,quiere,quiero,"
    "desea,deseo,recibir,enviar,mandar,por,mail,email,emails,più,piu,vuole,voglio,desidera,"
    "desidero,ricevere,inviare,mandare,nostre,mais,quer,quero,deseja,desejo,receber,nossos,meer,"
    "wil,wenst,onze,ontvangen,sturen,już,więcej,chce,chcę,otrzymywać,wysyłać,ha,få,lengre,längre,"
    "mer,flere,skicka,motta,modtage,надо,нужно,хочет,хочу,желает,больше,присылать,получать"
)
WRITING = words(
    "write,writing,written,gemaild,contact,contacting,email,emailing,emailed,mailing,mailed,"
    "disturb,bother,solicit,anschreiben,angeschrieben,schreiben,kontaktieren,kontaktiert,mailen,"
    "anmailen,angemailt,zusenden,zuschicken,belästigen,ansprechen,contacter,écrire,solliciter,"
    "relancer,démarcher,déranger,importuner,contactar,escribir,molestar,contattare,scrivere,"
    "disturbare,sollecitare,contatar,escrever,incomodar,perturbar,aanschrijven,schrijven,"
    "benaderen,contacteren,storen,pisać,mailować,kontaktować,niepokoić,kontakta,kontakte,"
    "kontaktes,skriva,skrive,psát,kontaktovat,писать,беспокоить,слать,связываться,отправлять,"
    "рассылать,присылать"
)
MAIL = words(
    "email,emails,emailing,mail,mails,mailing,mailings,notifications,newsletter,newsletters,"
    "marketing,contact,promotions,promos,spam,advertising,ads,werbung,post,zusendung,zusendungen,"
    "info,infos,informationen,nachricht,nachrichten,rundschreiben,rundmail,rundmails,rundbriefe,"
    "kontakt,werbemails,newslettern,courriel,courriels,publicité,sollicitation,sollicitations,"
    "lettres,correo,correos,publicidad,boletín,boletines,mensajes,noticias,messaggi,"
    "comunicazioni,marketingkontakt,marketingcontact,kontaktaufnahme,prospection,démarchage,"
    "contacto,kontaktu,utskick,sähköpostin,listów,розсилки,розсилок,листи,hírlevelet,levelet,"
    "uutiskirjettä,uutiskirjeitä,emailuri,листів,рассылку,pubblicità,posta,mensagens,propaganda,"
    "comunicações,reclame,nieuwsbrief,nieuwsbrieven,mailtjes,mailtje,berichten,maili,mailingu,"
    "mailingów,newslettera,newsletterów,wiadomości,reklam,mejl,mejlen,nyhetsbrev,reklame,epost,"
    "eposter,nyhedsbrev,nyhedsbreve,sähköpostia,postia,maily,reklamu,писем,письма,рассылок,"
    "рассылки,сообщений"
)
# With these a noun is refused in a longer remark as well.
WISHES = words(
    "want,wants,wanted,solicita,solicitó,życzy,dorește,halua,хоче,kér,wish,wishes,like,asked,"
    "asks,please,pls,plz,more,further,send,möchte,möchten,will,wollen,wünscht,wünschen,bitte,"
    "mehr,weitere,weiteren,schicken,senden,veut,veux,souhaite,désire,svp,demande,demandé,más,"
    "quiere,quiero,desea,favor,pide,pidió,più,vuole,voglio,desidera,prego,mais,quer,quero,deseja,"
    "pediu,meer,wil,wenst,graag,aub,chce,chcę,proszę,więcej,vill,önskar,vil,ønsker,skicka,snälla,"
    "хочет,хочу,желает,просит,просил,больше"
)
TAKE = words(
    "remove,removed,take,taken,delete,deleted,drop,dropped,strike,unlist,nehmen,genommen,"
    "entfernen,entfernt,streichen,gestrichen,löschen,gelöscht,raus,rausnehmen,austragen,retirer,"
    "retiré,retirée,enlever,enlevé,enlevée,supprimer,supprimé,supprimée,rayer,sortir,quitar,quiten,"
    "quitado,quitada,sacar,eliminar,borrar,borrado,borrada,togliere,tolto,tolta,toglietemi,"
    "rimuovere,rimosso,rimossa,cancellare,cancellato,cancellata,retirar,retirado,remover,removido,"
    "removida,tirar,excluir,excluído,sair,halen,afhalen,gehaald,verwijderen,verwijderd,schrappen,"
    "usunąć,usuń,usunięty,skreślić,wypisać,bort,fjern,fjernes,slett,удалить,удалите,убрать,"
    "исключить,вычеркнуть"
)
FROM = words("from,off,aus,von,vom,de,des,du,dalla,dal,della,da,do,van,uit,z,ze,från,fra,из,от,с")
LIST = words(
    "list,lists,mailinglist,verteiler,liste,listen,mailingliste,adressliste,verteilerliste,"
    "listes,lista,listas,listado,envíos,mailing,lijst,mailinglijst,verzendlijst,listy,"
    "listan,utskicket,списка,рассылки,рассылок,базы"
)
ASK = words(
    "asked,asks,requested,requests,wants,demands,wünscht,gewünscht,bittet,gebeten,um,will,"
    "verlangt,beantragt,möchte,demande,demandé,demandée,souhaite,réclame,pide,pidió,pedido,"
    "solicita,solicitó,solicitado,quiere,chiede,chiesto,richiede,richiesto,vuole,pediu,pede,"
    "solicitou,quer,vraagt,gevraagd,verzoekt,wil,prosi,proszę,prosił,prosiła,poprosił,begär,"
    "begärt,ønsker,просит,просил,просила,попросил,попросила"
)
END = words(
    "unsubscription,removal,deletion,erasure,löschung,abmeldung,austragung,désinscription,"
    "désabonnement,radiation,suppression,retrait,baja,desuscripción,cancelación,cancellazione,"
    "cancellato,cancellata,disiscrizione,rimozione,descadastro,descadastramento,remoção,exclusão,"
    "cancelamento,uitschrijving,afmelding,verwijdering,wypisanie,wypisać,usunięcie,"
    "avregistrering,avmelding,отписку,отписать,удаление,удалить"
)
ARTICLES = words(
    "the,a,his,her,their,for,be,die,der,seine,ihre,eine,um,la,le,sa,son,un,une,su,de,darse,dar,una,"
    "il,lo,sua,o,essere,ser,être,werden,ao,de,do,da,het,de,haar,zijn,een,om,o,się,его,её,об,о"
)
# Beginnings of words for what has ended or is refused: “Newsletter abbestellt”.
ENDED = in_order(
    "disabl,deactivat,unwanted,declin,reject,refus,withdr,withdraw,revok,forbid,forbad,prohibit,"
    "banned,blocked,stopped,suspended,deaktivier,abgelehnt,ablehn,gesperrt,untersagt,verweiger,"
    "verboten,unerwünscht,gekündigt,abbestell,widerrufen,widersprochen,désactiv,interdit,bloqué,"
    "rechaz,bloquead,prohib,desactiv,rifiut,bloccat,vietat,disattiv,recus,proib,desativ,weiger,"
    "geweigerd,geblokkeer,opgezegd,uitgeschakeld,stopgezet,odmów,odmow,zrezygn,wyłącz,odrzuc,"
    "rezygn,revoc,revog,révoq,wycof,cofn,ritirat,ingetrok,zurückgezogen,återkall,cancelou,"
    "canceló,annullat,ungültig,invalid,inválid,ongeldig,nieprawidł,neplatn,érvénytelen,ogiltig,"
    "ugyldig,недейств,avböj,nekat,avslut,frabed,fravalg,afvis,reserver,avslå,avslag,kielt,odmítn,"
    "visszautasít,отозв,отказ,запрет,отключ,відмов,вимкн,istemi,istemem,reddet,reddedi,apagad"
)
# In a remark these are about other things as well: “He stopped mail fraud”.
ENDED_IN_A_TITLE = words("stopped,blocked,banned,suspended")
# Beginnings of words for having left a list, in a remark of a few words: “ist abgemeldet”.
LEFT = in_order(
    "unsub,abgemeld,abbestell,ausgetrag,désabonn,désinscri,desuscri,disiscri,descadastr,"
    "uitgeschreven,afgemeld,wypisan,avregistr,avanmel,avmeld,frameld,odhlášen,leiratkoz,dezabon,"
    "отписа"
)
# The same for what is allowed: “Contact permitted”.
ALLOWED = in_order(
    "allow,permit,authori,approv,wanted,wants,wishes,desired,erlaubt,gestattet,zugelassen,"
    "genehmigt,gewünscht,erwünscht,autoris,permis,souhait,accept,autoriz,desead,desea,permes,"
    "consentit,autorizz,desider,desejad,deseja,gewenst,toegestaan,dozwol,önskas,önskar,tillåt,"
    "tillad,tillat,ønsker,povol,engedély,разреш,желает,дозвол"
)
ALLOWED_ANYWHERE = words("can,may,darf,dürfen,peut,puede,può,pode,mag,må,får,można,можно,можна,saa")
WITHOUT = words("without,ohne,sans,sin,senza,sem,zonder,bez,utan,uten,uden,без")
# What a consent is called: “Consenso revocato”.
CONSENT = words(
    "consent,permission,einwilligung,zustimmung,consentement,consentimiento,consenso,consentimento,"
    "toestemming,zgoda,zgody,souhlas,souhlasu,samtykke,samtycke,suostumus,согласие,згода"
)
# What may stand between a list and “from” before it.
OF_A_LIST = words(
    "the,our,your,my,this,all,mailing,email,mail,distribution,newsletter,contact,der,dem,den,"
    "unserem,unserer,eurem,la,las,los,el,notre,votre,nos,vos,nuestra,nuestro,su,nostra,vostra,"
    "nossa,sua,de,d,di,onze,het,hun,naszej,diffusion,envoi,envío,envíos,distribución,"
    "distribuzione,distribuição,correo,correos,vår,vores,нашей,нашего,вашей,e"
)
ALLOWED_AHEAD = words("send,ok,okay,senden,envoyer,enviar,inviare,sturen,skicka")
AROUND_AN_END = FROM | BETWEEN | WISHES | ASK | ARTICLES
DENYING = DENY | WITHOUT
