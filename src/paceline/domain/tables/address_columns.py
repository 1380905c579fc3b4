"""Decides which column holds the address of the person that the row is about.

Plainly named beats everything; somebody else's (an owner's, a manager's) and second ones come last;
between equals the column with the most different addresses is taken, and said. Where even that is
no answer, it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paceline.domain.tables.address_mending import resembles_an_address
from paceline.domain.tables.consent_titles import Kind, kind_of
from paceline.domain.tables.words import (
    ADDRESS_TITLES,
    IS_ADDRESS_TITLE,
    IS_PLAIN_TITLE,
    MAIL_PARTS,
    SECOND,
    SOMEBODY_ELSE,
    comparable,
    grams,
)
from paceline.errors import InvalidInput

_MIN_SHARE = 0.25  # of a column's values must be addresses, or they stand in it by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`column` is an index, or None where it must be asked; `others` could be meant as well."""

    column: int | None
    others: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    index: int
    rank: int  # as `rank_of` has it
    different: int
    share: float  # of its values are addresses
    is_constant: bool  # the same address in every row, and there are several


def find_address_column(titles: Sequence[str], body: Sequence[list[str]]) -> Found:
    """The column of addresses. Raises `InvalidInput` where there is none."""
    every = [
        found for i in range(len(titles)) if (found := _candidate(i, titles[i], body)) is not None
    ]
    candidates = [found for found in every if found.rank < 2 or found.share >= _MIN_SHARE] or every
    if not candidates:
        return Found(column=_by_title_alone(titles))
    if len(candidates) == 1:
        return Found(column=candidates[0].index)
    best = min(candidate.rank for candidate in candidates)
    equals = [candidate for candidate in candidates if candidate.rank == best]
    others = tuple(
        candidate.index
        for candidate in candidates
        if (candidate.share >= 0.5 and (candidate.rank < 4 or best > 0))
        or candidate.rank < 2
        or candidate.different > 1
        or _speaks_of_mail(titles[candidate.index])
    )
    many = [candidate.index for candidate in candidates if candidate.different > 1]
    # Whoever looks after them all stands beside many, whatever the title.
    if many and all(candidate.is_constant for candidate in equals):
        return Found(column=None, others=tuple(sorted({*many, *(c.index for c in equals)})))
    if len(equals) == 1:
        return _taken(equals[0], others, "it is plainly named" if best < 2 else "")
    return _among_equals(equals, others, titles, body)


def _among_equals(
    equals: list[_Candidate],
    others: tuple[int, ...],
    titles: Sequence[str],
    body: Sequence[list[str]],
) -> Found:
    first, second = sorted(equals, key=lambda candidate: -candidate.different)[:2]
    if first.different > second.different:
        return _taken(first, others, "it holds the most different addresses")
    if _same_values(first.index, second.index, body):
        return _taken(min(first, second, key=lambda c: c.index), others, "both hold the same")
    keys = [comparable(titles[candidate.index]) for candidate in equals]
    if equals[0].rank <= 1 and len({*keys}) == len(keys):
        plainest = min(equals, key=lambda c: ADDRESS_TITLES.index(comparable(titles[c.index])))
        return _taken(plainest, others, "its title is the plainer one")
    return Found(column=None, others=tuple(sorted({*others, *(c.index for c in equals)})))


def _taken(candidate: _Candidate, others: tuple[int, ...], why: str) -> Found:
    return Found(
        column=candidate.index,
        others=tuple(other for other in others if other != candidate.index),
        why=why,
    )


def _candidate(index: int, title: str, body: Sequence[list[str]]) -> _Candidate | None:
    filled = [row[index].strip() for row in body if index < len(row) and row[index].strip()]
    addresses = [cell.casefold() for cell in filled if resembles_an_address(cell)]
    if not addresses:
        return None
    rank = rank_of(title)
    if rank > 1 and (_shows_names(title) or kind_of(title) is Kind.OPT_OUT):
        return None
    different, is_constant = len({*addresses}), len({*addresses}) == 1 < len(addresses)
    return _Candidate(index, rank, different, len(addresses) / len(filled), is_constant)


def rank_of(title: str) -> int:
    """How plainly a title names the recipient's own address.

    0 plainly, 1 with a word for the recipient, 2 otherwise, 3 a second one, 4 somebody else's.
    """
    key = comparable(title)
    if key in IS_ADDRESS_TITLE:
        return 0 if key in IS_PLAIN_TITLE else 1
    found = grams(title, most=2)
    if found & SOMEBODY_ELSE or any(word in key for word in _RUN_TOGETHER):
        return 4
    return 3 if found & SECOND else 2


_RUN_TOGETHER = tuple(word for word in SOMEBODY_ELSE if len(word) > 5 or not word.isascii())


def _shows_names(title: str) -> bool:
    """Outlook's display names hold addresses, in brackets; they are not where they come from."""
    key = comparable(title)
    return any(
        part in key for part in ("displayname", "nomcomplet", "anzeigename", "nombreparamostrar")
    )


def _speaks_of_mail(title: str) -> bool:
    key = comparable(title)
    return not key or any(part in key for part in MAIL_PARTS)


def _by_title_alone(titles: Sequence[str]) -> int:
    """Where no row holds an address: each will be refused, under the title that promises one."""
    keys = [comparable(title) for title in titles]
    for name in ADDRESS_TITLES:
        if name in keys and name not in ("to", "address", "contact"):
            return keys.index(name)
    for i, key in enumerate(keys):
        if any(part in key for part in MAIL_PARTS):
            return i
    for name in ADDRESS_TITLES:
        if name in keys:
            return keys.index(name)
    raise InvalidInput.of("file", "has no column with email addresses; name one “email”")


def _same_values(one: int, other: int, body: Sequence[list[str]]) -> bool:
    return all(
        row[one].strip().casefold() == row[other].strip().casefold()
        for row in body
        if max(one, other) < len(row)
    )
