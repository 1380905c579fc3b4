"""Tells by its title what a column says about consent: out, in, a status, or none of these."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto
from functools import lru_cache

from paceline.domain.tables import consent_title_words as titled
from paceline.domain.tables.refusals import title_allows, title_refuses
from paceline.domain.tables.words import comparable, grams

_SHORT = 6  # a part of a title that is shorter must be words of it, or it is found by chance
NOT_ABOUT_MAIL = frozenset(
    {"order", "payment", "financial", "fulfillment", "fulfilment", "invoice", "ticket", "deal"}
    | {"shipping", "attendee", "project", "task", "marital", "employment", "opportunity", "booking"}
    | {"application", "delivery", "product", "charge", "subscriptionplan", "membership", "civil"}
    | {"refund"}
)


class Kind(Enum):
    """What a title says about the values below it."""

    OPT_OUT = auto()
    OPT_IN = auto()
    STATUS = auto()
    TAGS = auto()
    OTHER_CHANNEL = auto()
    ANYTHING = auto()


_SPANISH_OF = re.compile(r"\bde (?=suscri)", re.IGNORECASE)  # “de suscripción” holds “desuscri”


_TAKEN_BACK = re.compile(  # “Not unsubscribed”: the two say yes together
    r"\W*(?:is |has )?(?:not|nicht|non|pas|niet|nie|не)[ _-]*(?:yet )?"
    r"(?:unsub|opted[ _-]?out|bounced|abgemeldet|gesperrt|desabonn|désabonn|désinscr|disiscr|"
    r"uitgeschr|afgemeld|wypisan|отписан)",
    re.IGNORECASE,
)


@lru_cache(maxsize=1_024)
def kind_of(title: str) -> Kind:
    """What the title of a column says about the values below it."""
    title = _SPANISH_OF.sub(" ", title)
    key, parts_of_it = comparable(title), title_grams(title)

    def has(parts: Iterable[str]) -> bool:
        return any(part in key if _is_telling(part) else part in parts_of_it for part in parts)

    about_mail = any(part in key for part in titled.EMAIL_IN_TITLE)
    for_something_else = has(titled.OTHER_PURPOSES) and not has(titled.MAIL_PURPOSES)
    if not key or has(titled.NOT_ABOUT_WANTING) or (for_something_else and not about_mail):
        return Kind.ANYTHING
    if has(titled.OTHER_CHANNELS) and not about_mail:
        is_status = (
            has(titled.OPT_OUT_TITLES) or has(titled.OPT_IN_TITLES) or has(titled.STATUS_TITLES)
        )
        return Kind.OTHER_CHANNEL if is_status else Kind.ANYTHING
    twice_no = _TAKEN_BACK.match(title) is not None
    if not twice_no and (has(titled.OPT_OUT_TITLES) or title_refuses(title)):
        return Kind.OPT_OUT
    opts_in = twice_no or has(titled.OPT_IN_TITLES) or _asks(key) or title_allows(title)
    if opts_in or (about_mail and parts_of_it & _RECEIVES):
        return Kind.ANYTHING if has(titled.MOMENTS) else Kind.OPT_IN
    if not has(titled.STATUS_TITLES) or parts_of_it & NOT_ABOUT_MAIL:
        return Kind.ANYTHING
    return Kind.STATUS if any(word in key for word in _ONE_VALUED) else Kind.TAGS


_RECEIVES = frozenset({"receive", "receives", "allows"})  # “Receive our emails?”


def _is_telling(part: str) -> bool:
    return len(part) >= _SHORT or not part.isascii()


_ONE_VALUED = tuple(
    comparable(word)
    for word in (
        *("status", "state", "stage", "statut", "etat", "estado", "situacion", "stato", "situação"),
        *("stan", "stav", "állapot", "статус", "состояние", "ステータス", "状態", "状况", "状态"),
        *("狀態", "상태", "durum", "verification", "validation", "validity", "deliverability"),
        *("legal basis", "lawful basis", "base legal", "rechtsgrundlage", "base légale"),
        *("base giuridica", "rechtsgrond", "podstawa prawna"),
    )
)


def title_grams(title: str) -> frozenset[str]:
    """Its words, and up to four neighbours joined."""
    return grams(title, most=4)


def _asks(key: str) -> bool:
    """A form's question: "May we write to you?"."""
    return any(word in key for word in titled.QUESTION_WORDS) and any(
        topic in key for topic in titled.QUESTION_TOPICS
    )
