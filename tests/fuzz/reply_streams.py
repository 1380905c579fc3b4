"""Family `replies`: any bytes as a stream of SMTP replies, cut anyhow.

The judge reads the same bytes with one regular expression per reply. How they are cut must make no
difference, what the product reads must be what stands there, and what it refuses must be wrong.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from random import Random

from paceline.delivery.replies import MAX_LINE, MAX_LINES, BadReply, RawReply, ReplyParser
from paceline.delivery.results import MAX_REPLY_TEXT
from tests.fuzz import alphabet, servers
from tests.fuzz.hunting import Family, hold, pure

# RFC 5321 §4.2, with the bare LF and the missing text that real servers send.
_LINE = rb"(?:[ ][^\n\0]*|\r|)\n"
_REPLY = re.compile(
    rb"(?:([2-5]\d\d)-[^\n\0]*\n(?:\1-[^\n\0]*\n)*\1" + _LINE + rb"|[2-5]\d\d" + _LINE + rb")"
)
_CODED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


@dataclass(frozen=True)
class Case:
    data: bytes
    chunks: tuple[bytes, ...]


def make(dice: Random) -> Case:
    """Some answers one after another, or a spoiled one."""
    answers = [servers.answer(dice) for _ in range(dice.choice((1, 1, 2, 4)))]
    data = b"".join(b"".join(a.chunks) for a in answers)
    if dice.random() < 0.3:
        data = alphabet.spoiled(dice, data)
    return Case(data, alphabet.cut(dice, data))


def judge(case: Case) -> str:
    """Read whole, read in pieces, read by somebody else."""
    whole, error, idle = _read((case.data,))
    pieces, other_error, _ = _read(case.chunks)
    hold([_plain(r) for r in whole] == [_plain(r) for r in pieces], "depends on how it is cut")
    hold((error is None) == (other_error is None), "is refused or not by how it is cut")
    at = 0
    for reply in whole:
        found = _REPLY.match(case.data, at)
        hold(found, f"a reply {reply.code} where there is none")
        assert found is not None
        lines = found[0].split(b"\n")[:-1]
        hold(_plain(reply) == (int(lines[-1][:3]), [_text(line) for line in lines]), "misread")
        _check_shown(reply)
        at = found.end()
    rest = case.data[at:]
    if error is None:
        hold(not _REPLY.match(rest), "a reply was passed over")
        hold(idle == (rest == b""), "does not know whether it has read it all")
    else:
        found = _REPLY.match(rest)
        hold(not found or _too_much(found[0]), f"refused a good reply: {error}")
    return "refused" if error else "replies" if whole else "unfinished"


def _read(chunks: tuple[bytes, ...]) -> tuple[list[RawReply], str | None, bool]:
    parser, replies = ReplyParser(), deque[RawReply]()
    try:
        for chunk in chunks:
            parser.feed(chunk, replies)
    except BadReply as bad:
        return list(replies), str(bad), False
    return list(replies), None, parser.idle


def _plain(reply: RawReply) -> tuple[int, list[bytes]]:
    return reply.code, reply.lines


def _text(line: bytes) -> bytes:
    return line[4:].removesuffix(b"\r") if line[3:4] in b" -" and line[3:4] else b""


def _check_shown(raw: RawReply) -> None:
    reply = raw.readable()
    hold(reply.text.isprintable() and len(reply.text) <= MAX_REPLY_TEXT, "not one printable line")
    if reply.enhanced is not None:
        hold(_CODED.fullmatch(reply.enhanced), f"{reply.enhanced} is no enhanced status code")
        hold(reply.enhanced[0] == str(reply.code)[0], "its class is not the reply's")
        said = b" ".join(raw.lines).decode("utf-8", "replace").split()
        hold(said[0] == reply.enhanced, "does not begin the reply")


def _too_much(reply: bytes) -> bool:
    lines = reply.split(b"\n")
    return len(lines) > MAX_LINES or max(map(len, lines)) > MAX_LINE


REPLIES = Family(
    name="replies",
    cases=15_000,
    outcomes=frozenset({"refused", "replies", "unfinished"}),
    make=make,
    open=pure(judge),
)
