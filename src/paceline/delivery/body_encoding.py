"""A text body in its transfer encoding (RFC 2045), where what all recipients get alike is encoded
only once.

Whole lines come out the same wherever they stand, in each of the three encodings but base64. So a
template's own lines are encoded with it, and a recipient's own are put between them.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from paceline.delivery.wire import crlf_text

MAX_LINE = 76  # octets of a line before it is encoded as quoted-printable
MIN_FIXED = 100  # octets; fewer are encoded as fast as they are put in
MAX_FIXED_RUNS = 32
MAX_GAP = 2048  # octets of a recipient's own between two runs that are looked for
# Past this share of non-ASCII octets base64 is shorter than quoted-printable, and no less readable.
_BASE64_FROM_SHARE = 1 / 6
_BEGINNING = 64  # octets looked for; the rest is only compared

_MARKS = re.compile(r"\{[{%#]|[}%#]\}")
_ASCII = bytes(range(0x80))
_ANY_BOUNDARY = b"=_"  # how ours begin


class FixedLines(NamedTuple):
    """A run of whole lines that a template always says: with CRLF, and what to know of it."""

    plain: bytes
    quoted: bytes  # as quoted-printable
    high: int  # octets that are no ASCII
    is_short: bool  # can go as it stands
    may_hold_boundary: bool

    @classmethod
    def of(cls, lines: str) -> FixedLines:
        """Lines with any line ends; the last one gets an end where it has none."""
        plain = crlf_text(lines)
        return cls(plain, _quoted(plain), _high(plain), _is_short(plain), _ANY_BOUNDARY in plain)

    def holds(self, boundary: bytes) -> bool:
        """Whether a line of it does; nearly always known beforehand."""
        return self.may_hold_boundary and boundary in self.plain


def fixed_lines(source: str) -> tuple[FixedLines, ...]:
    """The longer runs of lines without markup in a template's source, in their order."""
    pieces = _MARKS.split(source)
    pieces[1:] = [piece.partition("\n")[2] for piece in pieces[1:]]  # they begin within a line
    pieces[:-1] = ["".join(piece.rpartition("\n")[:2]) for piece in pieces[:-1]]  # and end in one
    runs = [piece for piece in pieces if len(crlf_text(piece)) >= MIN_FIXED]
    return tuple(map(FixedLines.of, runs[:MAX_FIXED_RUNS]))


class Body(NamedTuple):
    """The text of a part, of `crlf_only`: whole lines of a recipient's own, with a run after each
    but the last."""

    own: Sequence[bytes]
    fixed: Sequence[FixedLines] = ()

    @classmethod
    def of(cls, text: str, fixed: Iterable[FixedLines] = ()) -> Body:
        """Raises `UnicodeEncodeError`. Runs that are not found in the text do no harm."""
        data = crlf_text(text)
        own, found, done = [], [], 0
        for run in fixed:
            at = data.find(run.plain[:_BEGINNING], done, done + MAX_GAP)
            begins_a_line = at == 0 or data[at - 1 : at] == b"\n"
            if at >= 0 and begins_a_line and data.startswith(run.plain, at):
                own.append(data[done:at])
                found.append(run)
                done = at + len(run.plain)
        return cls([*own, data[done:]] if found else [data], found)

    @classmethod
    def fixed_as(cls, text: str) -> Body:
        """One that is the same for everybody."""
        return cls((b"", b""), (FixedLines.of(text),))

    def encoded(self, boundary: bytes) -> tuple[bytes, list[bytes]]:
        """The name of its transfer encoding, and the pieces that are to be put together.

        With or without `fixed`, the result is the same. No line of it holds the boundary.
        """
        own = b"".join(self.own)
        high, octets, fits = _high(own), len(own), True
        for run in self.fixed:
            high += run.high
            octets += len(run.plain)
            fits = fits and run.is_short and not run.holds(boundary)
        if not high:
            if fits and _is_short(own) and boundary not in own:
                return b"7bit", _woven(self.own, [run.plain for run in self.fixed])
        elif high > octets * _BASE64_FROM_SHARE:
            plain = b"".join(_woven(self.own, [run.plain for run in self.fixed]))
            return b"base64", [_base64(plain)]
        quoted = [_quoted(piece) if piece else b"" for piece in self.own]
        return b"quoted-printable", _woven(quoted, [run.quoted for run in self.fixed])


def _woven(own: Sequence[bytes], runs: Sequence[bytes]) -> list[bytes]:
    pieces = [own[0]]
    for at, run in enumerate(runs, start=1):
        pieces += (run, own[at])
    return pieces


def _high(data: bytes) -> int:
    return 0 if data.isascii() else len(data.translate(None, _ASCII))


def _is_short(lines: bytes) -> bool:
    return max(map(len, lines.split(b"\r\n"))) <= MAX_LINE and b"\0" not in lines


def _quoted(lines: bytes) -> bytes:
    # Given CRLF line ends, it makes its soft ones CRLF too, and encodes what ends in a blank.
    return binascii.b2a_qp(lines, istext=True)


def _base64(data: bytes) -> bytes:
    encoded = binascii.b2a_base64(data, newline=False)
    lines = [encoded[start : start + MAX_LINE] for start in range(0, len(encoded), MAX_LINE)]
    return b"\r\n".join([*lines, b""])
