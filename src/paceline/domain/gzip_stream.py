"""Unpacks gzip piece by piece, so that what is small on the wire is never large in memory.

How much may come out is for the reader to say: it counts what it takes and stops, and no more than
a piece was unpacked beyond it (a gigabyte of zeros packs into a megabyte). RFC 1952.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from paceline.errors import DomainError

MAGIC = b"\x1f\x8b"
PIECE_OCTETS = 64 * 1024
_MAX_MEMBERS = 1_000  # each is a file of its own; nobody joins that many by hand
_GZIP = 16 + zlib.MAX_WBITS  # what zlib calls a gzip header and trailer


class BrokenGzip(DomainError):
    """What claims to be gzip is none, is damaged, or ends too soon."""


class Gunzip:
    """Feed it what was packed; what was in it comes out, at most `PIECE_OCTETS` at a time."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._members = 0
        self._begun = False  # whether the current member has had an octet

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What these octets hold. Take all of it before feeding more. Raises `BrokenGzip`."""
        while packed:
            if not self._begun and self._members:
                packed = packed.lstrip(b"\0")  # some programs fill up their last block
                if not packed:
                    return
            self._begun = True
            try:
                piece = self._member.decompress(packed, PIECE_OCTETS)
            except zlib.error as error:
                raise BrokenGzip("is no gzip, or a damaged one") from error
            if piece:
                yield piece
            packed = self._rest()

    def finish(self) -> None:
        """Nothing more comes. Raises `BrokenGzip` if something is missing."""
        if self._begun:
            raise BrokenGzip("is gzip that ends too soon: it was cut off")

    def _rest(self) -> bytes:
        """What is left to unpack, by the next member where this one is complete."""
        if not self._member.eof:
            return self._member.unconsumed_tail
        rest = self._member.unused_data
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise BrokenGzip("is gzip in too many parts")
        self._member, self._begun = zlib.decompressobj(_GZIP), False
        return rest


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """All of a packed file. Raises `BrokenGzip`."""
    gunzip = Gunzip()
    for piece in pieces:
        yield from gunzip.feed(piece)
    gunzip.finish()
