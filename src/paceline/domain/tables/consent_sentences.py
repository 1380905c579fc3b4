"""Tells whether a sentence says that somebody is not to be written to."""

from __future__ import annotations

import re

from paceline.domain.tables.refusals import remark_refuses

_MAX_TOO_SHORT = 5  # characters; nobody says a sentence in so few
# What a server said of an address: “550 5.1.1 User unknown”; no date and no number of a chapter.
_SERVER_SAID = re.compile(
    r"\s*(?:#?5\.[0-7]\.\d(?![.\d])|5\d\d[ -]#?5\.\d{1,3}\.\d{1,3}\b"
    r"|55\d[ -].{0,60}\b(?:user|mailbox|recipient|address)\b)",
    re.IGNORECASE,
)

_SENTENCES = re.compile(
    r"(?<!not )(?<!never )(?<!n't )(?:"
    r"\b(?:has |have |was |is |been )?(?:un-?subscribed|opt(?:ed|s)?[ -]?out)\b"
    r"|\bplease,? (?:un-?subscribe\b|(?:remove|stop)\W*$)"
    r"|\bun-?subscribe (?:me|him|her|them|from)\b"
    r"|\b(?:wants?|wishes|asked|asks|requests?|requested|like) (?:us |me )?"
    r"(?:to be (?:removed|taken off|unsubscribed|deleted)|to (?:unsubscribe|opt[ -]?out)"
    r"|removal|no (?:more )?(?:e-?mails?|mails?|newsletters?))"
    r"|\b(?:remove|take|delete|drop) (?:me|him|her|them|us|this person|my (?:e-?mail|address)\w*) "
    r"(?:from|off)\b|\bremove from (?:the |our |your |all )?(?:mailing )?lists?\b"
    r"|\b(?:do not|don['’]?t|never|must not|should not|stop) "
    r"(?:send(?:ing)? (?:\w+ )?)?(?:e-?mail|mail|contact|write|newsletter)(?:s|ing|ed)?\b"
    r"|\bno (?:more|further) (?:e-?mails?|mails?|mailings?|newsletters?|contact)\b"
    r"|\b(?:hard[ -]?bounced?|marked (?:us )?as spam|spam complaint)\b"
    r"|\bkeine (?:weiteren |mehr )?(?:(?:e-?)?mails?|newsletter|werbung|mailings?)\b"
    r"|\bkein(?:en)? newsletter\b|\b(?:bitte|möchte|will) (?:\w+ ){0,3}"
    r"(?:austragen|abmelden|löschen|abbestellen|abgemeldet|ausgetragen)"
    r"|\bhat sich abgemeldet\b"
    r"|\bne (?:plus|pas) (?:\w+ )?(?:recevoir|contacter|envoyer|écrire)|\bse désabonner\b"
    r"|\bdésabonn(?:ez|er|é)|\bdésinscri|\bno (?:contactar|enviar|escribir|desea recibir)\b"
    r"|\bdarse de baja\b|\bdar(?:me)? de baja\b|\bquiere (?:darse de )?baja\b"
    r"|\bnon (?:contattare|inviare|scrivere|vuole ricevere)|\bcancellatemi\b|\bdisiscri"
    r"|\bnão (?:contatar|contactar|enviar|quer receber)|\bdescadastr|\bniet (?:meer )?mailen\b"
    r"|\b(?:asked|asks|wants?|wishes|prefers?) (?:us |me )?not to (?:be )?"
    r"(?:e-?mail|contact|writ)\w*|\bnon vuole più (?:ricevere|e-?mail)"
    r"|\bveut plus de (?:e-?mail|mail|courriel|newsletter)|\bsair da lista\b"
    r"|\bwil geen (?:e-?mail|mail|nieuwsbrief)|\bnie (?:pisać|wysyłać|kontaktować)\b"
    r"|\bgraag uitschrijven\b|отпис|не писать|не беспокоить|удалите (?:меня|из)"
    r"|配信停止|配信不要|メール不要|退订|退訂|不要发|수신거부)",
    re.IGNORECASE,
)


def says_so_in_a_sentence(value: str) -> bool:
    """“Recipient unsubscribed via link”, “please remove me from your list”."""
    if _SERVER_SAID.match(value):
        return True
    if len(value) <= _MAX_TOO_SHORT:
        return False
    return _SENTENCES.search(value) is not None or remark_refuses(value)
