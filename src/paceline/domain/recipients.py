"""Who is to be mailed: one recipient, from a table's cells or from a caller's own values.

A row ends in one of two ways, as a recipient or as a refused row with its line and a reason.
What programs wrap around values is taken off; what a header, PostgreSQL or a template must not be
given is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple

from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.domain.bounds import MAX_CELL, MAX_COLUMNS, MAX_NAME
from paceline.domain.printing import printable
from paceline.domain.tables.address_mending import mend
from paceline.domain.tables.columns import Layout, is_field_name
from paceline.domain.tables.words import NO_VALUE
from paceline.errors import DomainError, InvalidInput

FieldValue = str | int | float | bool

_MAX_SHOWN = 200
# What PostgreSQL, a header or a reader's eye must not be given. Tab and line breaks may stand in a
# quoted cell; a lone surrogate marks a byte that no encoding explained.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NOT_TEXT = "holds control characters, or bytes that are not text in its encoding"
# What FileMaker writes for a line break inside a cell, and between the values of one.
_LINE_BREAKS = {0x0B: "\n", 0x1D: "\n", 0x1E: "\n", 0x85: "\n", 0x200B: None, 0xFEFF: None}
_BLANKS = " \t\r\n\v\f\u00a0\u200b\u2003\u3000\ufeff\x1c\x1d\x1e"
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_BULLETS = "•·▪‣◦●○■–—*-"
_BULLET = re.compile(rf"^[{_BULLETS}]\s+")
_BIDI_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class Recipient(NamedTuple):
    """One row that was understood. `line` is where it begins; `fields` holds no empty values."""

    line: int
    address: str
    key: str
    name: str | None
    fields: dict[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecipient:
    """One recipient as a caller names them."""

    email: str
    name: str | None = None
    fields: Mapping[str, FieldValue | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was not: where it begins, what stood there, and what is wrong with it."""

    line: int
    value: str
    reason: str


class Refusal(DomainError):
    """Why a row is no recipient."""


class FieldRefusal(Refusal):
    """The same where it is one merge field's value: `why` goes on where the field is named."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"the field “{label}” {why}")
        self.label = label
        self.why = why


class Read(NamedTuple):
    """What a row became, and which addresses stood in its cell beside the first."""

    recipient: Recipient
    more: tuple[str, ...]  # other addresses in the cell


def from_plain_cells(line: int, cells: list[str], layout: Layout) -> Recipient | None:
    """The quick way, for cells that hold nothing to be cleaned; None where a closer look is due."""
    if len(cells) != len(layout.titles) or layout.is_list:
        return None
    text = "".join(cells)
    if not text.isprintable() or ("&" in text and _ENTITY.search(text)):
        return None
    address_cell = cells[layout.address]
    try:
        address, key = parse_address(address_cell)
    except InvalidAddress:
        return None
    name = " ".join([cells[i] for i in layout.name]).strip()
    if address[0] == "'" or (name and (name in NO_VALUE or name[0] in _BULLETS)):
        return None
    if "  " in name or len(name) > MAX_NAME:
        name = _short_name(" ".join(name.split())) or ""
    fields: dict[str, FieldValue] = {
        label: value
        for i, label in layout.fields
        if (value := cells[i].strip()) and value not in NO_VALUE
    }
    return Recipient(line, address, key, name or None, fields)


def from_cells(line: int, cells: list[str], layout: Layout, *, needed: Collection[str]) -> Read:
    """A row, read closely. `needed` are the fields that the message uses.

    Raises `InvalidAddress` or `Refusal`. A bad character in a column that nobody uses costs no
    recipient: the value is left away.
    """
    if len(cells) != layout.width:
        cells = _fitted(cells, layout)
    found = mend(cells[layout.address])
    name = _BULLET.sub("", " ".join([cleaned(cells[i]) for i in layout.name]).strip())
    if _UNWANTED.search(name):
        raise Refusal(_NOT_TEXT)
    fields: dict[str, FieldValue] = {}
    for i, label in (*layout.fields, *_surplus(cells, layout)):
        value = cleaned(cells[i])
        if not value.isprintable() and _UNWANTED.search(value):
            if label in needed:
                raise Refusal(_NOT_TEXT)
            continue
        if value:
            fields[label] = value
    if not name and "name" not in fields:
        name = _UNWANTED.sub("", found.name)
    recipient = Recipient(line, found.address, found.key, _clean_name(name), fields)
    return Read(recipient, found.more)


def cleaned(cell: str) -> str:
    """A value as its author saw it: entities read, line breaks as such, nothing for "no value"."""
    value = cell.strip(_BLANKS)
    if value in NO_VALUE:
        return ""
    if "&" in value:
        value = _ENTITY.sub(lambda found: unescape(found[0]), value)
    return value if value.isprintable() else value.translate(_LINE_BREAKS).strip(_BLANKS)


def _fitted(cells: list[str], layout: Layout) -> list[str]:
    """Missing cells are empty ones; surplus cells that say something mean that the row is off."""
    least = layout.width or max([layout.address, *(i for i, _ in layout.fields)]) + 1
    if layout.width is not None and any(map(str.strip, cells[layout.width :])):
        raise Refusal(f"has {len(cells)} values where the header has {layout.width}")
    if len(cells) > MAX_COLUMNS:
        raise Refusal(f"has {len(cells)} values; at most {MAX_COLUMNS} are read")
    return cells + [""] * (least - len(cells))


def _surplus(cells: list[str], layout: Layout) -> list[tuple[int, str]]:
    """Fields for the cells beyond the first rows' width, where no header says how many."""
    if layout.width is not None or layout.is_list:
        return []
    known = {layout.address, *layout.name, *(i for i, _ in layout.fields)}
    return [(i, f"column_{i + 1}") for i in range(len(cells)) if i not in known]


def _clean_name(name: str) -> str | None:
    name = " ".join(name.split())
    if not name.isascii():
        name = _BIDI_MARKS.sub("", name)
    return _short_name(name)


def _short_name(name: str) -> str | None:
    if len(name) > MAX_NAME:
        raise Refusal(f"the name is longer than {MAX_NAME} characters")
    return name or None


def from_values(
    line: int, email: str, name: str | None, fields: Mapping[str, FieldValue | None]
) -> Recipient:
    """A recipient from a caller's own values. Raises `DomainError`, worded like a refused row."""
    address, key = parse_address(email)
    return Recipient(line, address, key, read_name(name), read_fields(fields))


def read_fields(fields: Mapping[str, FieldValue | None]) -> dict[str, FieldValue]:
    """A caller's merge values without the empty ones. Raises `Refusal`."""
    if len(fields) > MAX_COLUMNS:
        raise Refusal(f"has {len(fields)} fields; at most {MAX_COLUMNS} are taken")
    kept: dict[str, FieldValue] = {}
    for label, given in fields.items():
        if not is_field_name(label):
            raise Refusal(f"“{shown(label)}” cannot be a field's name: use letters, digits and _")
        value = given
        if isinstance(given, str):
            value = given.strip()
            if _UNWANTED.search(given) or len(given) > MAX_CELL:
                raise FieldRefusal(label, "holds control characters, or over 64 KiB")
        if value is not None and value != "":
            kept[label] = value
    return kept


def read_name(name: str | None) -> str | None:
    """A recipient's name as a header takes it. Raises `Refusal`."""
    if name and _UNWANTED.search(name):
        raise Refusal("the name holds control characters")
    return _clean_name(name or "")


def refuse_without(recipient: Recipient, required: Collection[str]) -> None:
    """Refuse a recipient that lacks a value for a merge field. Raises `Refusal`."""
    given = recipient.fields.keys() | {"email"} | ({"name"} if recipient.name else set())
    missing = sorted(set(required) - given)
    if missing:
        raise Refusal(f"no value for {_placeholders(missing)}")


def refuse_missing_columns(required: Collection[str], available: Collection[str]) -> None:
    """Refuse a table that can serve no recipient: it lacks a column that the message uses."""
    missing = sorted(set(required) - set(available))
    if missing:
        raise InvalidInput.of(
            "file",
            f"the message uses {_placeholders(missing)}, which no column provides; there are: "
            + ", ".join(available),
        )


def _placeholders(names: Collection[str]) -> str:
    return ", ".join(f"{{{{ {name} }}}}" for name in names)


def shown(value: str) -> str:
    """A value as a report can print it: one line, no control characters, of bounded length."""
    cut = value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "…"
    return printable("".join(" " if c.isspace() else c for c in cut))
