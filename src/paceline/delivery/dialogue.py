"""What was said over a connection, for people: no secrets, and nothing of a message.

While it is opened it is written down for whoever waits for a check, and for the first email over
it. Of an email only what ends badly is made into lines, and only then. What we say of user and
password is left out, and what a server repeats of them, too.
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections import deque
from collections.abc import Iterable

from paceline.delivery.account import Account
from paceline.delivery.replies import RawReply, one_line
from paceline.delivery.results import Phase

MAX_LINES = 60  # of an opening
MAX_LINES_OF_EMAIL = 400
MAX_KEPT = 4_096  # octets of what is stored; what goes beyond it is left out of the middle
_KEPT_FIRST = 1_024
MAX_LINE = 200  # characters
_HIDDEN = "***"
_LEFT_OUT = "* … more was said, which is left out"


class Dialogue:
    """Lines as they went: `> ` ours, `< ` the server's, `* ` what happened besides."""

    def __init__(self, account: Account) -> None:
        self.lines: list[str] = []
        self.phase = Phase.CONNECT  # how far it came
        self._most = MAX_LINES
        self._username = account.username
        self._secrets = forms_of(account.username, account.password)

    def hide(self, secret: str) -> None:
        """Never show this one."""
        self._secrets += forms_of(self._username, secret)

    def going_on(self, *, anew: bool) -> Dialogue:
        """One for an email over this connection; `anew`: the connection was opened for it."""
        other = copy.copy(self)
        other.lines = (
            list(self.lines) if anew else ["* over a connection opened for an earlier email"]
        )
        other.phase = Phase.MAIL
        other._most = MAX_LINES_OF_EMAIL
        return other

    @property
    def kept(self) -> str:
        """The lines as they are stored; "" where nobody said anything."""
        if not any(line[0] in "<>" for line in self.lines):
            return ""
        return _bounded(self.lines)

    def note(self, text: str) -> None:
        """Something that happened, in our words."""
        self._add("*", text)

    def said(self, line: str) -> None:
        """A command of ours. Of a log-in only the mechanism is kept."""
        command, *words = line.split(" ")
        if self.phase is Phase.AUTH and line:
            mechanism = words[:1] if command == "AUTH" else []
            is_whole = command == "AUTH" and len(words) == 1
            line = " ".join(["AUTH", *mechanism] if mechanism else [])
            line = line if is_whole else f"{line} {_HIDDEN}".strip()
        self._add(">", line)

    def heard(self, reply: RawReply) -> None:
        """A reply, line by line; what it gives a reason in, unpacked."""
        for number, octets in enumerate(reply.lines, start=1):
            text = _unpacked(octets) if reply.code == 334 else octets.decode("utf-8", "replace")
            self._add("<", f"{reply.code}{' ' if number == len(reply.lines) else '-'}{text}")

    def _add(self, who: str, text: str) -> None:
        text = one_line(without(self._secrets, text))
        text = text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"
        if len(self.lines) < self._most:
            self.lines.append(f"{who} {text}".rstrip())


def _bounded(lines: list[str]) -> str:
    """Both ends of it, where all is too much: how it began, and how it ended."""
    text = "\n".join(lines)
    if len(text.encode()) <= MAX_KEPT:
        return text
    first: list[str] = []
    last: deque[str] = deque()
    room, rest = _KEPT_FIRST, deque(lines)
    while rest and (room := room - len(rest[0].encode()) - 1) >= 0:
        first.append(rest.popleft())
    room = MAX_KEPT - _KEPT_FIRST - len(_LEFT_OUT.encode()) - 1
    while rest and (room := room - len(rest[-1].encode()) - 1) >= 0:
        last.appendleft(rest.pop())
    return "\n".join([*first, _LEFT_OUT, *last])


def forms_of(username: str | None, secret: str | None) -> tuple[str, ...]:
    """What must not be shown, the longest first: as it is, packed, and as AUTH PLAIN packs it."""
    if secret is None:
        return ()
    whole = f"\0{username or ''}\0{secret}"
    packed = (base64.b64encode(text.encode()).decode("ascii") for text in (secret, whole))
    return tuple(sorted({secret, *packed}, key=len, reverse=True))


def without(secrets: Iterable[str], text: str) -> str:
    """The text with each of them taken out."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return text


def _unpacked(octets: bytes) -> str:
    """A challenge as text: "Username:", or why a token was refused."""
    try:
        return base64.b64decode(octets, validate=True).decode()
    except (binascii.Error, ValueError):
        return octets.decode("utf-8", "replace")
