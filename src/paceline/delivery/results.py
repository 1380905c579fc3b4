"""What one attempt to hand an email to a server came to.

Owns the words for it: how far it got (`Phase`), what is certain (`Kind`), whose trouble it is
(`Scope`). It refuses to decide what follows; `domain.replies.outcome` does that from these plain
values.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

MAX_REPLY_TEXT = 500  # characters kept of what a server said


class Phase(StrEnum):
    """The step of the conversation at which it ended, in the order of the wire."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"


class Kind(StrEnum):
    """What is certain afterwards. Only `IN_DOUBT` leaves anything open."""

    SENT = "sent"  # 2xx after the final dot: the next hop took it
    REJECTED = "rejected"  # the server answered no, for now (4xx) or for good (5xx)
    NOT_SENT = "not_sent"  # no answer, and the final dot was never written
    IN_DOUBT = "in_doubt"  # the dot was written and no valid answer came back
    FENCED = "fenced"  # the guard said no: dropped without the dot


class Scope(StrEnum):
    """Whose trouble a failure is, and so what should wait."""

    MESSAGE = "message"  # this recipient or this content
    SENDER = "sender"  # the account or its From address: every email of it would fail alike
    HOST = "host"  # the server or the way to it


class Reply(NamedTuple):
    """A server's answer: `text` is one printable line of at most `MAX_REPLY_TEXT` characters,
    without the code and without the enhanced status code (RFC 3463), which stand beside it."""

    code: int
    enhanced: str | None
    text: str

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))


class Result(NamedTuple):
    """The end of one attempt. `reply` is set when `kind` is sent or rejected.

    `worn` says that its connection had carried emails well before: what is refused on a new one may
    be no fault of the email's, nor of the sender's. `dialogue` is what was said, without secrets
    and message, where it did not end well: lines of at most 4 KiB together.
    """

    kind: Kind
    phase: Phase
    reply: Reply | None
    detail: str
    scope: Scope
    dot_written_at: datetime | None = None
    worn: bool = False
    dialogue: str = ""


class CheckResult(NamedTuple):
    """Whether an account can be reached and logged in to, and what its server offers.

    `dialogue` is what was said, without secrets.
    """

    ok: bool
    phase: Phase
    reply: Reply | None
    detail: str
    extensions: tuple[str, ...] = ()
    dialogue: tuple[str, ...] = ()
