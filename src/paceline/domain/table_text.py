"""Turns the bytes of an uploaded table into text, chunk by chunk, guessing as little as it can.

UTF-8 first, strictly; a byte-order mark is believed; what is neither is read as Windows-1252, which
is what spreadsheets in the west write, and said so. Detectors were measured and name an alphabet
from another continent for short texts. A byte that fits nowhere becomes a lone surrogate, so that
the row it stands in can be refused, and no other.
"""

from __future__ import annotations

import codecs
import re

from paceline.errors import InvalidInput

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_TEXT = (
    (b"PK\x03\x04", "is an Excel or OpenDocument workbook: save the sheet as CSV and upload that"),
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook: save the sheet as CSV and upload that"),
    (b"%PDF", "is a PDF: upload a CSV or a text file with one address per line"),
)
_HEAD_OCTETS = 4  # the longest mark looked for
_WINDOW_OCTETS = 64 * 1024  # from the first byte that is not ASCII on: what the choice is made by
_FOREIGN_BYTE = re.compile(rb"[\x80-\xff]")
_UNREADABLE = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

WINDOWS_NOTE = "the file is not UTF-8; it was read as Windows-1252 (Western European)"


class TextDecoder:
    """Feed it chunks; it settles on an encoding at the first byte that is not ASCII."""

    def __init__(self) -> None:
        self.note: str | None = None
        self._head: bytes | None = b""
        self._held = b""
        self._settled = False
        self._decoder = _decoder("utf-8")

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
        for mark, encoding in _BOMS:
            if chunk.startswith(mark):
                self._decoder, self._settled = _decoder(encoding), True
                return chunk[len(mark) :]
        if b"\x00" in chunk[:_HEAD_OCTETS]:
            raise InvalidInput.of("file", "looks like UTF-16 or binary: save it as CSV in UTF-8")
        return chunk

    def _settle(self, chunk: bytes, *, final: bool) -> bytes:
        """Choose the encoding, by a window that does not depend on how the file was cut up."""
        held, self._held = self._held + chunk, b""
        foreign = _FOREIGN_BYTE.search(held)
        if foreign is None:
            return held
        window = held[foreign.start() : foreign.start() + _WINDOW_OCTETS]
        if len(window) < _WINDOW_OCTETS and not final:
            self._held = held
            return b""
        decoded = _decoder("utf-8").decode(window, final)
        unreadable = len(_UNREADABLE.findall(decoded))
        if unreadable > len(_BEYOND_ASCII.findall(decoded)) - unreadable:
            self._decoder, self.note = _decoder("cp1252"), WINDOWS_NOTE
        self._settled = True
        return held


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    # UTF-16 has no surrogateescape worth having: its stray halves become U+FFFD.
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return codecs.getincrementaldecoder(encoding)(errors)
