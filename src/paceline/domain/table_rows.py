"""Cuts the text of a table into rows of cells, with the line each row begins on.

Any line ending, quoted cells with line breaks in them, and quotation marks that nobody closed: the
row they stand in is broken, the lines after it are read as if nothing had happened. The stdlib's
reader alone would swallow the rest of the file into one cell, silently.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Generator, Iterator
from typing import NamedTuple

from paceline.domain.addresses import looks_like_an_address
from paceline.domain.bounds import MAX_CELL, MAX_ROW_LINES

DELIMITERS = (",", ";", "\t", "|")
MAX_SAMPLE_ROWS = 200
_MAX_LINE = 4 * MAX_CELL  # characters; rows without any line ending are not kept for ever
_SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n"])"?(?:\r\n|\r|\n|$)', re.IGNORECASE)

BROKEN_QUOTES = "the quotation marks do not match up, or a cell is longer than 64 KiB"

# The module's limit is one per process. Nothing else here reads CSV.
csv.field_size_limit(MAX_CELL)


class Row(NamedTuple):
    """`line` counts physical lines from 1; `cells` is None when the row could not be read."""

    line: int
    cells: list[str] | None


class RowReader:
    """Feed it text in pieces of any length; rows come out as soon as they are complete."""

    def __init__(self, delimiter: str, *, first_line: int = 1) -> None:
        self._delimiter = delimiter
        self._line = first_line
        self._carry = ""

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece completes. `final` ends the table."""
        text = self._carry + text
        complete = len(text) if final else _end_of_last_line(text)
        if len(text) - complete > _MAX_LINE:
            complete = len(text)
        self._carry = text[complete:]
        lines = _lines(text[:complete])
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
        yield Row(self._line + begin, None)
        return begin + 1

    def _may_continue(self, rest: list[str]) -> bool:
        """Whether an open quotation mark may still be closed by what comes; if so, keep the row."""
        text = "".join(rest)
        if len(rest) > MAX_ROW_LINES or len(text) > MAX_CELL:
            return False
        self._carry = text + self._carry
        return True


def _lines(text: str) -> list[str]:
    """Physical lines with their endings: LF, CR LF or CR, and none of Unicode's other breaks."""
    return list(io.StringIO(text, newline=""))


def _end_of_last_line(text: str) -> int:
    # A CR at the very end may be half of a CR LF.
    return max(text.rfind("\n"), text.rfind("\r", 0, max(len(text) - 1, 0))) + 1


def separator_line(text: str) -> tuple[str, int] | None:
    """The delimiter that a leading `sep=;` line announces, and the length of that line."""
    matched = _SEPARATOR_LINE.match(text)
    return (matched[1], matched.end()) if matched else None


def sample_rows(text: str, delimiter: str, *, final: bool) -> list[list[str]]:
    """The first rows of a table that hold anything, as this delimiter would cut them."""
    rows: list[list[str]] = []
    for row in RowReader(delimiter).feed(text, final=final):
        if row.cells is not None and any(map(str.strip, row.cells)):
            rows.append(row.cells)
        if len(rows) == MAX_SAMPLE_ROWS:
            break
    return rows


def sniff_delimiter(text: str, *, final: bool) -> str:
    """The delimiter that cuts the most rows into the same number of cells, more than one."""

    def consistency(delimiter: str) -> tuple[float, int]:
        rows = sample_rows(text, delimiter, final=final)
        if not rows:
            return (0.0, 0)
        columns, count = Counter(map(len, rows)).most_common(1)[0]
        with_address = sum(any(map(looks_like_an_address, cells)) for cells in rows)
        return ((count + with_address) / len(rows), columns) if columns > 1 else (0.0, 0)

    return max(DELIMITERS, key=consistency)
