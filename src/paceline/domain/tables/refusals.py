"""Finds in a title or a remark that somebody wants no mail, by what sentences are made of.

A word that denies and one of writing behind it: “nicht mehr anschreiben”, “ne plus contacter”,
“wants no emails”. Or one of taking away and the list it is taken from, or one of asking and an end:
“van de lijst halen”, “pidió la baja”. Each language has some words of each kind, and any order that
its people write them in; no list holds all of their sentences.
"""

from __future__ import annotations

import re

from paceline.domain.tables import refusal_words as said
from paceline.domain.tables.words import comparable

_MAX_SENTENCE = 400  # characters that are looked at
_MAX_BETWEEN = 8  # words from what denies to what it denies
_MAX_SHORT = 3  # words of a remark that is nothing but a refusal: “keine Mails”
_MAX_LEFT = 4  # words of a remark that somebody has left the list
_MAX_LEFT_MAIL = 8  # of one that names what
_MAX_APART = 4  # words from taking away to what it is taken from
_WORD = re.compile(r"e-?mails?\b|e-?post\b|[^\W_]+", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_HEAR_FROM = re.compile(
    r"\bbe (?:contacted|written to)\b|\bhear from\b|\bvon uns (?:zu )?hören\b"
    r"|\bentendre parler\b|\bsaber de\b|\bvan ons horen\b",
    re.IGNORECASE,
)
# Where words are not held apart, or only the whole of them is a refusal.
_PHRASES = re.compile(
    r"(?:送ら|送付し|送信し|連絡し|配信し)ないで"
    r"|(?:メール|dm|案内|連絡|配信|送付|郵送|資料|お知らせ|通知)は?(?:いらない|不要|お断り|拒否|停止)"
    r"|(?:不要|不用|别|別|勿|请勿|請勿|不想|不愿|不願)(?:再)?(?:给我|給我|向我)?"
    r"(?:发|發|寄|联系|聯繫|聯絡|打扰|打擾|接?收到?邮|接?收到?郵)"
    r"|(?:메일|연락|발송|광고|마케팅|뉴스레터)\S{0,3}\s*(?:거부|금지|원치|원하지|보내지)"
    r"|لا (?:ي|ت)?(?:رغب|ريد|رسل|تراسل)|לא (?:מעוניי|לשלוח|רוצ)"
    r"|\b(?:dio|dado|dada|darse|dar) de baja\b|\bstop (?:sending|writing|(?:e-?)?mailing)\b",
    re.IGNORECASE,
)
_BOUNCED = re.compile(
    r"\b(?:e-?mails?|mails?|address|adresse|newsletter)\b(?:\W+\w+){0,2}?\W+"
    r"bounc(?:e|es|ed|ing)\b|\bbounc(?:es|ed|ing) (?:e-?mails?|mails?|address)\b",
    re.IGNORECASE,
)


def title_refuses(title: str) -> bool:
    """“Nicht mehr anschreiben”: a yes below it is a no."""
    title = title[:_MAX_SENTENCE]
    split = _words(title)
    if _PHRASES.search(title) is not None or _denies(split, is_title=True):
        return True
    if _asks_for_an_end(split):
        return True
    ended = split[-1:] == ["off"] or any(word.startswith(said.ENDED) for word in split)
    return ended and (_is_about_mail(split) or not said.CONSENT.isdisjoint(split))


def title_allows(title: str) -> bool:
    """“Contact permitted”: a no below it is one."""
    split = _words(title[:_MAX_SENTENCE])
    if not _is_about_mail(split):
        return False
    if split[0] in said.ALLOWED_AHEAD or not said.ALLOWED_ANYWHERE.isdisjoint(split):
        return True
    return any(word.startswith(said.ALLOWED) for word in split)


def _is_about_mail(split: list[str]) -> bool:
    return not (said.MAIL.isdisjoint(split) and said.WRITING.isdisjoint(split))


def remark_refuses(text: str) -> bool:
    """“Möchte keine Post mehr”; that there is no mail is no refusal of any."""
    text = text[:_MAX_SENTENCE]
    if _PHRASES.search(text) or _BOUNCED.search(text):
        return True
    split = _words(text)
    return (
        _denies(split, is_title=False)
        or _takes_off(split)
        or _asks_for_an_end(split)
        or _ended(split)
        or _has_left(split)
    )


def _words(text: str) -> list[str]:
    plain = _HEAR_FROM.sub(" contact ", text.replace("’", "'"))
    plain = plain.replace("n't", "nt").replace("'", " ")
    return [comparable(word) for word in _WORD.findall(_CAMEL.sub(" ", plain))]


def _denies(split: list[str], *, is_title: bool) -> bool:
    if said.DENYING.isdisjoint(split) and "plus" not in split:
        return False
    noun_will_do = is_title or len(split) <= _MAX_SHORT or not said.WISHES.isdisjoint(split)
    return any(
        _denies_from(split, at, is_title=is_title, noun_will_do=noun_will_do)
        for at, word in enumerate(split)
        if word in said.DENYING or split[at : at + 2] in (["plus", "de"], ["plus", "d"])
    )


def _denies_from(split: list[str], at: int, *, is_title: bool, noun_will_do: bool) -> bool:
    deny, before = split[at], split[at - 1] if at else ""
    if is_title and deny == "no" and before and before not in said.WISHES:
        return False  # a number: “Account no, email”
    wished = not said.WISHES.isdisjoint(split)
    wishes = is_title or not (before in said.STATES or deny in said.STATING)
    nouns = _nouns(deny)
    for i, word in enumerate(split[at + 1 : at + 2 + _MAX_BETWEEN], start=at + 1):
        wishes = wishes or word in said.WISHES
        is_deed = word in said.WRITING and not (deny == "no" and word in said.NOUNS_TOO)
        if wishes and (is_deed or (noun_will_do and word in nouns)):
            return True
        if word in said.RECEIVING and said.BETWEEN.issuperset(split[i + 1 :]) and wished:
            return True
        if word not in said.BETWEEN:
            return False
    return False


def _nouns(deny: str) -> frozenset[str]:
    """Those that this word denies: whose remark is “sans mail” has none to be reached at."""
    if deny == "stop":
        return said.ENOUGH_FOR_STOP
    return said.CONSENT if deny in said.WITHOUT else said.MAIL | said.CONSENT


def _takes_off(split: list[str]) -> bool:
    """“Aus dem Verteiler nehmen”, “retirar da lista”."""
    for at, word in enumerate(split):
        if word in said.LIST and _is_taken_from(split[:at]):
            near = split[max(at - _MAX_APART - 1, 0) : at + _MAX_APART]
            if not said.TAKE.isdisjoint(near):
                return True
    return False


def _is_taken_from(ahead: list[str]) -> bool:
    """Whether “from our” stands before a list, and not “from the waiting”."""
    for word in reversed(ahead):
        if word in said.FROM:
            return True
        if word not in said.OF_A_LIST:
            break
    return False


def _asks_for_an_end(split: list[str]) -> bool:
    """“A demandé sa désinscription”, “bittet um Löschung”."""
    for at, word in enumerate(split):
        after = split[at + 1 : at + 2]
        if word in said.END and said.AROUND_AN_END.issuperset(after):
            ahead = [near for near in split[max(at - 4, 0) : at] if near not in said.ARTICLES]
            if not said.ASK.isdisjoint([*ahead[-1:], *after]):
                return True
    return False


def _ended(split: list[str]) -> bool:
    """“Newsletter abbestellt”, “refuse nos mails”."""
    for at, word in enumerate(split):
        if word.startswith(said.ENDED) and word not in said.ENDED_IN_A_TITLE:
            near = split[max(at - 2, 0) : at + 3]
            if not said.MAIL.isdisjoint(near) and said.DENY.isdisjoint(near):
                return True
    return False


def _has_left(split: list[str]) -> bool:
    """“Heeft zich afgemeld”."""
    about_mail = not said.MAIL.isdisjoint(split)
    most = _MAX_LEFT_MAIL if about_mail else _MAX_LEFT
    if len(split) > most or not said.DENY.isdisjoint(split):
        return False
    return any(word.startswith(said.LEFT) for word in split)
