"""An SMTP server that writes down what it takes, and when, before it answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

MAX_LINE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One email, as it arrived."""

    at: float  # monotonic seconds, at its last byte
    mail_from: str
    rcpt_to: str
    raw: bytes

    @property
    def message(self) -> Message:
        return message_from_bytes(self.raw)

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


async def _at_once(_: str) -> None:
    """Wait for nothing."""


Answer = Callable[[str], str | None]
"""Argument of the command → a reply of its own, or None for the usual one; "drop" drops."""


@dataclass
class Sink:
    """Takes everything, unless told otherwise by what begins with `at_`.

    A cap on connections is told by `at_greeting`, which is given how many are open with this one,
    and one on the emails of a session by `at_nth`, which is given the command and which email of
    this session it is for.
    """

    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    at_greeting: Callable[[int], str | None] = lambda _: None
    at_nth: Callable[[str, int], str | None] = lambda *_: None
    at_auth: Answer = lambda _: None
    at_mail: Answer = lambda _: None
    at_rcpt: Answer = lambda _: None
    at_dot: Answer = lambda _: None
    before_reply: Callable[[str], Awaitable[None]] = _at_once  # to the dot; argument: recipient
    port: int = 0

    async def __aenter__(self) -> Sink:
        self._changed = asyncio.Condition()
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=MAX_LINE
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def wait_for(self, count: int, *, within: float = 60.0) -> list[Taken]:
        """Wait until so many emails have arrived."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= count)
        return self.taken

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        try:
            if refusal := self.at_greeting(self.open_now):
                writer.write(refusal.encode() + b"\r\n")
                await writer.drain()
            else:
                await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_now -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(text: str) -> None:
            if text == "drop":
                writer.transport.abort()
                raise ConnectionError
            writer.write(text.encode() + b"\r\n")

        say("220 sink ESMTP")
        mail_from = rcpt_to = ""
        mails = 0
        while line := await reader.readline():
            command, _, argument = line.decode("latin-1").strip().partition(" ")
            match command.upper():
                case "EHLO":
                    say(
                        "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SIZE 0"
                    )
                case "AUTH":
                    say(self.at_auth(argument) or "235 2.7.0 welcome")
                case "MAIL":
                    mail_from = _address(argument)
                    mails += 1
                    answer = self.at_mail(mail_from) or self.at_nth("MAIL", mails)
                    say(answer or "250 2.1.0 ok")
                    mail_from = "" if answer else mail_from
                case "RCPT":
                    rcpt_to = _address(argument)
                    answer = self.at_rcpt(rcpt_to) or self.at_nth("RCPT", mails)
                    answer = answer if mail_from else "503 5.5.1 MAIL first"
                    say(answer or "250 2.1.5 ok")
                    rcpt_to = "" if answer else rcpt_to
                case "DATA":
                    if not rcpt_to:
                        say("503 5.5.1 no valid recipients")
                        continue
                    if answer := self.at_nth("DATA", mails):
                        say(answer)
                        continue
                    say("354 go on")
                    await writer.drain()
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    answer = self.at_dot(rcpt_to) or self.at_nth("dot", mails)
                    if answer is None or answer.startswith("2") or answer == "drop":
                        await self._take(mail_from, rcpt_to, raw)
                    await self.before_reply(rcpt_to)
                    say(answer or "250 2.0.0 taken")
                case "QUIT":
                    say("221 2.0.0 bye")
                    await writer.drain()
                    return
                case "RSET" | "NOOP":
                    say("250 2.0.0 ok")
                case _:
                    say("502 5.5.2 what?")
            await writer.drain()

    async def _take(self, mail_from: str, rcpt_to: str, raw: bytes) -> None:
        body = raw[: -len(b".\r\n")].replace(b"\r\n..", b"\r\n.")
        taken = Taken(at=time.monotonic(), mail_from=mail_from, rcpt_to=rcpt_to, raw=body)
        async with self._changed:
            self.taken.append(taken)
            self._changed.notify_all()


def _address(argument: str) -> str:
    match = re.search(r"<([^>]*)>", argument)
    return match[1] if match else ""
