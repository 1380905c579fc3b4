"""Cuts the text of a delimited table into rows of cells, with the line each row begins on.

Any line ending, quoted cells with line breaks in them, and quotation marks that nobody closed: the
row they stand in is broken, the lines after it are read as if nothing had happened. The stdlib's
reader alone would swallow the rest of the file into one cell, silently.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from typing import NamedTuple, Protocol

from paceline.domain.bounds import MAX_CELL, MAX_ROW_LINES

MAX_LINE = 4 * MAX_CELL  # characters; rows without any line ending are not kept for ever

BROKEN_QUOTES = "the quotation marks do not match up, or a cell is longer than 64 KiB"

# The module's limit is one per process. Nothing else here reads CSV.
csv.field_size_limit(MAX_CELL)


class Row(NamedTuple):
    """`line` counts physical lines from 1; `cells` is None when the row could not be read."""

    line: int
    cells: list[str] | None


class Rows(Protocol):
    """What cuts text into rows, whatever the form of the table."""

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece of text completes. `final` ends the table."""
        ...


class RowReader:
    """Feed it text in pieces of any length; rows come out as soon as they are complete."""

    def __init__(self, delimiter: str, *, quote: str = '"', first_line: int = 1) -> None:
        self._delimiter = delimiter
        self._quote = quote
        self._line = first_line
        self._carry = ""

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece completes. `final` ends the table."""
        text = self._carry + text
        complete = len(text) if final else end_of_last_line(text)
        if len(text) - complete > MAX_LINE:
            complete = len(text)
        self._carry = text[complete:]
        lines = physical_lines(text[:complete])
        at = 0
        while at < len(lines):
            at = yield from self._read(lines, at, final=final)
        self._line += len(lines)

    def _read(self, lines: list[str], at: int, *, final: bool) -> Generator[Row, None, int]:
        """Rows from `lines[at]` on, up to the first broken one; returns where to go on."""
        begin = at
        reader = csv.reader(
            map(lines.__getitem__, range(at, len(lines))),
            delimiter=self._delimiter,
            quotechar=self._quote,
            skipinitialspace=True,
            strict=True,
        )
        try:
            for cells in reader:
                following = at + reader.line_num
                if following - begin > MAX_ROW_LINES:
                    break
                yield Row(self._line + begin, cells)
                begin = following
            else:
                return len(lines)
        except csv.Error:
            at_the_end = at + reader.line_num == len(lines)
            if at_the_end and not final and self._may_continue(lines[begin:]):
                del lines[begin:]
                return begin
        yield Row(self._line + begin, self._alone(lines[begin]))
        return begin + 1

    def _alone(self, line: str) -> list[str] | None:
        """A line whose quotation marks pair up on it: `"Big" Al`, or `\\"` as MySQL writes them."""
        escaped = f"\\{self._quote}" in line
        if not escaped and line.count(self._quote) % 2:
            return None
        reader = csv.reader(
            [line, "\n"],  # the second belongs to the row only where a mark stays open
            delimiter=self._delimiter,
            quotechar=self._quote,
            escapechar="\\" if escaped else None,
            skipinitialspace=True,
            strict=escaped,
        )
        try:
            cells = next(reader)
        except csv.Error:
            return None
        return cells if reader.line_num == 1 else None

    def _may_continue(self, rest: list[str]) -> bool:
        """Whether an open quotation mark may still be closed by what comes; if so, keep the row."""
        text = "".join(rest)
        if len(rest) > MAX_ROW_LINES or len(text) > MAX_CELL:
            return False
        self._carry = text + self._carry
        return True


def physical_lines(text: str) -> list[str]:
    """Physical lines with their endings: LF, CR LF or CR, and none of Unicode's other breaks."""
    return list(io.StringIO(text, newline=""))


def end_of_last_line(text: str) -> int:
    """How much of a text is complete lines."""
    # A CR at the very end may be half of a CR LF.
    return max(text.rfind("\n"), text.rfind("\r", 0, max(len(text) - 1, 0))) + 1
