"""How a table was read, so that a person can see it and choose otherwise.

Values only. The reader fills them; a report, a page and the command line show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from paceline.errors import FieldProblem, InvalidInput


class Becomes(StrEnum):
    """What a column turned into. A status column is a merge field as well, if it has a name."""

    ADDRESS = "address"
    NAME = "name"
    FIELD = "field"
    STATUS = "status"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its `position` counts from 1, `title` is as it stands in the header or ""."""

    position: int
    title: str
    becomes: Becomes
    field: str | None = None  # the name a template calls it by

    @property
    def label(self) -> str:
        """What to call it in a sentence: its title in quotation marks, or its number."""
        return f"“{self.title}”" if self.title else f"column {self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedLine:
    """Something above the header that was not read as a row."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer: `value` is what the parameter takes, `label` what a person reads."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A choice that the reader had to make, or could not.

    `about` is a word for machines ("address_column", "opted_out", "encoding", "header_line");
    `text` a sentence for people; `chosen` the value taken (None: open, nothing is imported until
    it is answered); `parameter` the field of `Choices` that changes it.
    """

    about: str
    text: str
    options: tuple[Option, ...]
    chosen: str | None
    parameter: str

    @property
    def is_open(self) -> bool:
        """Whether the import waits for an answer."""
        return self.chosen is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a table was read.

    `form` is "table", or "list" (addresses side by side), "lines" (Markdown, a SQL console,
    columns held apart by blanks), "html", "copy" (pg_dump), "vcard", "ldif"; `encoding` is a
    key of `choices.ENCODINGS`; `header_line` None where there is no header; `opted_out` counts the
    rows by what their status said ("Status: unsubscribed" → 3), left out or, where that was
    chosen, mailed all the same.
    """

    form: str = "table"
    encoding: str
    delimiter: str
    header_line: int | None
    columns: tuple[Column, ...]
    skipped: tuple[SkippedLine, ...] = ()
    opted_out: Mapping[str, int] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()

    @property
    def address_columns(self) -> tuple[Column, ...]:
        """Where the addresses came from: one column, or all of a list of addresses alone."""
        return tuple(column for column in self.columns if column.becomes is Becomes.ADDRESS)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What has to be answered before anything is imported."""
        return tuple(question for question in self.questions if question.is_open)


class OpenQuestions(InvalidInput):
    """The table can be read in more than one way, and none is plainly meant. Nothing was stored."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(
            [FieldProblem(question.parameter, question.text) for question in shape.open_questions]
        )
        self.shape = shape
