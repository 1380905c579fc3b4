"""Quoted-printable (RFC 2045 §6.7), where what all recipients get alike is encoded only once.

Whole lines come out the same wherever they stand. So a template's own lines are encoded with it,
and put in where a rendered body is seen to hold them; what is not found is just encoded again.
"""

from __future__ import annotations

import binascii
import re
from typing import NamedTuple

from paceline.delivery.wire import crlf_only

MIN_FIXED = 100  # octets; fewer are encoded as fast as they are found
MAX_FIXED_RUNS = 32
MAX_GAP = 2048  # octets of a recipient's own between two runs
_BEGINNING = 64  # octets looked for; the rest is only compared

_MARKS = re.compile(r"\{[{%#]|[}%#]\}")


class FixedLines(NamedTuple):
    """A run of whole lines that a template always says: with CRLF, and encoded."""

    plain: bytes
    encoded: bytes


class FixedParts(NamedTuple):
    """What both bodies of a template always say."""

    text: tuple[FixedLines, ...] = ()
    html: tuple[FixedLines, ...] = ()


def fixed_lines(source: str) -> tuple[FixedLines, ...]:
    """The longer runs of lines without markup in a template's source, in their order."""
    pieces = _MARKS.split(source)
    pieces[1:] = [piece.partition("\n")[2] for piece in pieces[1:]]  # they begin within a line
    pieces[:-1] = ["".join(piece.rpartition("\n")[:2]) for piece in pieces[:-1]]  # and end in one
    runs = [lines for piece in pieces if len(lines := crlf_only(piece.encode())) >= MIN_FIXED]
    return tuple(FixedLines(lines, _encoded(lines)) for lines in runs[:MAX_FIXED_RUNS])


def quoted_printable(data: bytes, fixed: tuple[FixedLines, ...] = ()) -> bytes:
    """Encodes text of `crlf_only`. With or without `fixed`, the result is the same."""
    encoded, done = [], 0
    for run in fixed:
        at = data.find(run.plain[:_BEGINNING], done, done + MAX_GAP)
        begins_a_line = at == 0 or data[at - 1 : at] == b"\n"
        if at >= 0 and begins_a_line and data.startswith(run.plain, at):
            encoded += [_encoded(data[done:at]), run.encoded]
            done = at + len(run.plain)
    return b"".join([*encoded, _encoded(data[done:])])


def _encoded(lines: bytes) -> bytes:
    # Given CRLF line ends, it makes its soft ones CRLF too, and encodes what ends in a blank.
    return binascii.b2a_qp(lines, istext=True)
