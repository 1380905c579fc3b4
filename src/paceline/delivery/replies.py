"""Reads SMTP replies out of a stream of bytes, however it is cut, within fixed bounds.

Refuses, with `BadReply`, whatever is not a reply by RFC 5321 §4.2: the caller then drops the
connection, since nobody can say any more which reply answers which command.
"""

from __future__ import annotations

import functools
import re
from collections import deque

from paceline.delivery.results import MAX_REPLY_TEXT, Reply

MAX_LINE = 4096  # octets; RFC 5321 §4.5.3.1.5 says 512, real servers say more
MAX_LINES = 100  # of one reply
MAX_READ = 4096  # octets of one reply that are made into text: eight times what is kept
MAX_REMEMBERED = 512  # octets of replies that are looked up before they are read

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\x00]*))?", re.DOTALL)
_WHOLE_LINE = re.compile(rb"([2-5][0-9][0-9])(?: ([^\x00\r\n]*))?\r\n")
# As RFC 2034 has it, and as some servers dress it up: "#5.1.1", "(5.1.1)", "5.1.1:".
_STATUS = r"([245]\.\d{1,3}\.\d{1,3})"
_ENHANCED = re.compile(rf"(?:#?{_STATUS}:?|\({_STATUS}\))(?=\s|$)")


class BadReply(Exception):
    """What came is not an SMTP reply; the message says why, `octets` is how it began."""

    def __init__(self, why: str, octets: bytes = b"") -> None:
        super().__init__(why)
        self.octets = octets


class RawReply:
    """One whole reply as received. `Reply`, the form for people, is made only where it is kept."""

    __slots__ = ("_readable", "code", "lines")

    def __init__(self, code: int, lines: list[bytes]) -> None:
        self.code = code
        self.lines = lines
        self._readable: Reply | None = None

    def readable(self) -> Reply:
        """The reply with its enhanced status code taken out, on one printable line."""
        if self._readable is None:
            self._readable = self._read()
        return self._readable

    def _read(self) -> Reply:
        lines = self.lines
        said = lines[0] if len(lines) == 1 else b"\n".join(lines)
        text = said[:MAX_READ].decode("utf-8", "replace").lstrip()
        found = _ENHANCED.match(text)
        if found is None:
            return Reply(self.code, None, one_line(text))
        enhanced = found[found.lastindex or 0]
        # RFC 2034 §4: the class must agree with the code, or it is not an enhanced status code.
        if int(enhanced[0]) != self.code // 100:
            return Reply(self.code, None, one_line(text))
        text = text[found.end() :]
        if len(lines) > 1:
            text = text.replace("\n" + found[0], "\n")
        return Reply(self.code, enhanced, one_line(text))


def one_line(text: str) -> str:
    """Printable text on one line, at most `MAX_REPLY_TEXT` characters: safe to store and show."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(text.split()) if "  " in text else text.strip()
    return text if len(text) <= MAX_REPLY_TEXT else text[: MAX_REPLY_TEXT - 1] + "…"


class ReplyParser:
    """Feeds on bytes, yields whole replies. After `BadReply` it is not to be fed again."""

    __slots__ = ("_code", "_lines", "_rest", "idle")

    def __init__(self) -> None:
        self.idle = True  # nothing is left over: no part of a line, no unfinished reply
        self._rest = b""
        self._code = 0
        self._lines: list[bytes] = []

    def feed(self, data: bytes, replies: deque[RawReply]) -> None:
        """Adds the replies that `data` completes, in order.

        Raises `BadReply`; the replies that came before the bad one have been added by then.
        """
        if self.idle and len(data) <= MAX_REMEMBERED and (known := _whole_replies(data)):
            replies.extend(known)
        else:
            self.read(data, replies)

    def read(self, data: bytes, replies: deque[RawReply]) -> None:
        """`feed` for what was not seen before."""
        if self._rest:
            data = self._rest + data
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            # A bare LF ends a line too: old servers send it, and in replies it can do no harm.
            stop = end - 1 if end > start and data[end - 1] == 0x0D else end
            self._line(data[start:stop], replies)
            start = end + 1
        self._rest = data[start:]
        self.idle = not self._rest and not self._lines
        if len(self._rest) > MAX_LINE:
            raise BadReply(f"a reply line of more than {MAX_LINE} octets", self._rest[:80])

    def _line(self, line: bytes, replies: deque[RawReply]) -> None:
        found = _LINE.fullmatch(line)
        if found is None or len(line) > MAX_LINE:
            shown = one_line(repr(line[:80])[2:-1])
            raise BadReply(f"not an SMTP reply: {shown}", line[:80])
        code, lines = int(found[1]), self._lines
        if lines and code != self._code:
            raise BadReply(f"a reply that begins with {self._code} and goes on with {code}")
        lines.append(found[3] or b"")
        if found[2] != b"-":
            replies.append(RawReply(code, lines))
            self._lines = []
            return
        self._code = code
        if len(lines) >= MAX_LINES:
            raise BadReply(f"a reply of more than {MAX_LINES} lines")


# A server answers MAIL, RCPT and DATA with the same bytes for nearly every email.
@functools.lru_cache(maxsize=256)
def _whole_replies(data: bytes) -> tuple[RawReply, ...]:
    """The replies that `data` consists of; none when it is anything but whole, good ones."""
    found = _WHOLE_LINE.fullmatch(data)  # as the answer to a dot, which names each email
    if found is not None:
        return (RawReply(int(found[1]), [found[2] or b""]),)
    parser, replies = ReplyParser(), deque[RawReply]()
    try:
        parser.read(data, replies)
    except BadReply:
        return ()
    return tuple(replies) if parser.idle else ()
