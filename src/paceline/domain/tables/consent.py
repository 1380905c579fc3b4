"""Finds the columns that say who does not want to be written to, and reads what they say of a row.

Polarity is the title's: "yes" under "Unsubscribed" means no, "no" under "Newsletter" means no, and
under "Status" only a value that says so itself does. What a column does not say is not held against
anybody, with one exception: in a column of ticks alone, an empty cell is a box that nobody ticked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache

from paceline.domain.tables import consent_words as said
from paceline.domain.tables.words import IS_ADDRESS_TITLE, NO_VALUE, comparable, words

_MAX_REMEMBERED = 10_000  # verdicts of one column
_MAX_LABEL = 80  # characters of a value in a report
_SHORT = 6  # a part of a title that is shorter must be words of it, or it is found by chance
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\da-zA-Z_]+")
_OPENING = re.compile(r"\s*((?:please )?[\w'’]+(?: not\b)?)[\s,.;:!–-]", re.IGNORECASE)
_TAG_BREAK = re.compile(r"[,;|\n/]|:::")
_NUMBERED = frozenset({"-1", "0", "1", "2", "3"})  # ActiveCampaign's: 1 active, 2 unsubscribed…
_NOT_ABOUT_MAIL = frozenset(
    {"order", "payment", "financial", "fulfillment", "fulfilment", "invoice", "ticket", "deal"}
    | {"shipping", "attendee", "project", "task", "marital", "employment", "opportunity", "booking"}
    | {"application", "delivery", "product", "charge", "subscriptionplan", "membership", "civil"}
)


class Kind(Enum):
    """What a title says about the values below it."""

    OPT_OUT = auto()
    OPT_IN = auto()
    STATUS = auto()
    TAGS = auto()
    ANYTHING = auto()


@dataclass(slots=True)
class StatusColumn:
    """One column that can exclude a row. `index` counts from 0."""

    index: int
    title: str
    _reads: Callable[[str], bool]
    _known: dict[str, str | None] = field(default_factory=dict)

    def verdict(self, value: str) -> str | None:
        """Why a row with this value is left out, in words; None where it is not."""
        if value in self._known:
            return self._known[value]
        found = self._label(value) if self._reads(value) else None
        if len(self._known) < _MAX_REMEMBERED:
            self._known[value] = found
        return found

    def _label(self, value: str) -> str:
        shown = " ".join(value.split())[:_MAX_LABEL]
        shown = "".join(c if c.isprintable() else "\ufffd" for c in shown) or "(empty)"
        return f"{self.title}: {shown}" if self.title else shown


def status_columns(
    titles: Sequence[str], body: Sequence[list[str]], *, address: Iterable[int]
) -> tuple[StatusColumn, ...]:
    """The columns of a table that exclude people, by their titles and the first rows."""
    taken = frozenset(address)
    found = []
    for i, title in enumerate(titles):
        if i in taken:
            continue
        values = [row[i].strip() for row in body if i < len(row)]
        reads = _reading_of(title, values) or _flag_of(title, values)
        if reads is not None:
            found.append(StatusColumn(i, " ".join(title.split()), reads))
    return tuple(found)


def _reading_of(title: str, values: list[str]) -> Callable[[str], bool] | None:
    kind = kind_of(title)
    given = [value for value in values if not _is_empty(value)]
    if kind is Kind.OPT_OUT:
        return None if any("://" in value for value in given) else _opted_out
    if kind is Kind.OPT_IN:
        return _opt_in_reading(values, given)
    if kind is Kind.STATUS:
        return _numbered if _is_numbered(title, given) else _says_out
    if kind is Kind.TAGS:
        return _has_tag
    return _says_out_plainly if any(map(_says_out_plainly, given)) else None


def _flag_of(title: str, values: list[str]) -> Callable[[str], bool] | None:
    """“Email: yes, no”, “Baja: sí, no”: one word that is something else but over answers."""
    given = [value for value in values if not _is_empty(value)]
    if not given or not all(_is_yes(value) or _is_no(value) for value in given):
        return None
    if comparable(title) in said.OPT_OUT_OVER_ANSWERS:
        return _opted_out
    return _not_opted_in if comparable(title) in IS_ADDRESS_TITLE else None


def _opt_in_reading(values: list[str], given: list[str]) -> Callable[[str], bool] | None:
    if 2 * sum(map(_is_answer, given)) < len(given):
        return None  # it holds something else: a number, a sentence, an address
    ticks = {comparable(value) or value for value in given}
    lone_tick = len(ticks) == 1 and _is_yes(given[0])
    return _not_ticked if lone_tick and len(given) < len(values) else _not_opted_in


def _is_numbered(title: str, given: list[str]) -> bool:
    kinds = {*given}
    return comparable(title) == "status" and kinds <= _NUMBERED and bool(kinds & {"2", "3"})


def _numbered(value: str) -> bool:
    return value.strip() in ("0", "2", "3")


@lru_cache(maxsize=1_024)
def kind_of(title: str) -> Kind:
    """What the title of a column says about the values below it."""
    key, grams = comparable(title), _grams(title)

    def has(parts: Iterable[str]) -> bool:
        return any(part in key if _is_telling(part) else part in grams for part in parts)

    if not key or has(said.NOT_ABOUT_WANTING):
        return Kind.ANYTHING
    about_mail = any(part in key for part in said.EMAIL_IN_TITLE)
    if has(said.OTHER_CHANNELS) and not about_mail:
        return Kind.ANYTHING
    if has(said.OPT_OUT_TITLES):
        return Kind.OPT_OUT
    if has(said.OPT_IN_TITLES) or _asks(key):
        return Kind.ANYTHING if has(said.MOMENTS) else Kind.OPT_IN
    if not has(said.STATUS_TITLES) or grams & _NOT_ABOUT_MAIL:
        return Kind.ANYTHING
    return Kind.STATUS if any(word in key for word in _ONE_VALUED) else Kind.TAGS


def _is_telling(part: str) -> bool:
    return len(part) >= _SHORT or not part.isascii()


_ONE_VALUED = tuple(
    comparable(word)
    for word in (
        *("status", "state", "stage", "statut", "etat", "estado", "situacion", "stato", "situação"),
        *("stan", "stav", "állapot", "статус", "состояние", "ステータス", "状態", "状况", "状态"),
        *("狀態", "상태", "durum"),
    )
)


def _grams(title: str) -> frozenset[str]:
    """The words of a title, and neighbours among them written together: opt, in, optin."""
    split = [comparable(word) for word in _WORDS.findall(title)]
    return frozenset(
        "".join(split[start:end])
        for start in range(len(split))
        for end in range(start + 1, min(start + 4, len(split)) + 1)
    )


def _asks(key: str) -> bool:
    """A form's question: "May we write to you?"."""
    return any(word in key for word in said.QUESTION_WORDS) and any(
        topic in key for topic in said.QUESTION_TOPICS
    )


def _is_empty(value: str) -> bool:
    return value in ("", "-", "--", "—") or value in NO_VALUE


def _is_yes(value: str) -> bool:
    return value in said.YES or comparable(value) in said.YES


def _is_no(value: str) -> bool:
    plain = value.strip()
    if plain in said.NO or comparable(plain) in said.NO:
        return True
    return _opening(plain) in said.OPENING_NO


def _opening(value: str) -> str:
    matched = _OPENING.match(value)
    return comparable(matched[1]) if matched else ""


def _refuses(value: str) -> bool:
    return _is_no(value) or _says_out(value) or _opening(value) in said.OPENING_NOT


def _is_answer(value: str) -> bool:
    opening = re.split(r"[\s,.;:!]", value, maxsplit=1)[0]
    return _is_yes(value) or _is_yes(opening) or _refuses(value) or _agrees(value)


def _agrees(value: str) -> bool:
    key = comparable(value)
    return any(part in key for part in said.OPT_IN_TITLES if _is_telling(part))


def _opted_out(value: str) -> bool:
    plain = value.strip()
    if _is_empty(plain) or plain in ("[]", "{}", "0000-00-00 00:00:00", "0000-00-00"):
        return False
    key = comparable(plain)
    if _is_no(plain) and key not in said.OUT:
        return False
    return key not in _STILL_IN


_STILL_IN = words("none,never,subscribed,active,opted in,not bounced,allow,allowed,allows")


def _not_opted_in(value: str) -> bool:
    return not _is_empty(value.strip()) and _refuses(value)


def _not_ticked(value: str) -> bool:
    return _is_empty(value.strip()) or _not_opted_in(value)


def _says_out(value: str) -> bool:
    return comparable(value) in said.OUT


def _says_out_plainly(value: str) -> bool:
    return comparable(value) in said.OUT_TAGS


def _has_tag(value: str) -> bool:
    return any(comparable(tag) in said.OUT_TAGS for tag in _TAG_BREAK.split(value))
