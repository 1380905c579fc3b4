"""Reads what a list says of people outside its columns: in a title above, or beside an address.

“Opted out:” on a line alone speaks of everybody below it, up to the next such title;
“(unsubscribed)” behind an address of that one. Neither is in a column, and both mean what they say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from paceline.domain.tables import consent_words as said
from paceline.domain.tables.consent_sentences import says_so_in_a_sentence
from paceline.domain.tables.words import comparable, words

_MAX_TITLE = 80  # characters; a longer line is no title
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")
_LABEL = re.compile(r"\s*([^:@<>\"]{2,60})[:：]")
_FILLERS = words(
    "contact,contacts,people,person,persons,member,members,user,users,subscriber,subscribers,"
    "address,addresses,emails,recipient,recipients,customer,customers,client,clients,lead,leads,"
    "list,lists,the,these,those,of,have,has,who,are,please,following,below,all,who've,everyone,"
    "details,section,from,our,mailing,kontakt,kontakte,kontakten,abonnenten,adressen,empfänger,"
    "kunden,liste,personen,bitte,die,der,contactos,clientes,direcciones,lista,de,los,las,"
    "destinatarios,suscriptores,contatti,clienti,indirizzi,iscritti,contatos,assinantes,adresses,"
    "clients,abonnés,les,des,destinataires,contacten,klanten,lijst,контакты,список,адреса"
)
_OUT = (
    said.OUT
    | said.OUT_TAGS
    | words(
        "unsubscribed,unsubscribes,unsubscribe,opt outs,opted out,opt out,bounces,bounced,blocked,"
        "do not,removed,suppressed,former,deleted,abmeldungen,abgemeldete,ausgetragene,gesperrte,"
        "désabonnements,désinscrits,bajas,dados de baja,disiscritti,cancellati,descadastrados,"
        "afmeldingen,uitgeschreven,wypisani,отписавшиеся,отписанные,отписались,no,not to be mailed,"
        "not to be emailed,not to be contacted,do not send to,do not use,not in use,"
        "no longer valid,not valid,wrong address,exclude,excluded,exclusions"
    )
    - words("no,failed,open,dead,emails")
)
_OUT_IN_A_NAME = said.OUT_TAGS | words(
    "dnc,unsub,no mail,no email,no emails,no mailing,no newsletter,opt out,deceased,do not use,"
    "verstorben,keine mail,keine mails,kein newsletter,décédé,décédée,fallecido,fallecida,"
    "deceduto,deceduta,falecido,overleden"
)
_MARKED = re.compile(r"[(\[*:!/|]|\s[-–—]\s")
_MARK = re.compile(r"[()\[\]*:!/|]+|\s[-–—]\s")
_NOT_RECIPIENTS = words(
    "host details,host,hosts,organizer,organizers,organiser,organisers,organizer details,"
    "host detail,alternative hosts,gastgeber,veranstalter,organisateur,anfitrión,organizador"
)
_FOOTER = re.compile(
    r"\W*(?:(?:report|list|file|data|this (?:report|list|file)|bericht|liste|rapport|informe|"
    r"rapporto)\s+)?(?:was |wurde )?"
    r"(?:exported|generated|created|prepared|printed|downloaded|sent|compiled|requested|produced|"
    r"exportiert|erstellt|gesendet|exporté|généré|envoyé|exportado|generado|enviado|esportato|"
    r"generato|inviato|geëxporteerd|wyeksportowane|экспортировано|создано)\s*"
    r"(?:by|to|for|from|von|an|für|durch|par|à|por|para|da|a|door|przez)?\s*[:：]?\W*"
    r"|\W*(?:questions|contact us|for questions|fragen|report owner|run by|export by|owned by)"
    r"\s*[?:：]*\W*",
    re.IGNORECASE,
)


def title_says_out(cells: Sequence[str]) -> str | None:
    """The title, where a row is nothing but one that speaks of people not to be written to."""
    title = _lone(cells)
    if title is None:
        return None
    bare = _IN_BRACKETS.sub(" ", title)
    key = comparable(bare) or comparable(title)
    plain = "".join(word for word in map(comparable, _WORD.findall(bare)) if word not in _FILLERS)
    is_out = key in _OUT or plain in _OUT or key in _NOT_RECIPIENTS or says_so_in_a_sentence(title)
    return title if is_out else None


def is_another_title(cells: Sequence[str], *, width: int | None) -> bool:
    """Whether a row without an address begins something else: “Subscribed contacts”."""
    title = _lone(cells)
    if title is None:
        return False
    rest = [word for word in map(comparable, _WORD.findall(title)) if word not in _FILLERS]
    if not rest or "".join(rest) in said.YES | said.AGREED:
        return True
    return (width or 1) > 1 or title.endswith((":", "："))


def section_at(rows: Sequence[Sequence[str]]) -> str | None:
    """The title that speaks of those below these rows, of the rows above a header."""
    section = None
    for cells in rows:
        said_out = title_says_out(cells)
        if said_out or is_another_title(cells, width=2):
            section = said_out
    return section


def labelled_out(line: str) -> tuple[str, str] | None:
    """“Unsubscribed: ann@…, bob@…” cut into the title and the rest of the line."""
    matched = _LABEL.match(line)
    if matched is None or title_says_out([matched[1]]) is None:
        return None
    return matched[0].strip(), line[matched.end() :]


def said_beside(cell: str, address: str) -> str | None:
    """What stands beside an address in its cell, where that says not to write to it."""
    beside = " ".join(cell.replace(address, " ").split()).strip(" <>()[]-–—,;:*\"'")
    if not beside or "@" in beside:
        return None
    parts = [beside, *re.findall(r"[(\[]([^()\[\]]+)[)\]]", cell)]
    known = any(comparable(part) in _OUT or says_so_in_a_sentence(part) for part in parts)
    return beside[:_MAX_TITLE] if known else None


def said_in_a_name(name: str) -> str | None:
    """“Ada Berg (unsubscribed)”, “DO NOT MAIL - Bo”: the part that says not to write to them."""
    if _MARKED.search(name) is None:
        return None
    parts = (part.strip(" -–—*!") for part in _MARK.split(name))
    return next((part for part in parts if comparable(part) in _OUT_IN_A_NAME), None)


def is_signature(cells: Sequence[str]) -> bool:
    """Whether a row is a report's word about itself: “Exported by, owner@…”."""
    if not cells or _FOOTER.fullmatch(cells[0]) is None:
        return False
    return sum(bool(cell.strip()) for cell in cells) == 2


def _lone(cells: Sequence[str]) -> str | None:
    filled = [cell.strip() for cell in cells if cell.strip()]
    if len(filled) != 1 or "@" in filled[0] or len(filled[0]) > _MAX_TITLE:
        return None
    return " ".join(filled[0].split())
