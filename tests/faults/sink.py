"""An SMTP server in a process of its own that knows nothing of Paceline and writes down everything.

Run as `python sink.py LOG [PORT]`; it prints its port. Each email that reaches its final dot is one
JSON line, written *before* the answer, so that no crash of anybody can make the log forget it.

The recipient chooses what goes wrong: `ada+drop_at_rcpt@example.org` is dropped at RCPT the first
time, and served properly from then on; `ada+drop_at_rcpt-always@…` always. At MAIL the sender's
address chooses, at AUTH the user's name.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter
from typing import Any

MAX_MESSAGE = 4 * 2**20
HANG_SECONDS = float(os.environ.get("SINK_HANG_SECONDS", "2"))
SLOW_SECONDS = float(os.environ.get("SINK_SLOW_SECONDS", "0.12"))
MAX_LINE = 998

REPLIES = {
    "421": "421 4.3.2 closing",
    "451": "451 4.7.1 greylisted, come back",
    "452": "452 4.2.2 mailbox full",
    "550": "550 5.1.1 no such user",
    "554": "554 5.6.0 not with this content",
    "5.7.1": "550 5.7.1 refused by policy",
}
# What is done at each step. "+": the email is accepted and logged as such, whatever comes after.
AT_MAIL = ("421_at_mail", "451_at_mail", "550_at_mail", "drop_at_mail", "hang_at_mail")
AT_RCPT = ("421_at_rcpt", "451_at_rcpt", "550_at_rcpt", "drop_at_rcpt", "hang_at_rcpt")
AT_DATA = ("421_at_data", "451_at_data", "drop_at_data", "hang_at_data")
IN_BODY = ("drop_in_body", "hang_in_body")
REFUSING = ("421_at_dot", "451_at_dot", "554_at_dot", "5.7.1_at_dot")
SILENT = ("unaccepted_drop", "hang_at_dot", "accepted_drop", "accepted_hang")
TAKING = ("slow_reply", "slow_log", "taken_then_drop", "garbage_at_dot", "split_reply")
UNUSUAL = ("slow_reply", "slow_log", "split_reply")  # and no fault
MODES = (*AT_RCPT, *AT_DATA, *IN_BODY, *REFUSING, *SILENT, *TAKING)


class Dropped(Exception):
    """This connection was given up on purpose."""


class Sink:
    """The log, and how often each recipient has been seen at each mode."""

    def __init__(self, log: str) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._seen: Counter[str] = Counter()
        self.connections = 0

    def write(self, entry: dict[str, Any]) -> None:
        os.write(self._log, (json.dumps(entry) + "\n").encode())

    def mode_of(self, address: str, choices: tuple[str, ...]) -> str:
        """What to do about this address now, out of what can be done at this step."""
        mode = address.partition("@")[0].partition("+")[2]
        name, _, always = mode.partition("-")
        if name not in choices:
            return ""
        self._seen[address] += 1
        if not always and self._seen[address] > 1:
            return ""
        if name not in UNUSUAL:
            self.write({"event": "fault", "mode": name})
        return name


class Conversation:
    """One connection."""

    def __init__(
        self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        sink.connections += 1
        self._sink = sink
        self._reader = reader
        self._writer = writer
        self._name = f"{os.getpid()}-{sink.connections}"
        self._mail_from = self._rcpt_to = ""
        self._began = 0.0

    async def run(self) -> None:
        try:
            await self._talk()
        except (Dropped, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self._writer.transport.abort()
        finally:
            self._writer.close()

    async def _talk(self) -> None:
        await self._say("220 sink ESMTP")
        while line := await self._reader.readline():
            verb, _, argument = line.decode("latin-1").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    await self._say(
                        "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                        "250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN\r\n250 SIZE 0"
                    )
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
                    self._sink.write(
                        {
                            "event": "stray",
                            "from": self._mail_from,
                            "line": line.decode("latin-1")[:200],
                        }
                    )
                    await self._say("502 5.5.2 what?")

    async def _auth(self, argument: str) -> None:
        user = base64.b64decode(argument.partition(" ")[2] + "==").split(b"\0")[1:2]
        refused = user == [b"refused"]
        await self._say("535 5.7.8 wrong password" if refused else "235 2.7.0 welcome")

    async def _mail(self, argument: str) -> None:
        self._mail_from, self._rcpt_to, self._began = _address(argument), "", time.monotonic()
        mode = self._sink.mode_of(self._mail_from, AT_MAIL)
        await self._go_wrong(mode)
        await self._say("250 2.1.0 ok")

    async def _rcpt(self, argument: str) -> None:
        address = _address(argument)
        mode = self._sink.mode_of(address, AT_RCPT)
        if not await self._go_wrong(mode):
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
        self._sink.write(self._entry(raw, accepted=accepted, mode=mode))
        match mode:
            case "slow_reply":
                await asyncio.sleep(SLOW_SECONDS)
            case "unaccepted_drop" | "accepted_drop":
                raise Dropped
            case "hang_at_dot" | "accepted_hang":
                await self._hang()
            case "garbage_at_dot":
                await self._say("\x00\x01 what you sent was \xff")
                raise Dropped
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
        what = mode.partition("_")[0]
        if what == "drop":
            raise Dropped
        if what == "hang":
            await self._hang()
        if what in REPLIES:
            await self._say(REPLIES[what])
            if what == "421":
                raise Dropped
            return True
        return False

    async def _hang(self) -> None:
        await asyncio.sleep(HANG_SECONDS)
        raise Dropped

    async def _say(self, text: str) -> None:
        self._writer.write(text.encode("latin-1") + b"\r\n")
        await self._writer.drain()

    def _entry(self, raw: bytes, *, accepted: bool, mode: str) -> dict[str, Any]:
        head = raw.partition(b"\r\n\r\n")[0]
        message_id = re.search(rb"(?im)^message-id:\s*(\S+)", head)
        body = raw.replace(b"\r\n..", b"\r\n.")
        return {
            "event": "dot",
            "id": message_id[1].decode("latin-1") if message_id else "",
            "rcpt": self._rcpt_to,
            "from": self._mail_from,
            "sha256": hashlib.sha256(body).hexdigest(),
            "accepted": accepted,
            "mode": mode,
            "wall": time.time(),
            "at": time.monotonic(),
            "began": self._began,
            "connection": self._name,
            "raw": _blemishes(raw),
        }


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


async def main(log: str, port: int) -> None:
    sink = Sink(log)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Conversation(sink, reader, writer).run()

    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=MAX_MESSAGE, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
