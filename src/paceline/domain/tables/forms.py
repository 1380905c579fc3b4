"""Tells what form a table has, from its beginning: delimited in some way, a list, cards, a dump…

The answer is a `Form`: what the rows are cut by, and where a header may be looked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from paceline.domain.addresses import looks_like_an_address
from paceline.domain.tables.address_mending import resembles_an_address
from paceline.domain.tables.aligned import AlignedRows, aligned_edges
from paceline.domain.tables.cards import CardRows, card_form
from paceline.domain.tables.choices import Choices
from paceline.domain.tables.html import HtmlRows, is_html_table
from paceline.domain.tables.lines import (
    COPY,
    CopyRows,
    PipeRows,
    UnwrappedRows,
    is_drawn,
    unwrapped,
)
from paceline.domain.tables.lists import ListRows, is_list
from paceline.domain.tables.rows import Row, RowReader, Rows
from paceline.errors import InvalidInput

DELIMITERS = (",", ";", "\t", "|")
MAX_SAMPLE_ROWS = 200
_SEPARATOR_LINE = re.compile(
    r'"?sep=([^\r\n"\ud800-\udfff])"?[,;\t|]*(?:\r\n|\r|\n|$)', re.IGNORECASE
)
_JSON = re.compile(r"\s*(?:\[\s*)?\{\s*\"")
_XML = re.compile(r"\s*<\?xml\b|\s*<\?mso-application", re.IGNORECASE)
_INSERT = re.compile(r"^[ \t]*INSERT[ \t]+INTO[ \t]", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a table is cut into rows. `begin` characters at its start are no row of it."""

    name: str  # "table", "list", "vcard", "ldif", "html", "lines", "copy"
    delimiter: str
    rows: Callable[[], Rows]
    begin: int = 0
    has_header: bool | None = None  # None: to be found out


def form_of(text: str, *, final: bool, choices: Choices) -> Form:
    """The form of the table that begins so. Raises `InvalidInput` for what is none."""
    announced = _SEPARATOR_LINE.match(text)
    if announced is not None:
        return _delimited(text[announced.end() :], announced[1], final=final, begin=announced.end())
    named = _named_form(text)
    if named is not None:
        return named
    free = not choices.columns and not choices.header_line
    if free and is_list(text, final=final):
        return Form(name="list", delimiter="", rows=ListRows, has_header=False)
    delimiter = sniff_delimiter(text, final=final)
    edges = aligned_edges(text, final=final)
    if edges is not None and not _cuts_out_addresses(text, delimiter, final=final):
        return Form(name="lines", delimiter=" ", rows=partial(AlignedRows, edges))
    return _delimited(text, delimiter, final=final)


def _named_form(text: str) -> Form | None:
    """A form that shows by its own marks."""
    cards = card_form(text)
    if cards is not None:
        return Form(name=cards, delimiter="", rows=lambda: CardRows(cards), has_header=True)
    if is_html_table(text):
        return Form(name="html", delimiter="", rows=HtmlRows)
    _refuse_other_formats(text)
    if any(COPY.match(line.lstrip()) for line in text.splitlines()):
        return Form(name="copy", delimiter="\t", rows=CopyRows, has_header=True)
    if is_drawn(text):
        return Form(name="lines", delimiter="|", rows=PipeRows)
    return None


def _refuse_other_formats(text: str) -> None:
    if _JSON.match(text):
        raise InvalidInput.of(
            "file", "is JSON: send it as application/json, or export the list as CSV"
        )
    if _XML.match(text):
        raise InvalidInput.of("file", "is XML: save the sheet as CSV and upload that")
    if _INSERT.search(text[:20_000]):
        raise InvalidInput.of(
            "file", "is a script of SQL statements: export the table as CSV and upload that"
        )


def _delimited(text: str, delimiter: str, *, final: bool, begin: int = 0) -> Form:
    first_line = 2 if begin else 1
    quote = _quote_of(text, delimiter)

    def plain() -> RowReader:
        return RowReader(delimiter, quote=quote, first_line=first_line)

    inner = _inner_delimiter(sample_of(text, plain(), final=final))
    if inner is None:
        return Form(name="table", delimiter=delimiter, rows=plain, begin=begin)
    return Form(
        name="table",
        delimiter=inner,
        rows=lambda: UnwrappedRows(plain(), inner),
        begin=begin,
    )


def _quote_of(text: str, delimiter: str) -> str:
    """The apostrophe, where most cells begin and end with one, as LibreOffice can write them."""
    cells = [
        cell.strip() for line in text[:8_192].splitlines()[:20] for cell in line.split(delimiter)
    ]
    filled = [cell for cell in cells if cell]
    within = sum(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in filled)
    return "'" if filled and within * 3 >= len(filled) * 2 else '"'


def _inner_delimiter(rows: list[Row]) -> str | None:
    """What cuts the rows' only cells into columns, where each row was quoted as a whole."""
    lone = [row.cells for row in rows if row.cells and row.cells[0] and not any(row.cells[1:])]
    if not rows or len(lone) * 2 < len(rows):
        return None

    def addresses(delimiter: str) -> int:
        cut = [unwrapped(cells, delimiter) or [] for cells in lone if delimiter in cells[0]]
        return sum(any(map(looks_like_an_address, cells)) for cells in cut)

    best = max(DELIMITERS, key=addresses)
    return best if addresses(best) * 2 >= len(lone) else None


def sample_of(text: str, reader: Rows, *, final: bool) -> list[Row]:
    """The first rows of a table that hold anything."""
    rows: list[Row] = []
    for row in reader.feed(text, final=final):
        if row.cells is not None and any(map(str.strip, row.cells)):
            rows.append(row)
        if len(rows) == MAX_SAMPLE_ROWS:
            break
    return rows


def _cuts_out_addresses(text: str, delimiter: str, *, final: bool) -> bool:
    rows = sample_of(text, RowReader(delimiter), final=final)
    return any(looks_like_an_address(cell.strip()) for row in rows for cell in row.cells or [])


def sniff_delimiter(text: str, *, final: bool) -> str:
    """The delimiter that cuts the most rows into the same number of cells, more than one."""

    def consistency(delimiter: str) -> tuple[float, int]:
        rows = [row.cells or [] for row in sample_of(text, RowReader(delimiter), final=final)]
        if not rows:
            return (0.0, 0)
        widths = Counter(map(len, rows))
        columns, count = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
        with_address = sum(any(map(resembles_an_address, cells)) for cells in rows)
        return ((count + with_address) / len(rows), columns) if columns > 1 else (0.0, 0)

    return max(DELIMITERS, key=consistency)
