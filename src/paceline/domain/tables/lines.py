"""Tables that are no plain CSV, but have a row on each line: Markdown, SQL consoles, dumps.

Each class cuts text into rows as `RowReader` does, and can stand in its place.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from paceline.domain.tables.rows import (
    MAX_LINE,
    Row,
    RowReader,
    end_of_last_line,
    physical_lines,
)

_RULE_MARKS = frozenset(" \t|+:=-")
COPY = re.compile(r'COPY\s+(?:[\w."`]+)\s*\(([^()]*)\)\s+FROM\s+(?:stdin|STDIN)\b', re.IGNORECASE)
_ESCAPED = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_PIPE = re.compile(r"(?<!\\)\|")


def is_rule(line: str) -> bool:
    """Whether a line is drawn of dashes, as between a header and its rows."""
    return ("--" in line or "==" in line) and _RULE_MARKS.issuperset(line)


def is_drawn(text: str) -> bool:
    """Whether columns are drawn with `|`: a rule with `|` or `+` in it, beside a row of them.

    A line of dashes within a cell, as above a signature, is none.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    return any(
        is_rule(line) and ("|" in line or "+" in line) and "|" in "".join(beside)
        for line, *beside in zip(lines, [*lines[1:], ""], ["", *lines], strict=False)
    )


class Lines:
    """Cuts text into numbered lines without their endings."""

    def __init__(self, *, first_line: int = 1) -> None:
        self._line = first_line
        self._carry = ""

    def feed(self, text: str, *, final: bool) -> Iterator[tuple[int, str]]:
        """The lines that this piece completes."""
        text = self._carry + text
        complete = len(text) if final else end_of_last_line(text)
        if len(text) - complete > MAX_LINE:
            complete = _end_of_last_item(text)
        self._carry = text[complete:]
        for line in physical_lines(text[:complete]):
            bare = line.rstrip("\r\n")
            yield self._line, bare
            self._line += bare != line


def _end_of_last_item(text: str) -> int:
    """Where to cut a line that does not end: behind a separator that is not within quotes."""
    end = len(text)
    for _ in range(20):
        end = max(text.rfind(";", 0, end), text.rfind(",", 0, end))
        if end < 0:
            break
        if text.count('"', 0, end) % 2 == 0:
            return end + 1
    return len(text)


class PipeRows:
    """Markdown's tables and those that psql and mysql print, with rules of dashes between rows."""

    def __init__(self, *, first_line: int = 1) -> None:
        self._lines = Lines(first_line=first_line)

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece completes."""
        for number, line in self._lines.feed(text, final=final):
            if line.strip() and not is_rule(line):
                bare = line.strip()
                bare = bare.removeprefix("|").removesuffix("|")
                cells = [cell.strip().replace("\\|", "|") for cell in _PIPE.split(bare)]
                yield Row(number, cells)


class CopyRows:
    r"""A block of pg_dump's: names in `COPY … (…) FROM stdin;`, rows with tabs, `\.` at the end."""

    def __init__(self, *, first_line: int = 1) -> None:
        self._lines = Lines(first_line=first_line)
        self._names = ""
        self._in_data = self._done = False

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece completes, the names of the columns first."""
        for number, line in self._lines.feed(text, final=final):
            if self._done:
                continue
            if not self._in_data:
                matched = COPY.match(line.lstrip())
                if matched and "@" not in matched[1]:
                    self._in_data = True
                    yield Row(number, [name.strip(' "`') for name in matched[1].split(",")])
            elif line == "\\.":
                self._done = True
            elif line:
                yield Row(number, [_unescaped(cell) for cell in line.split("\t")])


def _unescaped(cell: str) -> str:
    if "\\" not in cell or cell == "\\N":
        return "" if cell == "\\N" else cell
    return _ESCAPED.sub(_character, cell)


def _character(matched: re.Match[str]) -> str:
    octal, hexadecimal, plain = matched.groups()
    if octal or hexadecimal:
        return chr(int(octal, 8) if octal else int(hexadecimal, 16))
    return _ESCAPES.get(plain, plain)


class UnwrappedRows:
    """Rows that were quoted as a whole, as if they were one cell: cut once more."""

    def __init__(self, outer: RowReader, delimiter: str) -> None:
        self._outer = outer
        self._delimiter = delimiter

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece completes."""
        for row in self._outer.feed(text, final=final):
            yield Row(row.line, unwrapped(row.cells, self._delimiter))


def unwrapped(cells: list[str] | None, delimiter: str) -> list[str] | None:
    """The cells inside a lone cell; other rows stay as they are."""
    if cells is None or not cells or any(cells[1:]) or delimiter not in cells[0]:
        return cells
    try:
        inner = list(csv.reader([cells[0]], delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return None
    return inner[0] if len(inner) == 1 else cells
