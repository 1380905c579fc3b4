"""Who is to be mailed: one recipient, from a table's cells or from a caller's own values.

A row ends in one of two ways, as a recipient or as a refused row with its line and a reason.
Nothing is mended but blanks: what a header, PostgreSQL or a template must not be given is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from paceline.domain.addresses import parse_address
from paceline.domain.bounds import MAX_CELL, MAX_COLUMNS, MAX_NAME
from paceline.domain.table_columns import Layout, is_field_name
from paceline.errors import DomainError, InvalidInput

FieldValue = str | int | float | bool

_MAX_SHOWN = 200
# What PostgreSQL, a header or a reader's eye must not be given. Tab and line breaks may stand in a
# quoted cell; a lone surrogate marks a byte that no encoding explained.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
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


def from_cells(line: int, cells: list[str], layout: Layout) -> Recipient:
    width = layout.width
    if len(cells) != width:
        cells = _fitted(cells, layout)
    address, key = parse_address(cells[layout.address])
    for cell in cells:
        if not cell.isprintable() and _UNWANTED.search(cell):
            raise Refusal("holds control characters, or bytes that are not text in its encoding")
    name = " ".join([cells[i] for i in layout.name]) if layout.name else ""
    fields: dict[str, FieldValue] = {
        label: value for i, label in layout.fields if (value := cells[i].strip())
    }
    if width is None:
        fields |= _surplus_fields(cells, layout)
    return Recipient(line, address, key, _clean_name(name), fields)


def _fitted(cells: list[str], layout: Layout) -> list[str]:
    """Missing cells are empty ones; surplus cells that say something mean that the row is off."""
    least = layout.width or max([layout.address, *(i for i, _ in layout.fields)]) + 1
    if layout.width is not None and any(map(str.strip, cells[layout.width :])):
        raise Refusal(f"has {len(cells)} values where the header has {layout.width}")
    if len(cells) > MAX_COLUMNS:
        raise Refusal(f"has {len(cells)} values; at most {MAX_COLUMNS} are read")
    return cells + [""] * (least - len(cells))


def _surplus_fields(cells: list[str], layout: Layout) -> dict[str, FieldValue]:
    known = {layout.address, *(i for i, _ in layout.fields)}
    return {
        f"column_{i + 1}": value
        for i, cell in enumerate(cells)
        if i not in known and (value := cell.strip())
    }


def _clean_name(name: str) -> str | None:
    name = " ".join(name.split())
    if not name.isascii():
        name = _BIDI_MARKS.sub("", name)
    if len(name) > MAX_NAME:
        raise Refusal(f"the name is longer than {MAX_NAME} characters")
    return name or None


def from_values(
    line: int, email: str, name: str | None, fields: Mapping[str, FieldValue | None]
) -> Recipient:
    """A recipient from a caller's own values. Raises `DomainError`, worded like a refused row."""
    address, key = parse_address(email)
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
                raise Refusal(f"the field “{label}” holds control characters, or over 64 KiB")
        if value is not None and value != "":
            kept[label] = value
    if name and _UNWANTED.search(name):
        raise Refusal("the name holds control characters")
    return Recipient(line, address, key, _clean_name(name or ""), kept)


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
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in cut)
