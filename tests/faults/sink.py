"""An SMTP server in a process of its own that knows nothing of Paceline and writes down everything.

Run as `python -m tests.faults.sink LOG CONTROL [CERTIFICATE STRANGER]`. Each email that reaches
its final dot is one JSON line, written *before* the answer, so that no crash of anybody can make
the log forget it.

The recipient chooses what goes wrong: `ada+drop_at_rcpt@example.org` is dropped at RCPT the first
time, and served properly from then on; `ada+drop_at_rcpt-always@…` always. At MAIL the sender's
address chooses. Before that nobody has a name, so the *door* chooses: a port of its own, opened by
one JSON line over the socket CONTROL, which is answered by the number of the port.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter
from typing import Any

from tests.faults.conversation import Conversation, server_context
from tests.faults.modes import UNUSUAL

MAX_MESSAGE = 4 * 2**20


class Door:
    """A port. Its connections go wrong when opened: the first `times`, or a `share` of them all."""

    def __init__(
        self,
        *,
        modes: tuple[str, ...] = (),
        times: int = 0,
        share: float = 0.0,
        tls: str = "none",
        seed: int = 0,
    ) -> None:
        self.tls = tls  # "none", "starttls", "implicit"
        self._modes = modes
        self._times = times
        self._share = share
        self._dice = random.Random(seed)

    def draw(self) -> str:
        """What is to go wrong with the next connection."""
        is_bad = self._times > 0 or self._dice.random() < self._share
        self._times -= 1
        return self._dice.choice(self._modes) if self._modes and is_bad else ""


class Sink:
    """The log, and how often each recipient has been seen at each mode."""

    def __init__(self, log: str, certificates: tuple[str | None, str | None]) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._seen: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self.certificate, self.stranger = map(server_context, certificates)
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

    async def open(self, door: Door, *, port: int) -> int:
        """Listen at another port; 0 takes any."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Conversation(self, door, reader, writer).run()

        server = await asyncio.start_server(
            serve, "127.0.0.1", port, limit=MAX_MESSAGE, backlog=512
        )
        self._servers.append(server)
        opened: int = server.sockets[0].getsockname()[1]
        return opened

    async def be_told(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line in, a door opened, its port out; until the other side has had enough."""
        while line := await reader.readline():
            told = json.loads(line)
            door = Door(
                modes=tuple(told["modes"]),
                times=told["times"],
                share=told["share"],
                tls=told["tls"],
                seed=told["seed"],
            )
            writer.write(b"%d\n" % await self.open(door, port=told["port"]))
            await writer.drain()
        writer.close()


async def main(log: str, control: str, certificate: str | None, stranger: str | None) -> None:
    sink = Sink(log, (certificate, stranger))
    server = await asyncio.start_unix_server(sink.be_told, control)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *(sys.argv[3:5] or (None, None))))
