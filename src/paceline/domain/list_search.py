"""Looks for one address in a file of recipients, packed or not, without ever holding all of it.

It errs on the side of finding: a longer address that ends in this one counts too.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from paceline.domain.bounds import MAX_FILE_OCTETS
from paceline.domain.gzip_stream import MAGIC, BrokenGzip, Gunzip

MAX_OCTETS = MAX_FILE_OCTETS  # unpacked: no larger list is ever imported
_CODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252")


class Found(Enum):
    """Whether it is there. UNKNOWN: not in what was read, and the rest cannot be."""

    YES = auto()
    NO = auto()
    UNKNOWN = auto()


class ListSearch:
    """Feed it the file; `wanted` are the spellings of the address, in lower case."""

    def __init__(self, wanted: Sequence[str], *, most: int | None = None) -> None:
        self._plain = [one.encode() for one in wanted if one.isascii()]
        self._foreign = [one for one in wanted if not one.isascii()]
        self._overlap = max(len(one) for one in wanted)
        self._left = MAX_OCTETS if most is None else most
        self._head: bytes | None = b""  # None: it is known whether this is packed
        self._gunzip: Gunzip | None = None
        self._octets = b""  # the end of the piece before
        self._decoders = [codecs.getincrementaldecoder(c)("replace") for c in _CODINGS]
        self._texts = [""] * len(_CODINGS)
        self._found = Found.NO

    def feed(self, piece: bytes) -> None:
        """The next octets of the file."""
        if self._head is not None:
            self._head = piece = self._head + piece
            if len(piece) < len(MAGIC):
                return
            self._gunzip = Gunzip() if piece.startswith(MAGIC) else None
            self._head = None
        if self._found is not Found.NO:
            return
        try:
            for octets in self._unpacked(piece):
                if self._has(octets[: self._left]):
                    self._found = Found.YES
                    return
                self._left -= len(octets)
                if self._left < 0:
                    self._found = Found.UNKNOWN
                    return
        except BrokenGzip:
            self._found = Found.UNKNOWN

    def finish(self) -> Found:
        """Nothing more comes."""
        if self._found is Found.NO and self._gunzip is not None:
            try:
                self._gunzip.finish()
            except BrokenGzip:
                self._found = Found.UNKNOWN
        return self._found

    def _unpacked(self, piece: bytes) -> Iterator[bytes]:
        return iter([piece]) if self._gunzip is None else self._gunzip.feed(piece)

    def _has(self, octets: bytes) -> bool:
        # Without its zeros, UTF-16 and UTF-32 of ASCII is ASCII.
        self._octets = self._octets[-self._overlap :] + octets.replace(b"\0", b"").lower()
        if any(one in self._octets for one in self._plain):
            return True
        read = [self._reads(n, octets) for n in range(len(_CODINGS))] if self._foreign else []
        return any(read)  # each coding goes on from its last piece

    def _reads(self, n: int, octets: bytes) -> bool:
        text = self._texts[n][-self._overlap :] + self._decoders[n].decode(octets).lower()
        self._texts[n] = text
        return any(one in text for one in self._foreign)
