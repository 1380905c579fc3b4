"""One connection of the sink: SMTP as a server speaks it, going wrong where it was told to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import ssl
import time
from typing import TYPE_CHECKING, Any

from tests.faults.modes import (
    AT_DATA,
    AT_MAIL,
    AT_RCPT,
    GARBAGE,
    IN_BODY,
    REFUSING,
    REPLIES,
    SILENT,
    TAKING,
)

if TYPE_CHECKING:
    from tests.faults.sink import Door, Sink

HANG_SECONDS = float(os.environ.get("SINK_HANG_SECONDS", "2"))
SLOW_SECONDS = float(os.environ.get("SINK_SLOW_SECONDS", "0.12"))
MAX_LINE = 998


class Dropped(Exception):
    """This connection was given up on purpose."""


class Conversation:
    """One connection, through one door."""

    def __init__(
        self, sink: Sink, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        sink.connections += 1
        self._sink = sink
        self._door = door
        self._mode = door.draw()
        self._reader = reader
        self._writer = writer
        self._name = f"{os.getpid()}-{sink.connections}"
        self._mail_from = self._rcpt_to = ""
        self._began = 0.0
        self._is_encrypted = False

    async def run(self) -> None:
        try:
            await self._talk()
        except (Dropped, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self._writer.transport.abort()
        finally:
            self._writer.close()

    async def _talk(self) -> None:
        if self._door.tls == "implicit":
            await self._encrypt()
        if await self._opening_goes_wrong("greeting"):
            return
        await self._say("220 sink ESMTP")
        while line := await self._reader.readline():
            verb, _, argument = line.decode("latin-1").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    await self._hello()
                case "STARTTLS":
                    await self._start_tls()
                case "AUTH":
                    await self._auth(argument)
                case "MAIL":
                    await self._mail(argument)
                case "RCPT":
                    await self._rcpt(argument)
                case "DATA":
                    await self._data()
                case "RSET" | "NOOP":
                    self._rcpt_to = ""
                    await self._say("250 2.0.0 ok")
                case "QUIT":
                    await self._say("221 2.0.0 bye")
                    return
                case _:
                    # Whoever forgets to double a dot ends up here with the rest of the body.
                    self._note("stray", line=line.decode("latin-1")[:200])
                    await self._say("502 5.5.2 what?")

    async def _hello(self) -> None:
        if await self._opening_goes_wrong("ehlo"):
            return
        offered = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 0"]
        wants_tls = self._door.tls == "starttls" and not self._is_encrypted
        if wants_tls and not self._is_missing("tls"):
            offered.append("STARTTLS")
        if (not wants_tls or self._is_missing("tls")) and not self._is_missing("auth"):
            offered.append("AUTH PLAIN")
        *others, last = ("sink", *offered)
        await self._say("".join(f"250-{name}\r\n" for name in others) + f"250 {last}")

    async def _start_tls(self) -> None:
        if self._mode == "spoken_at_tls":
            self._note("fault", mode=self._mode)
            await self._say("220 go on\r\n250-sink\r\n250 AUTH PLAIN")
        elif await self._opening_goes_wrong("tls"):
            return
        else:
            await self._say("220 go on")
        await self._encrypt()

    async def _encrypt(self) -> None:
        what, _, place = self._mode.partition("_")
        if place == "in_handshake":
            self._note("fault", mode=self._mode)
            if what != "stranger":
                await self._reader.read(1)
                await self._misbehave(what)
        context = self._sink.stranger if what == "stranger" else self._sink.certificate
        assert context is not None, "a door with TLS needs a certificate"
        await self._writer.start_tls(context)
        self._is_encrypted = True

    async def _auth(self, argument: str) -> None:
        user = base64.b64decode(argument.partition(" ")[2] + "==").split(b"\0")[1:2]
        bare = self._door.tls != "none" and not self._is_encrypted
        self._note("log-in", user=b"".join(user).decode("latin-1"), bare=bare, mode=self._mode)
        if await self._opening_goes_wrong("auth"):
            return
        refused = user == [b"refused"]
        await self._say(REPLIES["535"] if refused else "235 2.7.0 welcome")

    async def _opening_goes_wrong(self, step: str) -> bool:
        """Do as the door says, if it is about this step. True when it has been answered."""
        what, _, place = self._mode.partition("_at_")
        if place != step or what in {"missing", "spoken"}:
            return False
        self._note("fault", mode=self._mode)
        return await self._misbehave(what)

    def _is_missing(self, step: str) -> bool:
        if self._mode != f"missing_at_{step}":
            return False
        self._note("fault", mode=self._mode)
        return True

    async def _mail(self, argument: str) -> None:
        self._mail_from, self._rcpt_to, self._began = _address(argument), "", time.monotonic()
        if await self._go_wrong(self._sink.mode_of(self._mail_from, AT_MAIL)):
            self._mail_from = ""
        else:
            await self._say("250 2.1.0 ok")

    async def _rcpt(self, argument: str) -> None:
        address = _address(argument)
        if not self._mail_from:
            await self._say("503 5.5.1 MAIL first")
        elif not await self._go_wrong(self._sink.mode_of(address, AT_RCPT)):
            self._rcpt_to = address
            await self._say("250 2.1.5 ok")

    async def _data(self) -> None:
        if not self._rcpt_to:
            await self._say("503 5.5.1 no valid recipients")
            return
        if await self._go_wrong(self._sink.mode_of(self._rcpt_to, AT_DATA)):
            return
        in_body = self._sink.mode_of(self._rcpt_to, IN_BODY)
        await self._say("354 go on")
        if in_body:
            await self._reader.read(1)
            await self._go_wrong(in_body)
        raw = await self._reader.readuntil(b"\r\n.\r\n")
        await self._answer_the_dot(raw[: -len(b".\r\n")])

    async def _answer_the_dot(self, raw: bytes) -> None:
        mode = self._sink.mode_of(self._rcpt_to, REFUSING + SILENT + TAKING)
        if mode == "slow_log":
            await asyncio.sleep(SLOW_SECONDS)
        accepted = mode not in (*REFUSING, "unaccepted_drop", "hang_at_dot")
        self._note("dot", **self._entry(raw, accepted=accepted, mode=mode))
        match mode:
            case "slow_reply":
                await asyncio.sleep(SLOW_SECONDS)
            case "unaccepted_drop" | "accepted_drop":
                raise Dropped
            case "hang_at_dot" | "accepted_hang":
                await self._misbehave("hang")
            case "garbage_at_dot":
                await self._misbehave("garbage")
            case "split_reply":
                self._writer.write(b"25")
                await self._writer.drain()
                await asyncio.sleep(SLOW_SECONDS)
                self._writer.write(b"0 2.0.0 taken\r\n")
                return
            case _ if mode in REFUSING:
                await self._go_wrong(mode)
                return
        await self._say("250 2.0.0 taken")
        if mode == "taken_then_drop":
            raise Dropped

    async def _go_wrong(self, mode: str) -> bool:
        """Do as the mode says. True when it has been answered."""
        return await self._misbehave(mode.partition("_")[0])

    async def _misbehave(self, what: str) -> bool:
        match what:
            case "drop":
                raise Dropped
            case "hang":
                await asyncio.sleep(HANG_SECONDS)
                raise Dropped
            case "garbage":
                await self._say(GARBAGE)
                raise Dropped
            case "421":
                await self._say(REPLIES[what])
                raise Dropped
            case _ if what in REPLIES:
                await self._say(REPLIES[what])
                return True
        return False

    async def _say(self, text: str) -> None:
        self._writer.write(text.encode("latin-1") + b"\r\n")
        await self._writer.drain()

    def _note(self, event: str, **what: Any) -> None:
        self._sink.write({"event": event, "from": self._mail_from, **what})

    def _entry(self, raw: bytes, *, accepted: bool, mode: str) -> dict[str, Any]:
        head = raw.partition(b"\r\n\r\n")[0]
        message_id = re.search(rb"(?im)^message-id:\s*(\S+)", head)
        body = raw.replace(b"\r\n..", b"\r\n.")
        return {
            "id": message_id[1].decode("latin-1") if message_id else "",
            "rcpt": self._rcpt_to,
            "sha256": hashlib.sha256(body).hexdigest(),
            "accepted": accepted,
            "mode": mode,
            "wall": time.time(),
            "at": time.monotonic(),
            "began": self._began,
            "connection": self._name,
            "is_encrypted": self._is_encrypted,
            "raw": _blemishes(raw),
        }


def server_context(certificate: str | None) -> ssl.SSLContext | None:
    """For a file with a certificate and its key."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _blemishes(raw: bytes) -> list[str]:
    found = []
    if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        found.append("bare CR or LF")
    if b"\0" in raw:
        found.append("NUL")
    if any(len(line) > MAX_LINE for line in raw.split(b"\r\n")):
        found.append(f"a line longer than {MAX_LINE}")
    return found


def _address(argument: str) -> str:
    match = re.search(r"<([^>]*)>", argument)
    return match[1] if match else ""
