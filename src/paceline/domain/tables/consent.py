"""Finds the columns that say who does not want to be written to, and reads what they say of a row.

Polarity is the title's: "yes" under "Unsubscribed" means no, "no" under "Newsletter" means no, and
under "Status" only a value that says so itself does. Under a title of consent what does not say yes
is a no (`consent_answers`). In a table of orders or deals, words that may be about those are not
held against anybody. Whoever knows better names the column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from paceline.domain.printing import printable
from paceline.domain.tables import consent_title_words as titled
from paceline.domain.tables import consent_words as said
from paceline.domain.tables.consent_answers import (
    agrees,
    has_tag,
    is_empty,
    is_moment,
    is_no,
    is_no_moment,
    is_not_subscribed,
    is_reason,
    is_yes,
    not_agreed,
    opt_in_reading,
    opted_out,
    refuses,
    refuses_or_not_yet,
    says_out,
    says_out_at_all,
    says_out_or_pending,
    says_out_plainly,
)
from paceline.domain.tables.consent_titles import NOT_ABOUT_MAIL, Kind, kind_of, title_grams
from paceline.domain.tables.words import IS_ADDRESS_TITLE, comparable, words

_MAX_REMEMBERED = 10_000  # verdicts of one column
_MAX_LABEL = 80  # characters of a value in a report
_SHORT = 6  # a part of a title that is shorter must be words of it, or it is found by chance
_NUMBERED = frozenset({"-1", "0", "1", "2", "3"})  # ActiveCampaign's: 1 active, 2 unsubscribed…
_OF_A_NUMBERED = words("status,sub,subscriber,subscription,contact,list,email,mail,code,id")
_LETTERED = frozenset("abcdhpsu")  # Active, Bounced, Cleaned, Deleted, Held, Pending, Unsubscribed
_LETTERS_IN = frozenset("as")
_NOT_THE_PERSONS = frozenset({"lead", "sales", "stage", "call", "account", "pipeline", "visa"})
# Beside such a column "active" and "cancelled" are about what was bought, sold or visited.
_OF_A_TABLE_ABOUT_ELSE = NOT_ABOUT_MAIL - {"membership", "civil", "marital", "employment"} | {
    *("orderid", "amount", "total", "price", "quantity", "sku", "pipeline", "rsvp", "seat"),
    *("event", "session", "reservation", "bestellung", "rechnung", "commande", "pedido", "ordine"),
    *("checkin", "appointment", "auftrag", "termin"),
}
_PLAINLY_CONSENT = words(
    "consent,opt in,opted in,optin,gdpr,einwilligung,zustimmung,dsgvo,consentement,"
    "rgpd,consentimiento,consenso,consentimento,lgpd,toestemming,zgoda,rodo,souhlas,hozzájárulás,"
    "samtykke,samtycke,suostumus,согласие,згода,同意,수신동의,συγκατάθεση,συναίνεση,privola"
)
_REASONS = words("reason,grund,motif,motivo,reden,powód,причина,理由,原因,사유")
_REMARKS = words(
    "comment,comments,note,notes,remark,remarks,memo,feedback,description,message,reason,"
    "status reason,reason for status,info,misc,other,bemerkung,bemerkungen,notiz,notizen,"
    "kommentar,kommentare,anmerkung,anmerkungen,hinweis,grund,commentaire,commentaires,remarque,"
    "remarques,observations,motif,comentario,comentarios,observaciones,notas,nota,motivo,"
    "commento,commenti,osservazioni,comentário,comentários,observações,opmerking,opmerkingen,"
    "uwagi,komentarz,poznámka,megjegyzés,kommentit,примечание,примечания,комментарий,"
    "комментарии,備考,メモ,コメント,备注,備註,비고,메모,anmärkning,anmärkningar,merknad,bemærkning,"
    "obs,opm,bem,anm,komm,huomautus,poznámky,napomena,açıklama"
)
_REMARKS_IN_A_TITLE = words(
    "comments,notes,remarks,bemerkung,notiz,kommentar,anmerkung,commentaire,remarque,observacion,"
    "comentario,osservazion,observaç,opmerking,komentarz,uwagi,poznámk,megjegyzés,примечани,"
    "комментари,備考,メモ,备注,備註,비고,anmärkning"
)


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
        shown = printable(shown) or "(empty)"
        return f"{self.title}: {shown}" if self.title else shown


def status_columns(
    titles: Sequence[str],
    body: Sequence[list[str]],
    *,
    address: Iterable[int],
    given: Mapping[int, Kind] | None = None,
) -> tuple[StatusColumn, ...]:
    """The columns of a table that exclude people, by their titles and the first rows.

    `given` are those that somebody named, with what a yes in them means.
    """
    taken, named = frozenset(address), given or {}
    about_else = any(title_grams(title) & _OF_A_TABLE_ABOUT_ELSE for title in titles)
    found = []
    body = [row for row in body if len(titles) == 1 or _is_no_title(row)]
    for i, title in enumerate(titles):
        if i in taken:
            continue
        values = [row[i].strip() for row in body if i < len(row)]
        if i in named:
            reads: Callable[[str], bool] | None = _AS_NAMED[named[i]]
        else:
            reads = _reading_of(title, values, about_else=about_else)
        if reads is not None:
            found.append(StatusColumn(i, " ".join(title.split()), reads))
    return tuple(found)


def _is_no_title(row: list[str]) -> bool:
    return sum(map(bool, map(str.strip, row))) != 1 or "@" in "".join(row)


def _reading_of(title: str, values: list[str], *, about_else: bool) -> Callable[[str], bool] | None:
    kind, key = kind_of(title), comparable(title)
    given = [value for value in values if not is_empty(value)]
    if kind is Kind.OTHER_CHANNEL:
        return None
    if _says_in_or_out(title, given) or _is_numbered(title, given):
        return _is_out
    if kind is Kind.OPT_OUT:
        return _reading_of_a_no(title, given)
    if kind is Kind.OPT_IN:
        plainly = key in _PLAINLY_CONSENT or bool(title_grams(title) & _PLAINLY_CONSENT)
        return opt_in_reading(values, plainly=plainly or _has_consent(key))
    about_mail = kind is Kind.STATUS or "subscri" in key or "list" in title_grams(title)
    if about_mail and not about_else and any(comparable(v) in said.SUBSCRIBED for v in given):
        return is_not_subscribed
    return _reading_of_values(title, given, kind, about_else=about_else)


def _says_in_or_out(title: str, given: Collection[str]) -> bool:
    """“Opt in/out: in, out”: the values say it themselves, whichever way the title is meant."""
    if kind_of(title) not in (Kind.OPT_OUT, Kind.OPT_IN):
        return False
    kinds = {*map(comparable, given)}
    return bool(kinds & said.IN_OF_TWO) and kinds <= said.IN_OF_TWO | said.OUT_OF_TWO


def _reading_of_a_no(title: str, given: Collection[str]) -> Callable[[str], bool] | None:
    if title_grams(title) & _REASONS:
        return is_reason
    return None if any("://" in value for value in given) else opted_out


def _reading_of_values(
    title: str, given: Collection[str], kind: Kind, *, about_else: bool
) -> Callable[[str], bool] | None:
    key = comparable(title)
    flag = None if about_else and key not in IS_ADDRESS_TITLE else _flag_of(title, given)
    if flag is not None or key in titled.FREQUENCY_TITLES:
        return flag or refuses
    if kind is Kind.STATUS:
        return _status_reading(title, given, about_else=about_else)
    return _reading_of_words(kind, key, given)


def _reading_of_words(kind: Kind, key: str, given: Collection[str]) -> Callable[[str], bool] | None:
    if kind is Kind.TAGS:
        return has_tag
    if not key or _is_for_remarks(key):
        return says_out_at_all
    return says_out_plainly if any(map(says_out_plainly, given)) else None


def _is_for_remarks(key: str) -> bool:
    """“Interne Bemerkungen”, “customer_notes”."""
    return key in _REMARKS or any(part in key for part in _REMARKS_IN_A_TITLE)


def _has_consent(key: str) -> bool:
    return any(
        part in key for part in _PLAINLY_CONSENT if len(part) >= _SHORT or not part.isascii()
    )


def _status_reading(
    title: str, given: Collection[str], *, about_else: bool
) -> Callable[[str], bool]:
    letters = {value.lower() for value in given}
    if letters <= _LETTERED and "u" in letters and letters & _LETTERS_IN:
        return _lettered
    if about_else or title_grams(title) & _NOT_THE_PERSONS:
        return says_out_at_all
    is_of_mail = any(comparable(value) in said.SPEAKS_OF_MAIL for value in given)
    return says_out_or_pending if is_of_mail else says_out


def _flag_of(title: str, given: Collection[str]) -> Callable[[str], bool] | None:
    """“Email: yes, no”, “Baja: sí, no”: one word that is something else but over answers."""
    key = _bare(title)

    def is_plain(value: str) -> bool:
        return is_yes(value) or is_no(value) or comparable(value) == key

    def is_answer(value: str) -> bool:
        return is_plain(value) or refuses_or_not_yet(value)

    if not given or not key:
        return None
    if key in titled.OPT_OUT_OVER_ANSWERS:
        dated = all(is_plain(v) or is_moment(v) or is_no_moment(v) for v in given)
        return opted_out if dated else None
    if key in titled.MARKETING_OVER_ANSWERS:
        answered = all(is_answer(v) or agrees(v) for v in given)
        return refuses_or_not_yet if answered else None
    if not all(map(is_answer, given)):
        return None
    if key in titled.OPT_IN_OVER_ANSWERS:
        return refuses_or_not_yet
    return refuses if comparable(title) in IS_ADDRESS_TITLE else None


_NO_WORD = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
_AROUND_A_FLAG = re.compile(
    r"^(?:is|has been|was|date|fecha de|datum|est)[ _]|^is(?=[A-Z])"
    r"|[ _](?:at|on|date|datum|am|le|el|dt|flag|status)$|(?<=[a-z])(?:At|On|Date)$"
)


def _bare(title: str) -> str:
    """The one word of a flag: `is_deleted`, `deletedAt` and “Deleted?” are about the same."""
    plain = title.strip(" ?:*")
    key = comparable(_AROUND_A_FLAG.sub("", _AROUND_A_FLAG.sub("", plain)))
    return comparable(plain) if comparable(plain) in titled.OPT_IN_OVER_ANSWERS else key


def _is_numbered(title: str, given: Collection[str]) -> bool:
    kinds, parts = {*given}, words(_NO_WORD.sub(",", title))
    of_mail = "status" in parts and parts <= _OF_A_NUMBERED
    return of_mail and kinds <= _NUMBERED and bool(kinds & {"-1", "2", "3"})


def _is_out(value: str) -> bool:
    """Of “in” and “out”, the latter; of the numbers, all but the one of who is active."""
    plain = value.strip()
    return comparable(plain) in said.OUT_OF_TWO or plain in _NUMBERED - {"1"}


def _lettered(value: str) -> bool:
    return value.strip().lower() in _LETTERED - _LETTERS_IN


_AS_NAMED = {Kind.OPT_OUT: opted_out, Kind.OPT_IN: not_agreed}
