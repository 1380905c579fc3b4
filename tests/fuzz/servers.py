"""SMTP servers that go wrong by a script, and all that was said, in the order it was said in.

Owns the far end: when it is asked something, it answers politely, or as its script has it for that
moment. It judges nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.fuzz import alphabet
from tests.fuzz.memory_net import Peer

MAX_MOMENT = 12  # of a connection that carries two emails

_FIRST_REPLY = re.compile(rb"(?:[2-5]\d\d-[^\n]*\n)*3\d\d(?:[ \r\n]|$)")
_POLITE = {
    b"EHLO": b"250-there\r\n%b250 HELP\r\n",
    b"HELO": b"250 there\r\n",
    b"MAIL": b"250 2.1.0 ok\r\n",
    b"RCPT": b"250 2.1.5 ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"RSET": b"250 2.0.0 ok\r\n",
    b"AUTH": b"235 2.7.0 welcome\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
    b"STAR": b"220 2.0.0 go on\r\n",
}
ACCEPTED = b"250 2.0.0 taken\r\n"
EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000", "AUTH PLAIN LOGIN", "DSN")


@dataclass(frozen=True)
class Answer:
    """Chunks, so many seconds apart, and how the connection goes on: "", eof, reset or stuck."""

    chunks: tuple[bytes, ...]
    gap: float = 0.0
    then: str = ""


@dataclass(frozen=True)
class Script:
    """What one connection's server offers, and where it is not polite. Moments count answers."""

    extensions: tuple[str, ...] = EXTENSIONS
    answers: tuple[tuple[int, Answer], ...] = ()
    interjected: Answer | None = None  # when the first body begins
    handshake: Answer | None = None  # where the client would begin TLS


@dataclass
class Log:
    """One connection as an observer sees it: who, what. `commands` are whole lines."""

    said: list[tuple[str, bytes]] = field(default_factory=list)
    dots: list[int] = field(default_factory=list)  # how much was said when a final dot came
    _tail: bytes = b""

    def heard(self, data: bytes) -> None:
        """The client wrote this. A dot alone on a line is one, whatever the server takes it for."""
        self.said.append(("client", data))
        self._tail = (self._tail + data)[-5:]
        if self._tail == b"\r\n.\r\n":
            self.dots.append(len(self.said))

    def of(self, who: str, start: int = 0, end: int | None = None) -> bytes:
        return b"".join(data for by, data in self.said[start:end] if by == who)


class ScriptedServer(Peer):
    """Plays a script, and notes everything."""

    def __init__(self, script: Script, log: Log, *, tick: float = 0.001) -> None:
        """`tick` seconds pass between two chunks: time to react to the one before, and no more."""
        super().__init__()
        self._tick = tick
        self._script, self.log = script, log
        self._answers = dict(script.answers)
        self._moment = 0
        self._line = b""
        self._body: bytearray | None = None
        self._stuck = self._encrypting = False
        self._pending: list[tuple[tuple[bytes, ...], float, str]] = []
        self._busy = False

    def connected(self) -> None:
        self._play(b"220 there ESMTP\r\n")

    def unread(self) -> int:
        return 1 if self._stuck else 0

    def hears(self, data: bytes) -> None:
        self.log.heard(data)
        if self._encrypting:
            self._speak(self._script.handshake or Answer((), then="eof"))
            return
        while data:
            if self._body is None:
                head, newline, data = data.partition(b"\n")
                self._line += head + newline
                if newline:
                    line, self._line = self._line, b""
                    self._command(line)
            else:
                self._body += data
                data = self._end_of_body()

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        polite = _POLITE.get(verb, b"500 5.5.2 what?\r\n")
        if verb == b"EHLO":
            offered = b"".join(b"250-%b\r\n" % e.encode() for e in self._script.extensions)
            polite = polite % offered
        answer = self._play(polite, then="eof" if verb == b"QUIT" else "")
        self._encrypting = verb == b"STAR"
        if verb == b"DATA" and _FIRST_REPLY.match(answer):
            self._body = bytearray(b"\n")
            if self._script.interjected is not None and not self.log.dots:
                self._speak(self._script.interjected)

    def _end_of_body(self) -> bytes:
        assert self._body is not None
        at = self._body.find(b"\n.\r\n")
        if at < 0:
            return b""
        rest = bytes(self._body[at + 4 :])
        self._body = None
        self._play(ACCEPTED)
        return rest

    def _play(self, polite: bytes, then: str = "") -> bytes:
        answer = self._answers.get(self._moment) or Answer((polite,), then=then)
        self._moment += 1
        self._speak(answer)
        return b"".join(answer.chunks)

    def _speak(self, answer: Answer) -> None:
        self._pending.append((answer.chunks, answer.gap, answer.then))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        if not self._pending:
            self._busy = False
            return
        chunks, gap, then = self._pending[0]
        if chunks:
            self._pending[0] = (chunks[1:], gap, then)
            self._deliver(chunks[0])
            self._later(gap)
            return
        self._pending.pop(0)
        self._ended(then)
        self._later()

    def _later(self, gap: float = 0.0) -> None:
        loop, seconds = asyncio.get_running_loop(), gap or self._tick
        loop.call_later(seconds, self._next) if seconds else loop.call_soon(self._next)

    def _deliver(self, chunk: bytes) -> None:
        at = len(self.log.said)
        self.log.said.append(("server", chunk))
        if not self.wire.deliver(chunk):
            del self.log.said[at]

    def _ended(self, then: str) -> None:
        ends: dict[str, Callable[[], None]] = {
            "eof": self.wire.end_of_file,
            "reset": self.wire.reset,
        }
        if then in ends:
            ends[then]()
        self._stuck = self._stuck or then == "stuck"


def script(dice: Random, *, silence: bool = True) -> Script:
    """A server that goes wrong at one moment or two. Without `silence`, none is waited for."""
    offered = tuple(e for e in EXTENSIONS if dice.random() < 0.75)
    moments = dice.sample(range(MAX_MOMENT), k=dice.choice((1, 1, 1, 2, 3)))
    answers = tuple((moment, answer(dice, silence=silence)) for moment in moments)
    interjected = answer(dice, silence=silence) if dice.random() < 0.1 else None
    return Script(offered, answers, interjected, answer(dice, silence=silence))


def answer(dice: Random, *, silence: bool = True) -> Answer:
    """What a server says for once. Without `silence`, what is no right reply is its last."""
    kind = dice.choice(_KINDS) if dice.random() > 0.02 else _endless
    ends = ("", "", "", "eof", "reset", "stuck" if silence else "eof")
    then = dice.choice(ends if silence or kind is _right else ("eof", "reset"))
    gap = dice.choice((0.0, 0.0, 0.0, 0.5, 90.0)) if silence else 0.0
    return Answer(alphabet.cut(dice, kind(dice)), gap, then)


def _code(dice: Random) -> int:
    usual = (
        220,
        221,
        235,
        250,
        251,
        334,
        354,
        421,
        450,
        451,
        452,
        454,
        500,
        530,
        535,
        550,
        552,
        554,
    )
    return dice.choice(usual) if dice.random() < 0.8 else dice.randint(200, 599)


def _right(dice: Random) -> bytes:
    code = _code(dice)
    enhanced = f"{dice.randint(1, 6)}.{dice.randint(0, 9)}.{dice.randint(0, 300)} "
    words = [
        (enhanced if dice.random() < 0.5 else "")
        + dice.choice(("ok", "", "né \u202e", "a\tb", "-", "250 x"))
        for _ in range(dice.choice((1, 1, 1, 2, 3, 30)))
    ]
    ended = dice.choice(("\r\n", "\r\n", "\r\n", "\n"))
    lines = [f"{code}-{word}{ended}" for word in words[:-1]]
    last = f"{code}{ended}" if dice.random() < 0.1 else f"{code} {words[-1]}{ended}"
    return "".join([*lines, last]).encode()


def _several(dice: Random) -> bytes:
    return b"".join(_right(dice) for _ in range(dice.choice((2, 2, 3, 20))))


def _spoiled(dice: Random) -> bytes:
    return alphabet.spoiled(dice, _right(dice))


def _partial(dice: Random) -> bytes:
    whole = _right(dice)
    return whole[: dice.randint(0, len(whole) - 1)]


def _garbage(dice: Random) -> bytes:
    return dice.choice(_GARBAGE) if dice.random() < 0.5 else dice.randbytes(dice.randint(1, 60))


def _endless(dice: Random) -> bytes:
    return dice.choice((b"250-more\r\n" * 150, b"2" * 100_000, b"250 " + b"x" * 100_000 + b"\r\n"))


_GARBAGE = (
    b"\r\n",
    b"\n\n\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x28",
    b"SSH-2.0-x\r\n",
    b"25\r\n",
    b"2500 ok\r\n",
    b"250ok\r\n",
    b" 250 ok\r\n",
    b"250-a\r\n251 b\r\n",
    b"250-a\r\nb\r\n250 c\r\n",
    b"199 ok\r\n",
    b"600 ok\r\n",
    b"-250 ok\r\n",
    "２５０ ok\r\n".encode(),
    b"250 a\0b\r\n",
    b"\xff\xfe2\x005\x000\x00\r\x00\n\x00",
    b"250 ok\r",
    b".\r\n",
    b"* OK IMAP4\r\n",
    b"+OK POP3\r\n",
)
_KINDS = (_right, _right, _right, _several, _spoiled, _partial, _garbage, _garbage)
