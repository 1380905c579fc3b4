"""Finds out what the columns of a table mean: which holds the address, which names, which the rest.

A header is a first row without an address in it (a lone column needs a telling title besides, or a
misspelt address would pass for one). Every column that is not the address becomes a
merge field, under a name that a template can use.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paceline.domain.addresses import looks_like_an_address
from paceline.domain.bounds import MAX_COLUMNS, MAX_FIELD_NAME
from paceline.errors import InvalidInput

# In the order of preference; compared without case, accents, spaces and punctuation.
_ADDRESS = (
    *("email", "emailaddress", "mail", "mailaddress", "emailid", "primaryemail", "workemail"),
    *("businessemail", "contactemail", "recipient", "recipientemail", "address", "to"),
    *("emailadresse", "mailadresse", "adresseemail", "adressemail", "courriel", "correo"),
    *("correoelectronico", "epost", "epostadresse", "eposta", "indirizzoemail"),
)
_FULL_NAME = ("name", "fullname", "displayname", "contactname", "recipientname", "contact")
_FIRST_NAME = ("firstname", "first", "givenname", "forename", "vorname", "prenom")
_LAST_NAME = ("lastname", "last", "surname", "familyname", "nachname", "nomdefamille")

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS_OF_TEMPLATES = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "for", "true", "false", "none", "loop", "self"}
)
ALWAYS_AVAILABLE = ("email", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which cell is what. `fields` pairs a cell's index with its merge field's name."""

    has_header: bool
    width: int | None  # cells of a complete row; None where no header says so
    address: int
    name: tuple[int, ...]  # cells that make up the recipient's name, in order
    fields: tuple[tuple[int, str], ...]

    @property
    def available(self) -> tuple[str, ...]:
        """Every name that a template may use."""
        return (*ALWAYS_AVAILABLE, *(name for _, name in self.fields))


def recognise(rows: Sequence[list[str]], *, wanted: Collection[str] = ()) -> Layout:
    """The layout of a table, from its first rows. Raises `InvalidInput` where there is no address.

    `wanted` are the names that a template uses: a header that is one of them keeps its spelling.
    """
    width = max(map(len, rows))
    if width > MAX_COLUMNS:
        raise InvalidInput.of("file", f"has {width} columns; at most {MAX_COLUMNS} are read")
    has_header = not any("@" in cell for cell in rows[0]) and (
        width > 1 or "mail" in (title := _comparable(rows[0][0])) or title in _ADDRESS
    )
    body = rows[1:] if has_header else rows
    titles = rows[0] if has_header else [""] * width
    keys = [_comparable(title) for title in titles]
    address = _address_column(keys, body)
    names = _field_names(titles, address=address, wanted=wanted)
    return Layout(
        has_header=has_header,
        width=len(titles) if has_header else None,
        address=address,
        name=_name_columns(keys, address=address),
        fields=tuple((i, name) for i, name in enumerate(names) if name not in ("", "name")),
    )


def _address_column(keys: list[str], body: Sequence[list[str]]) -> int:
    marks = [
        sum(looks_like_an_address(row[i]) for row in body if i < len(row)) for i in range(len(keys))
    ]
    named = [keys.index(key) for key in _ADDRESS if key in keys]
    for i in named:
        if marks[i] or not any(marks):
            return i
    if not any(marks):
        raise InvalidInput.of("file", "has no column with email addresses; name one “email”")
    return marks.index(max(marks))


def _name_columns(keys: list[str], *, address: int) -> tuple[int, ...]:
    full = _first_of(_FULL_NAME, keys)
    if full is not None and full != address:
        return (full,)
    parts = (_first_of(_FIRST_NAME, keys), _first_of(_LAST_NAME, keys))
    return tuple(i for i in parts if i is not None)


def _first_of(names: Sequence[str], keys: list[str]) -> int | None:
    return next((keys.index(name) for name in names if name in keys), None)


def _field_names(titles: Sequence[str], *, address: int, wanted: Collection[str]) -> list[str]:
    """A unique name per column; the address has none, `email` is what it is called."""
    taken = {"email"}
    names: list[str] = []
    for i, title in enumerate(map(str.strip, titles)):
        if i == address:
            names.append("")
            continue
        first = title if title in wanted and _SAFE.fullmatch(title) else identifier(title, i)
        name, n = first, 2
        while name in taken:
            name, n = f"{first}_{n}", n + 1
        taken.add(name)
        names.append(name)
    return names


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


def _comparable(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).casefold()
    return "".join(c for c in plain if c.isalnum())
