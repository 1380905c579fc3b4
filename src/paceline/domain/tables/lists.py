"""Addresses side by side, as a mail program's To field holds them: every one is a recipient.

Commas, semicolons, tabs and line ends stand between them; a name may come before the address, with
a comma in it or quoted, and the field may be wrapped over lines anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from paceline.domain.tables.address_mending import resembles_an_address
from paceline.domain.tables.header import names_columns_by_example
from paceline.domain.tables.lines import Lines
from paceline.domain.tables.rows import Row
from paceline.domain.tables.sections import is_signature, labelled_out, title_says_out

_PIECE = re.compile(r"(?:\"[^\"]*\"|<[^<>]*>|\([^()]*\)|[^,;\t|\"<(])+|[,;\t|]|.", re.DOTALL)
_PREFIX = re.compile(
    r"\s*(?:to|cc|bcc|an|a|à|para|aan|do|кому|宛先|收件人|받는 사람|recipients?|emails?|"
    r"e-mails?|e-?mail addresses|empfänger|destinataires?|destinatarios?|destinatari)\s*[:：]",
    re.IGNORECASE,
)
_HEAD = re.compile(
    r"\s*(?:from|von|de|da|van|od|от|fra|差出人|发件人|보낸 사람|reply-?to|sender|subject|"
    r"betreff|objet|asunto|oggetto|assunto|onderwerp|temat|тема|date|sent|gesendet|datum|envoyé|"
    r"enviado|inviato|verzonden|return-path|message-id)\s*[:：]",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[•·▪‣◦●○■*-]\s+|\d{1,4}[.)]\s+")
_NO_NAME = frozenset('@<>",;:\t|')
_BEGINS_BARE = re.compile(r"\s*[^\s@<>\"(,;|]+@[^\s@<>\",;|]+\s*(?:[,;|\t]|$)")
_COPIES = re.compile(r"^\s*b?cc\s*:", re.IGNORECASE | re.MULTILINE)
_BARE = re.compile(r"\s*[^\s@<>]+@[^\s@<>]+\s*")
# Characters before an address: a name is shorter, and what waits for one is looked at with each
# piece that is added.
MAX_BEFORE = 1_000
MIN_SHARE = 0.6  # of what stands between separators must be addresses


class ListRows:
    """Cuts a list into rows of two cells, a name and an address. None of them is a header."""

    def __init__(self, *, first_line: int = 1) -> None:
        self._lines = Lines(first_line=first_line)
        self._pending = ""
        self._began = first_line

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The recipients that this piece completes."""
        for number, line in self._lines.feed(text, final=final):
            yield from self._line(number, line)
        if final:
            yield from self._end()

    def _line(self, number: int, line: str) -> Iterator[Row]:
        """A line; one about others, or about the mail itself, is a row of its own."""
        line = line.lstrip("> ") if line.startswith(">") else line  # quoted by a reply
        if is_mail_head(line) or title_says_out([line]):
            yield from self._end()
            yield Row(number, ["", line])
            return
        if (labelled := labelled_out(line)) is not None:
            yield from self._end()
            yield Row(number, ["", labelled[0]])
            line = labelled[1]
        if _BEGINS_BARE.match(line):
            yield from self._end()  # an address alone is nobody's whom the line before names
        line = _name_ahead(line) or line
        prefix = _PREFIX.match(line)
        yield from self._read(number, line[prefix.end() :] if prefix else line)

    def _read(self, number: int, line: str) -> Iterator[Row]:
        for matched in _PIECE.finditer(line):
            piece = matched[0]
            if piece in (",", ";", "\t", "|"):
                yield from self._separated(piece)
                continue
            if not self._pending.strip():
                self._began = number
            self._pending += piece
        if "@" in self._pending or len(self._pending) > MAX_BEFORE:
            yield from self._end()
        elif self._pending.strip():
            self._pending += " "  # wrapped: a name, and its address on the next line

    def _separated(self, separator: str) -> Iterator[Row]:
        before = self._pending
        if separator == "," and len(before) <= MAX_BEFORE and "@" not in before and before.strip():
            self._pending += ","  # Last, First <address>
        else:
            yield from self._end()

    def _end(self) -> Iterator[Row]:
        text, self._pending = self._pending.strip(), ""
        if not text:
            return
        before, comma, last = text.rpartition(",")
        if comma and "<" not in last and '"' not in text and _BARE.fullmatch(last):
            yield from (Row(self._began, ["", part.strip()]) for part in before.split(","))
            text = last.strip()
        yield from (Row(self._began, ["", address]) for address in _side_by_side(text))


def _side_by_side(text: str) -> list[str]:
    """Addresses with blanks alone between them, all in angle brackets or none; else the text."""
    parts = text.split()
    bare = [part[1:-1] if text[0] == "<" and part[0] + part[-1] == "<>" else part for part in parts]
    return parts if all(map(_BARE.fullmatch, bare)) else [text]


def _name_ahead(line: str) -> str | None:
    """“• Ada Berg - ada@example.com”, also with blanks between, as a mail program writes it."""
    before, blank, address = line.strip().rpartition(" ")
    bare = address.removeprefix("<").removesuffix(">")
    if not blank or len(before) > MAX_BEFORE or not _BARE.fullmatch(bare):
        return None
    name = before.rstrip()
    if name[-2:] in (" -", " –", " —", " /", " >", " ="):
        name = name[:-2].rstrip()
    elif before == name:
        return None  # one blank: words, perhaps of a sentence
    begun = _BULLET.match(name)
    name = name[begun.end() :] if begun else name
    if not name or not _NO_NAME.isdisjoint(name) or is_signature([name, bare]):
        return None
    return f"{name} <{bare}>"


def is_mail_head(line: str) -> bool:
    """Whether a line of a pasted mail names its sender or its subject, not its recipients."""
    return ":" in line and _HEAD.match(line) is not None


def has_copies(text: str) -> bool:
    """Whether some of a pasted mail's recipients got copies."""
    return _COPIES.search(text) is not None


def is_list(text: str, *, final: bool) -> bool:
    """Whether the beginning of a file is addresses side by side, and no table."""
    lines = [line for line in text.splitlines() if line.strip() and not is_mail_head(line)]
    if not final and len(lines) > 1:
        del lines[-1]  # cut anywhere
    if not lines or "@" not in lines[0]:
        return False
    found = [cells[1] for _, cells in ListRows().feed("\n".join(lines), final=True) if cells]
    good = sum(map(resembles_an_address, found))
    headed = sum(_PREFIX.match(line) is not None for line in lines) > 1
    if good < MIN_SHARE * len(found) or not found:
        return False
    side_by_side = len(found) > len(lines) or len(lines) == 1
    named = any("<" in cell for cell in found)
    wrapped = good < len(lines) and good == len(found)
    if not (named or wrapped or headed or (side_by_side and good > 1)):
        return False
    return good > 0 and not _is_a_table(lines)


def _is_a_table(lines: list[str]) -> bool:
    """Whether some column never holds an address, or the first line names columns."""
    for delimiter in ",;\t|":
        rows = [line.split(delimiter) for line in lines]
        if names_columns_by_example(rows[0]) and len(rows) > 1:
            return True
        width = len(rows[0])
        if width < 2 or any(len(row) != width for row in rows) or len(rows) < 2:
            continue
        for column in zip(*rows, strict=True):
            filled = [cell for cell in column if cell.strip()]
            if filled and not any("@" in cell for cell in filled):
                return True
    return False
