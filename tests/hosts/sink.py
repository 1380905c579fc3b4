"""An SMTP server in a process of its own, which writes down what it takes *before* it answers.

Run as `python -m tests.hosts.sink ADDRESS PORT LOG`. One JSON line for each connection that begins
or ends, and for each email that reaches its final dot. Every email takes it a while, so that a
campaign can be met in its middle.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from base64 import b64decode
from email import message_from_bytes
from typing import Any

EMAIL_SECONDS = 0.08
MAX_MESSAGE = 4 * 2**20
_ADDRESS = re.compile(rb"<([^>]*)>")


class Sink:
    """The log."""

    def __init__(self, log: str) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._count = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._count += 1
        name, host = self._count, writer.get_extra_info("peername")[0]
        sender = ""
        self._write(event="open", connection=name, host=host)
        try:
            await _say(writer, "220 sink ESMTP")
            began = 0.0
            recipient = b""
            while line := await reader.readline():
                match line[:4].upper():
                    case b"EHLO":
                        await _say(writer, "250-sink\r\n250-PIPELINING\r\n250 AUTH PLAIN")
                    case b"AUTH":
                        user = b64decode(line.split()[2]).split(b"\0")[1].decode()
                        self._write(event="login", connection=name, host=host, sender=user)
                        await _say(writer, "235 2.7.0 welcome")
                    case b"MAIL":
                        began, sender = time.time(), _address(line)
                        await _say(writer, "250 2.1.0 ok")
                    case b"RCPT":
                        recipient = line
                        await _say(writer, "250 2.1.5 ok")
                    case b"DATA":
                        await _say(writer, "354 go on")
                        content = await reader.readuntil(b"\r\n.\r\n")
                        await asyncio.sleep(EMAIL_SECONDS)
                        identity = message_from_bytes(content)["Message-ID"]
                        self._write(
                            event="email",
                            connection=name,
                            host=host,
                            sender=sender,
                            to=_address(recipient),
                            message_id=identity,
                            began=began,
                        )
                        await _say(writer, "250 2.0.0 taken")
                    case b"QUIT":
                        await _say(writer, "221 2.0.0 bye")
                        break
                    case _:
                        await _say(writer, "250 2.0.0 ok")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._write(event="close", connection=name, host=host)
            writer.close()

    def _write(self, **entry: Any) -> None:
        os.write(self._log, (json.dumps({**entry, "at": time.time()}) + "\n").encode())


def _address(line: bytes) -> str:
    found = _ADDRESS.search(line)
    return found[1].decode() if found else ""


async def _say(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(line.encode() + b"\r\n")
    await writer.drain()


async def main(address: str, port: str, log: str) -> None:
    sink = Sink(log)
    server = await asyncio.start_server(
        sink.serve, address, int(port), limit=MAX_MESSAGE, backlog=512
    )
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
