"""Turns the bytes of an uploaded table into text, chunk by chunk, in the encoding that it is in.

A byte-order mark is believed, then UTF-8, strictly; UTF-16 without a mark shows by its zeros. What
is none of these is weighed (`encoding`) and said, and can be chosen otherwise. A byte that
fits nowhere becomes a lone surrogate, so that the row it stands in can be judged, and no other;
what a report shows of the file goes through `showable`, for a lone surrogate cannot be written.
"""

from __future__ import annotations

import codecs
import re

from paceline.domain.tables.choices import ENCODINGS
from paceline.domain.tables.encoding import guess_encoding
from paceline.domain.tables.twice import TwiceDecoder, is_written_twice
from paceline.errors import InvalidInput

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the next
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_TEXT = (
    (b"PK\x03\x04", "is an Excel or OpenDocument workbook: save the sheet as CSV and upload that"),
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook: save the sheet as CSV and upload that"),
    (b"%PDF", "is a PDF: upload a CSV or a text file with one address per line"),
    (b"{\\rtf", "is a formatted document (RTF): save it as plain text or CSV"),
    (b"\x1f\x8b", "is compressed (gzip): unpack it and upload the table inside"),
    (b"SQLite format 3", "is a database: export its table as CSV and upload that"),
)
_HEAD_OCTETS = 64  # the marks are shorter; zeros are counted in it
_WINDOW_OCTETS = 64 * 1024  # from the first byte that is not ASCII on: what the choice is made by
_CONTEXT_OCTETS = 64  # before it
_FOREIGN_BYTE = re.compile(rb"[\x80-\xff]|\x1b\$[@B]")
_JIS = b"\x1b$"  # ISO-2022-JP writes Japanese in ASCII, behind this
_UNREADABLE = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_NAMED_AS = {"utf-32-le": "utf-32", "utf-32-be": "utf-32"}


def showable(text: str) -> str:
    """A text of the file with U+FFFD for each byte that fitted nowhere."""
    return text if text.isascii() else _UNREADABLE.sub("\ufffd", text)


class TextDecoder:
    """Feed it chunks; it settles on an encoding at the first byte that is not ASCII.

    `chosen` is one of `ENCODINGS`, and then followed. `guessed` is true where the encoding was
    weighed, with the others that would do nearly as well in `others`.
    """

    def __init__(self, chosen: str | None = None) -> None:
        self.encoding = "utf-8"
        self.guessed = False
        self.others: tuple[str, ...] = ()
        self._chosen = chosen
        self._head: bytes | None = b""
        self._held = b""
        self._before = b""
        self._settled = False
        self._decoder = _decoder("utf-8")

    @property
    def note(self) -> str | None:
        """What to tell the uploader where the encoding was not plain."""
        if not self.guessed:
            return None
        what = "was written as UTF-8 twice" if self.encoding == "utf-8-twice" else "is not UTF-8"
        return f"the file {what}; it was read as {ENCODINGS[self.encoding]}"

    def feed(self, chunk: bytes, *, final: bool = False) -> str:
        """The text of one more chunk. Raises `InvalidInput` for what is no text file at all."""
        if self._head is not None:
            chunk, self._head = self._head + chunk, None
            if len(chunk) < _HEAD_OCTETS and not final:
                self._head = chunk
                return ""
            chunk = self._open(chunk)
        if not self._settled:
            chunk = self._settle(chunk, final=final)
        return self._decoder.decode(chunk, final)

    def _open(self, chunk: bytes) -> bytes:
        for mark, what in _NOT_TEXT:
            if chunk.startswith(mark):
                raise InvalidInput.of("file", what)
        mark, encoding = next((b for b in _BOMS if chunk.startswith(b[0])), (b"", None))
        if self._chosen is not None:
            chosen = self._chosen
            if chosen in ("utf-16", "utf-32"):
                chosen = encoding or _by_zeros(chunk[:_HEAD_OCTETS]) or f"{chosen}-le"
            self._use(chosen)
            return chunk[len(mark) :] if encoding and encoding.startswith(chosen[:5]) else chunk
        encoding = encoding or _by_zeros(chunk[:_HEAD_OCTETS])
        if encoding is not None:
            self._use(encoding)
        elif b"\x00" in chunk[:4]:
            raise InvalidInput.of("file", "is no text (it holds zero bytes): save it as CSV")
        return chunk[len(mark) :]

    def _use(self, encoding: str) -> None:
        self._decoder, self._settled = _decoder(encoding), True
        self.encoding = _NAMED_AS.get(encoding, encoding)

    def _settle(self, chunk: bytes, *, final: bool) -> bytes:
        """Choose the encoding, by a window that does not depend on how the file was cut up."""
        held, self._held = self._held + chunk, b""
        foreign = _FOREIGN_BYTE.search(held)
        if foreign is None:
            cut = next((n for n in (2, 1) if held.endswith(_JIS[:n])), 0) if not final else 0
            held, self._held = held[: len(held) - cut], held[len(held) - cut :]
            self._before = (self._before + held)[-_CONTEXT_OCTETS:]
            return held
        if foreign[0].startswith(_JIS):
            self._use("iso2022-jp")
            self.guessed = True
            return held
        window = held[foreign.start() : foreign.start() + _WINDOW_OCTETS]
        if len(window) < _WINDOW_OCTETS and not final:
            self._held = held
            return b""
        self._settled = True
        decoded = _decoder("utf-8").decode(window, final)
        unreadable = len(_UNREADABLE.findall(decoded))
        if unreadable > len(_BEYOND_ASCII.findall(decoded)) - unreadable:
            before = (self._before + held[: foreign.start()])[-_CONTEXT_OCTETS:]
            guess = guess_encoding(before + window, whole=final)
            self._use(guess.encoding)
            self.guessed, self.others = True, guess.others
        elif is_written_twice(decoded, whole=final and len(window) < _WINDOW_OCTETS):
            self._use("utf-8-twice")
            self.guessed, self.others = True, ("utf-8",)
        return held


def _by_zeros(head: bytes) -> str | None:
    """UTF-16 and UTF-32 without a mark: Latin text has a zero in every second octet, or three."""
    if len(head) < 4 or b"\x00" not in head:
        return None
    zeros = [head[i::4].count(0) for i in range(4)]
    quarter = len(head) // 4
    if zeros[1] + zeros[2] + zeros[3] >= 3 * quarter > 0 and not zeros[0]:
        return "utf-32-le"
    if zeros[0] + zeros[1] + zeros[2] >= 3 * quarter > 0 and not zeros[3]:
        return "utf-32-be"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if odd * 3 > len(head) // 2 and not even:
        return "utf-16-le"
    return "utf-16-be" if even * 3 > len(head) // 2 and not odd else None


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    # UTF-16 has no surrogateescape worth having: its stray halves become U+FFFD.
    if encoding == "utf-8-twice":
        return TwiceDecoder()
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    return codecs.getincrementaldecoder(encoding)(errors)
