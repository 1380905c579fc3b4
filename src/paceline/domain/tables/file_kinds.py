"""Tells a table from the other files that people bring, by how they begin, and says what to do.

A name and a Content-Type are claims; the first octets are what the file is. A table that was packed
with gzip is unpacked on the way; everything else that is none is refused in its owner's words. Text
is for the reader of tables to judge: web pages and contact cards can hold one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from paceline.domain.gzip_stream import MAGIC as GZIP
from paceline.domain.gzip_stream import BrokenGzip, unpacked
from paceline.errors import InvalidInput

HEAD_OCTETS = 64 * 1024  # a workbook names its parts within these

EXCEL = (
    "is an Excel workbook, not a CSV file: open it in Excel, choose File > Save As and the type "
    "“CSV UTF-8 (Comma delimited)”, and use the file that this makes"
)
OPEN_DOCUMENT = (
    "is a LibreOffice or OpenDocument spreadsheet, not a CSV file: open it, choose File > Save As "
    "and the type “Text CSV”, and use the file that this makes"
)
NUMBERS = (
    "is an Apple Numbers spreadsheet, not a CSV file: open it in Numbers, choose File > Export To "
    "> CSV, and use the file that this makes"
)
PDF = (
    "is a PDF, out of which no table can be read: get it as a spreadsheet, save that as CSV, and "
    "use the file that this makes"
)
WORD = (
    "is a word processor's document: copy its table into a spreadsheet, save that as CSV, and use "
    "the file that this makes; or save the document as plain text, with an address on each line"
)
OFFICE = (
    "is an Office file, not a CSV file: open it in the program that made it, save the sheet as CSV "
    "(“CSV UTF-8” in Excel), and use the file that this makes"
)
ARCHIVE = "is a packed archive: unpack it, and use the CSV file that is in it"
PICTURE = "is a picture: the list has to be text, such as a CSV file"
XML = "is XML, not a CSV file: open it in the program that made it, and save or export it as CSV"
JSON = (
    "is JSON, not a CSV file: export it as CSV, or send it to the API as a body of the type "
    "application/json"
)
MAIL = (
    "is a saved email, not a list: copy the addresses that you mean out of it, and use a text file "
    "with one on each line"
)
CALENDAR = (
    "is a calendar, not a list: export the guests of the event as CSV, or copy their addresses "
    "into a text file with one on each line"
)
DATABASE = "is a database, not a CSV file: export the table with the addresses as CSV"

_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0", OFFICE),
    (b"%PDF", PDF),
    (b"{\\rtf", WORD),
    (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"GIF8", PICTURE),
    (b"SQLite format 3\0", DATABASE),
    (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"Rar!", ARCHIVE),
    (b"BZh", ARCHIVE),
    (b"\xfd7zXZ\0", ARCHIVE),
    (b"\x28\xb5\x2f\xfd", ARCHIVE),
    (GZIP, ARCHIVE),  # inside of gzip, once more
    (b"PK\x05\x06", ARCHIVE),  # an empty one
)
# Names of parts, as a ZIP file lists them before each.
_PARTS = (
    (b"application/vnd.oasis.opendocument.spreadsheet", OPEN_DOCUMENT),
    (b"application/vnd.oasis.opendocument", WORD),
    (b"xl/", EXCEL),
    (b"word/", WORD),
    (b".iwa", NUMBERS),
    (b"Index.zip", NUMBERS),
    (b"[Content_Types].xml", OFFICE),
)
_TEXTS = (
    (re.compile(rb"<\?xml\b"), XML),
    (re.compile(rb'\[?\s*\{\s*"'), JSON),
    (re.compile(rb"begin:vcalendar\b"), CALENDAR),
    (re.compile(rb"from \S+@\S+ +\w{3} \w{3} "), MAIL),
)
_FIELD_OF_MAIL = re.compile(rb"^([a-z-]+):", re.MULTILINE)
# Of a mail as it is stored; a head that somebody pasted names its recipients, and is a list.
_STORED = frozenset({b"received", b"mime-version", b"dkim-signature", b"delivered-to"})
_TAR = slice(257, 262)


def table_octets(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The octets of a table, out of a file's. Raises `InvalidInput` where it is of another kind."""
    head, pieces = _peek(pieces)
    try:
        if head.startswith(GZIP):
            head, pieces = _peek(unpacked(chain((head,), pieces)))
        if what := other_kind(head):
            raise InvalidInput.of("file", what)
        yield head
        yield from pieces
    except BrokenGzip as error:
        raise InvalidInput.of("file", f"{error}: make or fetch it once more") from error


def other_kind(head: bytes) -> str | None:
    """What a file is that begins so, and what to do about it; None: it may be a table."""
    if head.startswith(b"PK\x03\x04"):
        return next((what for part, what in _PARTS if part in head), ARCHIVE)
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            return what
    if head[_TAR] == b"ustar":
        return ARCHIVE
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if _is_stored_mail(text):
        return MAIL
    return next((what for pattern, what in _TEXTS if pattern.match(text[:1_000])), None)


def _is_stored_mail(text: bytes) -> bool:
    if _FIELD_OF_MAIL.match(text) is None:
        return False
    fields = {*_FIELD_OF_MAIL.findall(text.replace(b"\r\n", b"\n").partition(b"\n\n")[0])}
    return b"from" in fields and bool(fields & _STORED)


def _peek(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first octets, and what follows them."""
    rest = iter(pieces)
    head = b""
    for piece in rest:
        head += piece
        if len(head) >= HEAD_OCTETS:
            break
    return head, rest
