"""Finds in a title or a remark that somebody wants no mail, by what sentences are made of.

A word that denies and one of writing behind it: “nicht mehr anschreiben”, “ne plus contacter”,
“wants no emails”. Or one of taking away and the list it is taken from, or one of asking and an end:
“van de lijst halen”, “pidió la baja”. Each language has some words of each kind, and any order that
its people write them in; no list holds all of their sentences.
"""

from __future__ import annotations

import re

from paceline.domain.tables.words import comparable, words

_MAX_SENTENCE = 400  # characters that are looked at
_MAX_SHORT = 3  # words of a remark that is nothing but a refusal: “keine Mails”
_MAX_APART = 4  # words from taking away to what it is taken from
_WORD = re.compile(r"e-?mails?\b|e-?post\b|[^\W_]+", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_DENY = words(
    "no,not,dont,doesnt,didnt,never,stop,mustnt,shouldnt,nicht,kein,keine,keinen,keinerlei,nichts,nie,"
    "niemals,ne,pas,jamais,aucun,aucune,rien,ningún,ninguna,nunca,non,nessuna,nessun,não,"
    "nenhum,nenhuma,niet,geen,nooit,inte,ikke,ikkje,aldrig,aldri,ingen,inga,ei,älä,nechce,nem,"
    "не,ні,hayır"
)
# “Does not write much”: what somebody does is no wish, unless a word for one follows.
_STATES = words(
    "does,did,has,have,had,is,was,were,can,could,cannot,kann,konnte,hat,peut,puede,può,pode,kan"
)
_STATING = words("doesnt,didnt")
_RECEIVING = words(
    "receive,recevoir,recibir,ricevere,receber,ontvangen,erhalten,bekommen,otrzymywać,motta,få,"
    "получать"
)
_NOUNS_TOO = words("contact,writing,mailing")  # “no contact since May” says what was
_ENOUGH_FOR_STOP = words("email,emails,mail,mails,mailing,mailings,newsletter,newsletters")
_HEAR_FROM = re.compile(
    r"\bhear from\b|\bvon uns (?:zu )?hören\b|\bentendre parler\b|\bsaber de\b|\bvan ons horen\b",
    re.IGNORECASE,
)
# What may stand between the two.
_BETWEEN = words(
    "more,further,any,to,be,for,send,sending,sent,want,wants,wish,wishes,like,need,needs,get,"
    "receive,our,your,the,us,me,him,her,them,this,bulk,mass,marketing,promotional,please,via,by,"
    "from,mehr,weitere,weiteren,bitte,werden,zu,per,von,uns,unsere,unseren,senden,schicken,"
    "wünscht,plus,pas,de,d,des,nos,nous,le,la,les,lui,me,vous,veut,veux,souhaite,souhaitons,"
    "désire,recevoir,envoyer,par,más,mas,nuestros,nuestras,quiere,quiero,desea,deseo,recibir,"
    "enviar,mandar,le,les,por,mail,email,emails,più,piu,vuole,voglio,desidera,desidero,ricevere,"
    "inviare,mandare,nostre,mais,quer,quero,deseja,desejo,receber,nossos,meer,wil,wenst,onze,"
    "via,ontvangen,sturen,już,więcej,chce,chcę,otrzymywać,wysyłać,ha,få,lengre,längre,mer,flere,"
    "skicka,send,motta,modtage,надо,нужно,хочет,хочу,желает,больше,присылать,получать"
)
_WRITING = words(
    "write,writing,written,contact,contacting,email,emailing,emailed,mailing,mailed,"
    "disturb,bother,anschreiben,angeschrieben,schreiben,kontaktieren,kontaktiert,mailen,"
    "anmailen,angemailt,zusenden,zuschicken,belästigen,ansprechen,contacter,écrire,solliciter,"
    "relancer,démarcher,déranger,importuner,contactar,escribir,molestar,contattare,scrivere,"
    "disturbare,sollecitare,contatar,escrever,incomodar,perturbar,aanschrijven,schrijven,"
    "benaderen,contacteren,storen,pisać,mailować,kontaktować,niepokoić,kontakta,kontakte,"
    "kontaktes,skriva,skrive,psát,kontaktovat,писать,беспокоить,слать,связываться,отправлять,"
    "рассылать,присылать"
)
_MAIL = words(
    "email,emails,mail,mails,mailing,mailings,newsletter,newsletters,marketing,contact,"
    "promotions,promos,spam,advertising,ads,werbung,post,zusendung,zusendungen,info,infos,"
    "informationen,nachricht,nachrichten,rundschreiben,rundmail,rundmails,rundbriefe,kontakt,"
    "werbemails,newslettern,courriel,courriels,publicité,sollicitation,sollicitations,lettres,"
    "correo,correos,publicidad,boletín,boletines,mensajes,noticias,messaggi,comunicazioni,"
    "pubblicità,posta,mensagens,propaganda,comunicações,reclame,nieuwsbrief,nieuwsbrieven,"
    "mailtjes,mailtje,berichten,maili,mailingu,mailingów,newslettera,newsletterów,wiadomości,"
    "reklam,mejl,mejlen,utskick,nyhetsbrev,reklame,epost,eposter,nyhedsbrev,nyhedsbreve,"
    "sähköpostia,postia,maily,reklamu,писем,письма,рассылок,рассылки,рассылку,сообщений"
)
# With these a noun is refused in a longer remark as well.
_WISHES = words(
    "want,wants,wanted,wish,wishes,like,asked,asks,please,pls,plz,more,further,send,möchte,möchten,"
    "will,wollen,wünscht,wünschen,bitte,mehr,weitere,weiteren,schicken,senden,veut,veux,souhaite,"
    "désire,svp,demande,demandé,más,quiere,quiero,desea,favor,pide,pidió,più,vuole,voglio,"
    "desidera,prego,mais,quer,quero,deseja,pediu,meer,wil,wenst,graag,aub,chce,chcę,proszę,więcej,"
    "vill,önskar,vil,ønsker,skicka,snälla,хочет,хочу,желает,просит,просил,больше,halua"
)
_TAKE = words(
    "remove,removed,take,taken,delete,deleted,drop,dropped,strike,unlist,nehmen,genommen,"
    "entfernen,entfernt,streichen,gestrichen,löschen,gelöscht,raus,rausnehmen,austragen,retirer,"
    "retiré,retirée,enlever,enlevé,enlevée,supprimer,supprimé,supprimée,rayer,sortir,quitar,quiten,"
    "quitado,quitada,sacar,eliminar,borrar,borrado,borrada,togliere,tolto,tolta,toglietemi,"
    "rimuovere,rimosso,rimossa,cancellare,cancellato,cancellata,retirar,retirado,remover,removido,"
    "removida,tirar,excluir,excluído,sair,halen,afhalen,gehaald,verwijderen,verwijderd,schrappen,"
    "usunąć,usuń,usunięty,skreślić,wypisać,bort,fjern,fjernes,slett,удалить,удалите,убрать,"
    "исключить,вычеркнуть"
)
_FROM = words("from,off,aus,von,vom,de,des,du,dalla,dal,della,da,do,van,uit,z,ze,från,fra,из,от,с")
_LIST = words(
    "list,lists,mailinglist,verteiler,liste,listen,mailingliste,adressliste,verteilerliste,"
    "listes,lista,listas,listado,envíos,mailing,lijst,mailinglijst,verzendlijst,listy,"
    "listan,utskicket,списка,рассылки,рассылок,базы"
)
_ASK = words(
    "asked,asks,requested,requests,wants,demands,wünscht,gewünscht,bittet,gebeten,um,will,"
    "verlangt,beantragt,möchte,demande,demandé,demandée,souhaite,réclame,pide,pidió,pedido,"
    "solicita,solicitó,solicitado,quiere,chiede,chiesto,richiede,richiesto,vuole,pediu,pede,"
    "solicitou,quer,vraagt,gevraagd,verzoekt,wil,prosi,proszę,prosił,prosiła,poprosił,begär,"
    "begärt,ønsker,просит,просил,просила,попросил,попросила"
)
_END = words(
    "unsubscription,removal,deletion,erasure,löschung,abmeldung,austragung,désinscription,"
    "désabonnement,radiation,suppression,retrait,baja,desuscripción,cancelación,cancellazione,"
    "disiscrizione,rimozione,descadastro,descadastramento,remoção,exclusão,cancelamento,"
    "uitschrijving,afmelding,verwijdering,wypisanie,wypisać,usunięcie,avregistrering,avmelding,"
    "отписку,отписать,удаление,удалить"
)
_ARTICLES = words(
    "the,a,his,her,their,for,be,die,der,seine,ihre,eine,um,la,le,sa,son,un,une,su,de,darse,dar,una,"
    "il,lo,sua,o,ao,de,do,da,het,de,haar,zijn,een,om,o,się,его,её,об,о"
)
_IN_SIGNS = re.compile(
    r"(?:送ら|送付し|送信し|連絡し|配信し)ないで"
    r"|(?:メール|dm|案内|連絡|配信|送付|郵送|資料)は?(?:いらない|不要|お断り|拒否|停止)"
    r"|(?:不要|不用|别|別|勿|请勿|請勿|不想|不愿|不願)(?:再)?(?:给我|給我|向我)?"
    r"(?:发|發|寄|联系|聯繫|聯絡|打扰|打擾|收到?邮|收到?郵)"
    r"|(?:메일|연락|발송|광고)\S{0,3}\s*(?:거부|금지|원치|원하지|보내지)",
    re.IGNORECASE,
)
_BOUNCED = re.compile(
    r"\b(?:e-?mails?|mails?|address|adresse|newsletter)\b(?:\W+\w+){0,2}?\W+"
    r"bounc(?:e|es|ed|ing)\b|\bbounc(?:es|ed|ing) (?:e-?mails?|mails?|address)\b",
    re.IGNORECASE,
)


def title_refuses(title: str) -> bool:
    """“Nicht mehr anschreiben”: a yes below it is a no."""
    return _IN_SIGNS.search(title) is not None or _denies(_words(title), is_title=True)


def remark_refuses(text: str) -> bool:
    """“Möchte keine Post mehr”; that there is no mail is no refusal of any."""
    text = text[:_MAX_SENTENCE]
    if _IN_SIGNS.search(text) or _BOUNCED.search(text):
        return True
    split = _words(text)
    return _denies(split, is_title=False) or _takes_off(split) or _asks_for_an_end(split)


def _words(text: str) -> list[str]:
    plain = _HEAR_FROM.sub(" contact ", text.replace("’", "'"))
    plain = plain.replace("n't", "nt").replace("'", " ")
    return [comparable(word) for word in _WORD.findall(_CAMEL.sub(" ", plain))]


def _denies(split: list[str], *, is_title: bool) -> bool:
    if _DENY.isdisjoint(split) and "plus" not in split:
        return False
    noun_will_do = is_title or len(split) <= _MAX_SHORT or not _WISHES.isdisjoint(split)
    return any(
        _denies_from(split, at, is_title=is_title, noun_will_do=noun_will_do)
        for at, word in enumerate(split)
        if word in _DENY or split[at : at + 2] in (["plus", "de"], ["plus", "d"])
    )


def _denies_from(split: list[str], at: int, *, is_title: bool, noun_will_do: bool) -> bool:
    deny, before = split[at], split[at - 1] if at else ""
    if is_title and deny == "no" and before and before not in _WISHES:
        return False  # a number: “Account no, email”
    wishes = is_title or not (before in _STATES or deny in _STATING)
    nouns = _ENOUGH_FOR_STOP if deny == "stop" else _MAIL
    for i in range(at + 1, len(split)):
        word = split[i]
        wishes = wishes or word in _WISHES
        is_deed = word in _WRITING and not (deny == "no" and word in _NOUNS_TOO)
        if wishes and (is_deed or (noun_will_do and word in nouns)):
            return True
        if word in _RECEIVING and i == len(split) - 1 and not _WISHES.isdisjoint(split[:i]):
            return True
        if word not in _BETWEEN:
            return False
    return False


def _takes_off(split: list[str]) -> bool:
    """“Aus dem Verteiler nehmen”, “retirar da lista”."""
    for at, word in enumerate(split):
        if word in _LIST and not _FROM.isdisjoint(split[max(at - 3, 0) : at]):
            near = split[max(at - _MAX_APART - 1, 0) : at + _MAX_APART]
            if not _TAKE.isdisjoint(near):
                return True
    return False


def _asks_for_an_end(split: list[str]) -> bool:
    """“A demandé sa désinscription”, “bittet um Löschung”."""
    for at, word in enumerate(split):
        if word in _END:
            ahead = [w for w in split[max(at - 4, 0) : at] if w not in _ARTICLES]
            if (ahead and ahead[-1] in _ASK) or (at + 1 < len(split) and split[at + 1] in _ASK):
                return True
    return False
