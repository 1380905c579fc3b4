"""How a list is read: what options choose about it, what is said of it, and what is asked.

The server reads the file and says how; here it is put into words, each with the option that changes
it. What only the list's owner can know is asked at a terminal; a script is told the option to add.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from paceline.cli.client import ApiRefused
from paceline.cli.console import note
from paceline.domain.notes import AS_IT_STANDS
from paceline.domain.numbers import parse_whole_number
from paceline.domain.tables.choices import ENCODINGS
from paceline.errors import DomainError, InvalidInput

MAX_QUESTIONS = 5  # answers that are none, and questions that follow from answers
SHOWN_FIELDS = 12
SHOWN_SKIPPED = 3
SHOWN_LEFT_OUT = 5
SHOWN_ENCODINGS = 8  # the likeliest come first
# Guesses that decide who gets the email, or how it spells their name: worth a yes of a person.
_WEIGHTY = ("address_column", "encoding")
_OPTIONS = {
    "encoding": "--encoding",
    "header_line": "--header-line",
    "address_column": "--address-column",
    "opt_out_column": "--opt-out-column",
    "opt_in_column": "--opt-in-column",
    "opted_out": "--include-opted-out",
}

Choices = dict[str, str]  # parameter of the API → what was chosen
Report = dict[str, Any]


def choices_of(
    *,
    encoding: str | None,
    header_line: str | None,
    no_header: bool,
    address_column: str | None,
    include_opted_out: bool,
    opt_out_column: str | None = None,
    opt_in_column: str | None = None,
) -> Choices:
    """What the options choose. Raises `InvalidInput`."""
    chosen: Choices = {}
    if encoding is not None:
        chosen["encoding"] = encoding
    if header_line is not None:
        if no_header:
            raise InvalidInput.of("--header-line", "give it or --no-header, not both")
        try:
            chosen["header_line"] = str(parse_whole_number(header_line))
        except DomainError as error:
            raise InvalidInput.of("--header-line", str(error)) from error
    if no_header:
        chosen["header_line"] = "0"
    named = {
        "address_column": address_column,
        "opt_out_column": opt_out_column,
        "opt_in_column": opt_in_column,
    }
    chosen |= {name: column for name, column in named.items() if column is not None}
    if include_opted_out:
        chosen["opted_out"] = "mail"
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadList:
    """The list of recipients: its file, what is chosen about it, and who may be asked.

    `asks`: a person is at the terminal. `confirms`: and wants to be asked about guesses, too.
    `accepts`: what is likely to be wrong was accepted beforehand, with --yes.
    """

    file: Path
    chosen: Choices
    asks: bool = False
    confirms: bool = False
    accepts: bool = False

    def settled(self, read: Callable[[Choices], Report]) -> Report:
        """What reading it gave; answers to what has to be known for that are added to `chosen`."""
        return settled(read, self.chosen, asks=self.asks)

    def takes(self, notes: Sequence[str]) -> bool:
        """Says what is likely to be wrong with the message; a person is asked whether to go on."""
        for remark in notes:
            note(f"note: {remark}")
        return self.goes_on(notes)

    def goes_on(self, notes: Sequence[str]) -> bool:
        """Whether to go on in spite of what was told: a person is asked.

        Raises `DomainError` with the option to add where nobody can be asked, and readers would see
        a tag instead of what it stands for.
        """
        if self.confirms and notes:
            return typer.confirm("send it so?", default=False, err=True)
        if not self.asks and not self.accepts and any(AS_IT_STANDS in told for told in notes):
            raise DomainError(
                "what is noted above would be sent as it stands; mend it, or add --yes to send it"
                " so.\nNothing was scheduled."
            )
        return True

    def is_sure(self, report: Report) -> bool:
        """Whether to go on: a person is asked where something weighty was guessed, else nobody."""
        weighty = any(guess["about"] in _WEIGHTY for guess in guesses(report, self.chosen))
        if weighty and self.confirms:
            return typer.confirm("schedule it so?", default=True, err=True)
        return True


def settled(read: Callable[[Choices], Report], chosen: Choices, *, asks: bool) -> Report:
    """What reading the list gave; what has to be known for it is asked, and added to `chosen`.

    Raises `DomainError` with the options to add where nobody can be asked.
    """
    for _ in range(MAX_QUESTIONS):
        try:
            report = read(chosen)
        except ApiRefused as refused:
            questions = _open(refused.shape)
            if not questions:
                raise _by_option(refused) from refused
        else:  # a preview is no refusal, and has its questions within
            questions = _open(report.get("shape"))
            if not questions:
                return report
        if not asks:
            raise DomainError("\n".join(_unanswered(questions)))
        chosen |= {question["parameter"]: ask(question) for question in questions}
    raise DomainError("the list cannot be read so; nothing was scheduled")


def ask(question: Mapping[str, Any]) -> str:
    """Let the person at the terminal answer by a number. Raises `DomainError` if they do not."""
    note(question["text"])
    options = question["options"]
    for number, option in enumerate(options, start=1):
        note(f"  {number}  {option['label']}")
    for _ in range(MAX_QUESTIONS):
        answer = str(typer.prompt(f"number, 1 to {len(options)}", err=True)).strip()
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer[:9]) <= len(options):
            return str(options[int(answer) - 1]["value"])
        note(f"{answer}: none of them")
    raise DomainError("\n".join(_unanswered([question])))


def guesses(report: Mapping[str, Any], chosen: Choices) -> list[Mapping[str, Any]]:
    """What was taken where something else could be meant, and nobody has chosen it."""
    shape = report.get("shape") or {}
    return [q for q in shape.get("questions", ()) if q["chosen"] and q["parameter"] not in chosen]


def shape_lines(report: Mapping[str, Any], chosen: Choices) -> Iterator[str]:
    """How the list was read, and what to add to the command for another reading."""
    shape = report.get("shape")
    if shape is None:
        return
    yield f"  {_where(shape)}, {ENCODINGS.get(shape['encoding'], shape['encoding'])}"
    for skipped in shape["skipped"][:SHOWN_SKIPPED]:
        yield f"  skipped, line {skipped['line']}: {skipped['text']}"
    if len(shape["skipped"]) > SHOWN_SKIPPED:
        yield f"  … and {len(shape['skipped']) - SHOWN_SKIPPED} more lines"
    if fields := _fields(shape):
        yield f"  fields: {fields}"
    for row in report.get("left_out_rows", ())[:SHOWN_LEFT_OUT]:
        yield f"  left out, line {row['line']}: {row['value']}: {row['reason']}"
    if (more := report.get("left_out", 0)) > SHOWN_LEFT_OUT:
        yield f"  … and {more - SHOWN_LEFT_OUT} more who have opted out"
    for guess in guesses(report, chosen):
        yield f"  {guess['text']}"
        yield from (f"    otherwise: {option}" for option in _otherwise(guess))


def _where(shape: Mapping[str, Any]) -> str:
    line = shape["header_line"]
    header = "no header" if line is None else f"header on line {line}"
    columns = [c for c in shape["columns"] if c["becomes"] == "address"]
    names = " and ".join(_column(c) for c in columns)
    return f"{header}, addresses from {names}" if names else header


def _column(column: Mapping[str, Any]) -> str:
    return f"“{column['title']}”" if column["title"] else f"column {column['position']}"


def _fields(shape: Mapping[str, Any]) -> str:
    named = [
        f"{{{{ {c['field']} }}}}" + (f" from {_column(c)}" if c["title"] != c["field"] else "")
        for c in shape["columns"]
        if c["field"] and c["becomes"] != "address"
    ]
    more = f", and {len(named) - SHOWN_FIELDS} more" if len(named) > SHOWN_FIELDS else ""
    return ", ".join(named[:SHOWN_FIELDS]) + more


def _otherwise(question: Mapping[str, Any]) -> list[str]:
    """The options that would change an answer; of encodings there are too many to list."""
    others = [o["value"] for o in question["options"] if o["value"] != question["chosen"]]
    if question["about"] == "encoding":
        return [f"--encoding NAME, one of {', '.join(others[:SHOWN_ENCODINGS])}, …"]
    return [option_for(question["parameter"], value) for value in others]


def option_for(parameter: str, value: str) -> str:
    """What to add to the command to choose this, quoted for a shell."""
    if (parameter, value) == ("header_line", "0"):
        return "--no-header"
    if parameter == "opted_out":
        return "--include-opted-out" if value == "mail" else "(leave out --include-opted-out)"
    return f"{_OPTIONS.get(parameter, parameter)} {shlex.quote(value)}"


def _unanswered(questions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for question in questions:
        yield f"{question['text']} Add one of these to the command:"
        for option in question["options"]:
            given = option_for(question["parameter"], option["value"])
            yield f"  {given}   {option['label']}"
    yield "Nothing was scheduled."


def _open(shape: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    questions = (shape or {}).get("questions", ())
    return [question for question in questions if question["chosen"] is None]


def _by_option(refused: ApiRefused) -> DomainError:
    """The same refusal under the names that were typed."""
    if not any(field in _OPTIONS for field, _ in refused.fields):
        return refused
    lines = [f"{_OPTIONS.get(field, field)}: {message}" for field, message in refused.fields]
    return DomainError("\n  ".join(lines))
