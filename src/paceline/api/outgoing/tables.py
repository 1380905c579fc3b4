"""How a table was read, and what became of its rows."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from paceline.api.outgoing.base import Shown
from paceline.domain.tables.shape import Becomes


class RefusedRowOut(Shown):
    """A row that was not taken. `line` is where it begins, or its place in the list."""

    line: int
    value: str
    reason: str


class ColumnOut(Shown):
    """A column of a table: its title ("": it has none), and what it became. `position` counts from
    1; `field` is what a message calls it by."""

    position: int
    title: str
    becomes: Becomes
    field: str | None


class SkippedLineOut(Shown):
    """Something above the header that was not read as a row."""

    line: int
    text: str


class OptionOut(Shown):
    """One answer: `value` is what the parameter takes, `label` what a person reads."""

    value: str
    label: str


class QuestionOut(Shown):
    """Something about a table that may be meant in several ways. `chosen`: the answer that was
    taken (null: nothing is imported before there is one); `parameter`: what changes it."""

    about: str
    text: str
    options: tuple[OptionOut, ...]
    chosen: str | None
    parameter: str


class ShapeOut(Shown):
    """How a table was read. `form`: what it is like, "list" where it is addresses side by side
    (others: lines, html, copy, vcard, ldif). `header_line` null: it has none. `opted_out`: how many
    rows were left out, by what their status said."""

    form: str = "table"
    encoding: str
    delimiter: str
    header_line: int | None
    columns: tuple[ColumnOut, ...]
    skipped: tuple[SkippedLineOut, ...]
    opted_out: dict[str, int]
    questions: tuple[QuestionOut, ...]


class ReportOut(Shown):
    """What became of each row: rows = accepted + duplicates + suppressed + left_out + the invalid
    ones. `shape` tells how a table was read; null for recipients that came as JSON."""

    rows: int
    accepted: int
    duplicates: int
    suppressed: int
    left_out: int
    invalid: tuple[RefusedRowOut, ...]
    left_out_rows: tuple[RefusedRowOut, ...]
    shape: ShapeOut | None
    notes: tuple[str, ...]


class FirstRecipientOut(Shown):
    """A recipient as a table gives it, with the values for the message."""

    line: int
    email: str = Field(validation_alias="address")
    name: str | None
    fields: dict[str, Any]


class PreviewOut(Shown):
    """What an import would do: rows = usable + duplicates + left_out + the invalid ones. Where a
    question of `shape` has nothing chosen, no row was read yet. Suppressed addresses and those that
    a campaign has already are found at the import."""

    rows: int
    usable: int
    duplicates: int
    left_out: int
    invalid: tuple[RefusedRowOut, ...]
    left_out_rows: tuple[RefusedRowOut, ...]
    fields: tuple[str, ...]
    first: tuple[FirstRecipientOut, ...]
    shape: ShapeOut | None
    notes: tuple[str, ...]
