"""A table out of a web page: what a browser saves, and what many programs call `.xls`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from paceline.domain.bounds import MAX_CELL, MAX_COLUMNS
from paceline.domain.tables.rows import MAX_LINE, Row
from paceline.errors import InvalidInput

_BEGINS = re.compile(r"\s*<(?:!doctype|html|table|meta|head|body|div|style|tr|thead|tbody)\b", re.I)
_TABLE = re.compile(r"<t[rdh]\b", re.IGNORECASE)
_MAX_UNFINISHED = 2_048  # characters of a tag at the very end: read anew from each "<" in it
_UNREAD = frozenset({"script", "style", "title"})
_BREAKS = frozenset({"br", "p", "div", "li"})


def is_html_table(text: str) -> bool:
    """Whether the text is HTML with a table in it."""
    return _BEGINS.match(text) is not None and _TABLE.search(text) is not None


class HtmlRows:
    """Feed it HTML; rows come out as their tags close."""

    def __init__(self, *, first_line: int = 1) -> None:
        self._parser = _Parser(first_line - 1)

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece completes."""
        self._parser.feed(text)
        rest = self._parser.rawdata
        if len(rest) > (_MAX_UNFINISHED if final and rest.startswith("<") else MAX_LINE):
            raise InvalidInput.of("file", "is a web page with a tag or comment that never ends")
        if final:
            self._parser.close()
            self._parser.end_row()
        rows, self._parser.rows = self._parser.rows, []
        yield from rows


class _Parser(HTMLParser):
    def __init__(self, lines_before: int) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[Row] = []
        self._lines_before = lines_before
        self._cells: list[str] = []
        self._cell: list[str] | None = None
        self._size = 0
        self._span = 1
        self._line = lines_before
        self._unread = 0

    def parse_html_declaration(self, i: int) -> int:
        """`<![if …]>` and what else Office writes: to browsers a comment, to the stdlib a bug."""
        if self.rawdata.startswith("<![", i):
            return self.parse_bogus_comment(i)
        return super().parse_html_declaration(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._unread += 1
        elif tag == "tr":
            self.end_row()
            # Of rows that share a line, as in a page without line breaks, each has its own number.
            self._line = max(self._lines_before + self.getpos()[0], self._line + 1)
        elif tag in ("td", "th"):
            self._end_cell()
            self._cell, self._size = [], 0
            span = dict(attrs).get("colspan") or "1"
            self._span = min(int(span), MAX_COLUMNS) if span.isdigit() else 1
        elif tag in _BREAKS and self._cell:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread = max(self._unread - 1, 0)
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self.end_row()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._unread and self._size <= MAX_CELL:
            self._cell.append(data)
            self._size += len(data)

    def _end_cell(self) -> None:
        if self._cell is not None and len(self._cells) < 2 * MAX_COLUMNS:
            lines = "".join(self._cell).splitlines()
            text = "\n".join(filter(None, (" ".join(line.split()) for line in lines)))
            self._cells += [text] + [""] * (self._span - 1)
        self._cell = None

    def end_row(self) -> None:
        self._end_cell()
        if self._cells:
            self.rows.append(Row(self._line, self._cells))
        self._cells = []
