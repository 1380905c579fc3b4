"""Finds the row that names the columns: below titles, notes and comments, above the first address.

A header is a row in which no cell is an address, but for an example among nothing but titles. Where
several could be it, one with a title that plainly means an address is; else the first that is as
wide as the table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from paceline.domain.tables.address_mending import holds_an_address, resembles_an_address
from paceline.domain.tables.consent_words import OUT
from paceline.domain.tables.rows import Row
from paceline.domain.tables.words import (
    CLOSING_WORDS,
    FIRST_NAME_TITLES,
    FULL_NAME_TITLES,
    IS_ADDRESS_TITLE,
    LAST_NAME_TITLES,
    MAIL_PARTS,
    comparable,
)
from paceline.errors import InvalidInput

MAX_ABOVE = 60  # rows looked through for a header
_DATA = re.compile(r"[\d\s.,:/+()€$£%-]+|(?:https?|www)\b.*", re.IGNORECASE)
_MACHINE = '{"ImportId"'
_NAME_TITLES = FULL_NAME_TITLES | FIRST_NAME_TITLES | LAST_NAME_TITLES
_KNOWN = IS_ADDRESS_TITLE | _NAME_TITLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The titles of the columns, and where they stand. `last` is the last row that belongs to it.

    Both are indices into the sample; None where there is no header, and every row is data.
    """

    first: int | None
    last: int | None
    titles: tuple[str, ...]


def find_header(rows: Sequence[Row], *, given: bool | None, line: int | None) -> Header:
    """The header of a table. `line` is a chosen one, 0 for none; `given` is what the form says."""
    cells = [row.cells or [] for row in rows]
    width = max(map(len, cells))
    if line == 0 or given is False:
        return Header(first=None, last=None, titles=("",) * width)
    if given:
        return _header(cells, 0, 0)
    if line is not None:
        chosen = [i for i, row in enumerate(rows) if row.line == line]
        if not chosen:
            some = ", ".join(str(row.line) for row in rows[:10])
            raise InvalidInput.of(
                "header_line", f"no row begins on line {line}; rows begin on lines {some}…"
            )
        return _header(cells, chosen[0], chosen[0])
    first = _first_row_of_header(cells)
    if first is None:
        return Header(first=None, last=None, titles=("",) * width)
    return _header(cells, first, _last_row_of_header(cells, first))


def is_header_again(cells: Sequence[str], titles: Sequence[str]) -> bool:
    """Whether a row further down names columns: files that were joined, each with its header."""
    keys = [comparable(cell) for cell in cells if cell.strip()]
    if len(keys) < 2:
        return bool(keys) and keys[0] in IS_ADDRESS_TITLE and _same(cells, titles)
    if not any(key in IS_ADDRESS_TITLE for key in keys) and not _same(cells, titles):
        return False
    known = _KNOWN | {comparable(title) for title in titles}
    return 2 * sum(key in known for key in keys) >= len(keys)


def _same(cells: Sequence[str], titles: Sequence[str]) -> bool:
    return [comparable(cell) for cell in cells] == [comparable(title) for title in titles]


def names_columns_by_example(row: list[str]) -> bool:
    """Whether what resembles addresses is part of titles: “name@work, mail”, “you@x.org, Name”.

    Beside what an email could go to, all the others have to be titles.
    """
    others = [cell for cell in row if cell.strip() and not resembles_an_address(cell)]
    titles = sum(comparable(cell) in _KNOWN for cell in others)
    if any(map(holds_an_address, row)):
        return titles > 0 and titles == len(others)
    return titles > 0


def is_closing_line(cells: Sequence[str]) -> bool:
    """Whether a row is what a report ends with: a total, a count of rows, a mark of the end."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or len(filled) > 4:
        return False
    text = filled[0].strip("-=*#_ ().:\u2014\u2013")
    if not text:
        return True  # a rule
    start = re.split(r"[:=\d]", text, maxsplit=1)[0]
    if comparable(start) in CLOSING_WORDS or comparable(text) in CLOSING_WORDS:
        return True
    return len(filled) == 1 and re.fullmatch(r"\(?\d+ \w+\)?", filled[0]) is not None


def _first_row_of_header(cells: list[list[str]]) -> int | None:
    above = _rows_above_the_first_address(cells)
    named = [i for i, row in enumerate(cells[:MAX_ABOVE]) if _names_columns(row)]
    for i in named:
        if i < above or _column_below_holds_addresses(cells, i):
            return i
    if above + 1 < len(cells) and names_columns_by_example(cells[above]):
        return above
    if above == 0:
        return None
    wanted = _usual_width(cells)
    if wanted == 1:
        lone = [i for i in range(above) if _is_lone_title(cells[i])]
        return lone[-1] if lone else None
    return next((i for i in range(above) if _is_as_wide(cells[i], wanted)), None)


def _rows_above_the_first_address(cells: list[list[str]]) -> int:
    for i, row in enumerate(cells):
        if any(map(resembles_an_address, row)):
            return i
    return min(len(cells), MAX_ABOVE)


def _names_columns(row: list[str]) -> bool:
    """Whether some cell is a title for addresses, and none is an address."""
    if any(map(resembles_an_address, row)):
        return False
    keys = [comparable(cell) for cell in row]
    filled = sum(map(bool, keys))
    if filled == 1 and len(row) > 2:
        return False  # a remark: “Email” alone in a wide row
    return any(key in IS_ADDRESS_TITLE for key in keys) or _is_mail_title(row, keys)


def _is_mail_title(row: list[str], keys: list[str]) -> bool:
    """A longer title that speaks of mail, beside one that names people or among several."""
    mail = any(
        len(cell) <= 80 and any(part in key for part in MAIL_PARTS)
        for cell, key in zip(row, keys, strict=True)
    )
    return mail and (len(row) == 1 or any(key in _NAME_TITLES for key in keys))


def _column_below_holds_addresses(cells: list[list[str]], header: int) -> bool:
    """For a header below an address in a note: its column must hold the addresses."""
    at = [i for i, title in enumerate(cells[header]) if comparable(title) in IS_ADDRESS_TITLE]
    below = cells[header + 1 : header + 6]
    return any(i < len(row) and resembles_an_address(row[i]) for row in below for i in at)


def _is_lone_title(row: list[str]) -> bool:
    """A lone column needs a telling title, or a misspelt address would pass for one."""
    title = comparable(next((cell for cell in row if cell.strip()), ""))
    return title in IS_ADDRESS_TITLE or any(part in title for part in MAIL_PARTS)


def _usual_width(cells: list[list[str]]) -> int:
    with_address = [len(row) for row in cells if any(map(resembles_an_address, row))]
    return Counter(with_address or map(len, cells)).most_common(1)[0][0]


def _is_as_wide(row: list[str], width: int) -> bool:
    filled = [cell.strip() for cell in row if cell.strip()]
    if len(row) < width - 1 or len(filled) * 2 < min(width, len(row)):
        return False
    return not any(map(_DATA.fullmatch, filled)) and len(filled) > 1


def _last_row_of_header(cells: list[list[str]], first: int) -> int:
    """A header of two rows, or three: those of surveys, whose second row holds the real titles."""
    for below in (1, 2):
        row = cells[first + below] if first + below < len(cells) else []
        if any(cell.startswith(_MACHINE) for cell in row):
            return first + below
    if first + 1 >= len(cells):
        return first
    row = cells[first + 1]
    filled = [cell.strip() for cell in row if cell.strip()]
    if not filled or any(map(resembles_an_address, row)) or any(map(_DATA.fullmatch, filled)):
        return first
    keys = [comparable(cell) for cell in filled]
    titles = sum(key in _KNOWN for key in keys)
    mail = any(key in IS_ADDRESS_TITLE for key in keys)
    blank_above = sum(
        bool(cell.strip()) and not (cells[first][i].strip() if i < len(cells[first]) else "")
        for i, cell in enumerate(row)
    )
    if any(key in OUT for key in keys):
        return first
    return first + 1 if mail or titles > 1 or blank_above * 2 > len(filled) else first


def _header(cells: list[list[str]], first: int, last: int) -> Header:
    width = max(len(row) for row in cells[first : last + 1])
    titles = [""] * width
    for row in cells[first : last + 1]:
        if any(cell.startswith(_MACHINE) for cell in row):
            continue
        for i, cell in enumerate(row):
            if _says_more(_tidy(cell), titles[i]):
                titles[i] = _tidy(cell)
    below = cells[last + 1 :]
    if below and all(len(row) == width + 1 and row[0].strip().isdigit() for row in below):
        titles.insert(0, "")  # R numbers its rows, and has no title for that
    return Header(first=first, last=last, titles=tuple(titles))


def _says_more(below: str, above: str) -> bool:
    """The lower row is nearer to the values, but "Response" says less than the question."""
    key = comparable(below)
    if not below or not above:
        return bool(below)
    return key not in _SAYS_NOTHING and (key in _KNOWN or comparable(above) not in _KNOWN)


_SAYS_NOTHING = frozenset(
    map(comparable, ("response", "open-ended response", "antwort", "réponse", "respuesta"))
)


def _tidy(title: str) -> str:
    return " ".join(title.replace("\ufeff", "").replace("\u200b", "").split()).strip("\u00a0#* ")
