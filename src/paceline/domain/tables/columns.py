"""Finds out what the columns of a table mean: which holds the address, which names, which the rest.

Every column that is not the address becomes a merge field, under a name that a template can use,
those that say who has opted out as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from paceline.domain.bounds import MAX_COLUMNS, MAX_FIELD_NAME
from paceline.domain.tables.address_columns import Found, find_address_column
from paceline.domain.tables.choices import listed
from paceline.domain.tables.consent import StatusColumn, status_columns
from paceline.domain.tables.consent_titles import Kind
from paceline.domain.tables.header import Header
from paceline.domain.tables.words import (
    FIRST_NAME_TITLES,
    FULL_NAME_TITLES,
    LAST_NAME_TITLES,
    comparable,
)
from paceline.errors import InvalidInput

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS_OF_TEMPLATES = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "for", "true", "false", "none", "loop", "self"}
)
ALWAYS_AVAILABLE = ("email", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which cell is what. `fields` pairs a cell's index with its merge field's name."""

    titles: tuple[str, ...]
    width: int | None  # cells of a complete row; None where no header says so
    address: int
    name: tuple[int, ...]  # cells that make up the recipient's name, in order
    fields: tuple[tuple[int, str], ...]
    statuses: tuple[StatusColumn, ...] = ()
    named: tuple[tuple[str, str], ...] = ()  # columns that were named to say who is out, for what
    is_list: bool = False  # addresses side by side, each a row of its own

    @property
    def available(self) -> tuple[str, ...]:
        """Every name that a template may use."""
        return (*ALWAYS_AVAILABLE, *(name for _, name in self.fields))

    def excludes(self, cells: Sequence[str]) -> str | None:
        """Why this row is not to be written to, as the table says; None where it says nothing."""
        for status in self.statuses:
            if status.index < len(cells) and (said := status.verdict(cells[status.index])):
                return said
        return None


LIST_LAYOUT = Layout(titles=("", ""), width=None, address=1, name=(0,), fields=(), is_list=True)


def lay_out(
    header: Header,
    body: Sequence[list[str]],
    *,
    address: int,
    wanted: Collection[str] = (),
    named: Mapping[str, str] | None = None,
) -> Layout:
    """The layout of a table whose address column is known.

    `wanted` are the names that a template uses: a header that is one of them keeps its spelling.
    `named` are the columns that were chosen to say who is out. Raises `InvalidInput` where one of
    them is not there.
    """
    titles = header.titles
    keys = [comparable(title) for title in titles]
    empty = frozenset(
        i for i in range(len(titles)) if not any(i < len(row) and row[i].strip() for row in body)
    )
    names = _field_names(titles, address=address, wanted=wanted, empty=empty if body else ())
    has_header = header.first is not None
    return Layout(
        titles=titles,
        width=len(titles) if has_header else None,
        address=address,
        name=_name_columns(keys, address=address, empty=empty if body else frozenset()),
        fields=tuple((i, name) for i, name in enumerate(names) if name not in ("", "name")),
        statuses=status_columns(
            titles,
            body,
            address=(address,),
            given=_named_columns(titles, named or {}, wanted, address=address),
        ),
        named=tuple((named or {}).items()),
    )


_POLARITY = {"opt_out_column": Kind.OPT_OUT, "opt_in_column": Kind.OPT_IN}


def _named_columns(
    titles: Sequence[str], named: Mapping[str, str], wanted: Collection[str], *, address: int
) -> dict[int, Kind]:
    found: dict[int, Kind] = {}
    for parameter, kind in _POLARITY.items():
        if parameter not in named:
            continue
        index = _chosen_column(titles, named[parameter], wanted, parameter=parameter)
        if index == address:
            raise InvalidInput.of(parameter, "is the column of the addresses; name another")
        if index in found:
            raise InvalidInput.of(parameter, "a yes in it cannot mean both; name it once")
        found[index] = kind
    return found


def address_column(
    header: Header, body: Sequence[list[str]], *, chosen: str | None, wanted: Collection[str]
) -> Found:
    """Where the addresses are: as chosen, or found. Raises `InvalidInput` if there is no such."""
    width = len(header.titles)
    if width > MAX_COLUMNS:
        raise InvalidInput.of("file", f"has {width} columns; at most {MAX_COLUMNS} are read")
    if chosen is None:
        return find_address_column(header.titles, body)
    return Found(column=_chosen_column(header.titles, chosen, wanted))


def _chosen_column(
    titles: Sequence[str],
    chosen: str,
    wanted: Collection[str],
    *,
    parameter: str = "address_column",
) -> int:
    """By its title as it stands, by its title as people repeat it, its field's name, its number."""
    keys = [comparable(title) for title in titles]
    names = _field_names(titles, address=-1, wanted=wanted, empty=())
    if chosen in titles:
        return titles.index(chosen)
    if comparable(chosen) in keys and comparable(chosen):
        return keys.index(comparable(chosen))
    if chosen in names:
        return names.index(chosen)
    if chosen.isascii() and chosen.isdigit() and 1 <= int(chosen[:9]) <= len(titles):
        return int(chosen) - 1
    there_are = [title or f"column {i + 1}" for i, title in enumerate(titles)]
    raise InvalidInput.of(
        parameter, f"there is no column “{chosen}”; there are: {listed(there_are)}"
    )


def _name_columns(keys: list[str], *, address: int, empty: Collection[int]) -> tuple[int, ...]:
    filled = ["" if i in empty or i == address else key for i, key in enumerate(keys)]
    first, last = _first_of(FIRST_NAME_TITLES, filled), _first_of(LAST_NAME_TITLES, filled)
    full = filled.index("name") if "name" in filled else _first_of(FULL_NAME_TITLES, filled)
    if full is not None and first is not None and last is None and filled[first] == "vorname":
        return (first, full)  # where there is a “Vorname”, “Name” is the rest of it
    if full is not None:
        return (full,)
    return tuple(i for i in (first, last) if i is not None)


def _first_of(names: Collection[str], keys: list[str]) -> int | None:
    return next((i for i, key in enumerate(keys) if key in names), None)


def _field_names(
    titles: Sequence[str], *, address: int, wanted: Collection[str], empty: Collection[int]
) -> list[str]:
    """A unique name per column; the address has none, `email` is what it is called.

    Of two columns of one title, the one that holds something has the plain name.
    """
    taken = {"email"}
    names = [""] * len(titles)
    for i in sorted(range(len(titles)), key=lambda i: (i in empty, i)):
        title = titles[i].strip()
        if i == address:
            continue
        first = title if title in wanted and _SAFE.fullmatch(title) else _field_name(title, i)
        name, n = first, 2
        while name in taken:
            name, n = f"{first}_{n}", n + 1
        taken.add(name)
        names[i] = name
    return names


def _field_name(title: str, index: int) -> str:
    name = identifier(title, index)
    if name != f"column_{index + 1}" or not title:
        return name
    # A title in letters that no template can use: its meaning, where that is plain.
    for titles, meaning in _MEANINGS:
        if comparable(title) in titles:
            return meaning
    return name


_MEANINGS = (
    (FULL_NAME_TITLES, "name"),
    (FIRST_NAME_TITLES, "first_name"),
    (LAST_NAME_TITLES, "last_name"),
)


def identifier(title: str, index: int) -> str:
    """A title as a merge field's name: `First name` and `firstName` are `first_name`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_FIELD_NAME].strip("_")
    if not name:
        return f"column_{index + 1}"
    if name[0].isdigit():
        return f"column_{name}"
    return f"{name}_" if name in _WORDS_OF_TEMPLATES else name


def is_field_name(name: str) -> bool:
    """Whether a caller's own name for a merge field can be used in a template as it stands."""
    return (
        _SAFE.fullmatch(name) is not None
        and len(name) <= MAX_FIELD_NAME
        and name not in _WORDS_OF_TEMPLATES
        and name not in ALWAYS_AVAILABLE
    )
