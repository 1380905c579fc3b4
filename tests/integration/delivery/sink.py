"""An SMTP server that does exactly as it is told, and remembers what it heard.

Each step of the conversation can be given an act: a reply, raw bytes, a hang-up, a silence. What is
not given is done well. It is strict about what a client may do: a command that comes before its
predecessor was answered, without PIPELINING on offer, is noted in `violations`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

EXTENSIONS = ("PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8")


@dataclass(frozen=True)
class Drop:
    """Says `first`, then hangs up."""

    first: str = ""


@dataclass(frozen=True)
class Hang:
    """Says `first`, raises the sink's `hung` signal and never speaks again."""

    first: str = ""


Act = str | bytes | Drop | Hang

_REPLIES: dict[str, Act] = {
    "greeting": "220 sink.test ready",
    "HELO": "250 sink.test",
    "STARTTLS": "220 2.0.0 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "RSET": "250 2.0.0 ok",
    "QUIT": Drop("221 2.0.0 bye"),
    "dot": "250 2.0.0 ok queued as 42",
}


class _HungUp(Exception):
    """The conversation is over."""


@dataclass
class Sink:
    """Start it with `serve()`; `acts` maps a step to an act, or to one for each time it comes."""

    acts: Mapping[str, Act | Sequence[Act]] = field(default_factory=dict)
    extensions: Sequence[str] = EXTENSIONS
    extensions_in_plain_text: Sequence[str] | None = None  # before TLS; None: the same
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    one_byte_at_a_time: bool = False
    reads_body: bool = True
    prompts: Sequence[str] = ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6")
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)  # dots undone
    bodies_begun: list[bytes] = field(default_factory=list)  # every octet after a 354
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hung = asyncio.Event()
        self.body_came = asyncio.Event()
        self.hung_up = asyncio.Event()  # a connection ended
        self.counts: dict[str, int] = {}
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Sink:
        context = self.tls if self.implicit_tls else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self.violations == []

    def act(self, step: str) -> Act:
        count = self.counts[step] = self.counts.get(step, 0) + 1
        act = self.acts.get(step, _REPLIES.get(step, "500 5.5.1 what?"))
        if isinstance(act, str | bytes | Drop | Hang):
            return act
        return act[min(count, len(act)) - 1]

    def heard(self, verb: str) -> list[str]:
        return [line for line in self.commands if line.upper().startswith(verb)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.writers.append(writer)
        try:
            await _Conversation(self, reader, writer).run()
        except (_HungUp, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            self.hung_up.set()


class _Conversation:
    def __init__(
        self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._sink = sink
        self._reader = reader
        self._writer = writer
        self._buffer = b""
        self._encrypted = sink.implicit_tls

    async def run(self) -> None:
        await self._do("greeting")
        while True:
            line = (await self._until(b"\r\n")).decode("utf-8", "surrogateescape")
            self._sink.commands.append(line)
            if self._buffer and "PIPELINING" not in self._offered():
                self._sink.violations.append(f"{line!r} was not waited for")
            await self._obey(line)

    def _offered(self) -> Sequence[str]:
        plain = self._sink.extensions_in_plain_text
        return self._sink.extensions if self._encrypted or plain is None else plain

    async def _obey(self, line: str) -> None:
        verb = line.split(" ", maxsplit=1)[0].upper()
        if verb == "EHLO" and "EHLO" not in self._sink.acts:
            lines = ["sink.test", *self._offered()]
            await self._say(
                "\r\n".join([f"250-{text}" for text in lines[:-1]] + [f"250 {lines[-1]}"])
            )
        elif verb == "AUTH":
            await self._log_in(line.split())
        else:
            await self._do(verb)
        if verb == "STARTTLS" and self._sink.tls is not None:
            await self._writer.start_tls(self._sink.tls)
            self._encrypted = True
        if verb == "DATA" and self._last.startswith("354"):
            await self._take_body()

    async def _log_in(self, words: list[str]) -> None:
        """`AUTH`, or a mechanism's own step; `… alone` answers the command without a response."""
        mechanism = " ".join(words[:2]).upper()
        if len(words) == 2 and f"{mechanism} alone" in self._sink.acts:
            await self._do(f"{mechanism} alone")
            return
        prompts = self._sink.prompts if mechanism == "AUTH LOGIN" else ("334 ",)
        for prompt in prompts if len(words) == 2 else ():
            await self._say(prompt)
            self._sink.commands.append((await self._until(b"\r\n")).decode())
        await self._do(mechanism if mechanism in self._sink.acts else "AUTH")

    async def _take_body(self) -> None:
        self._sink.bodies_begun.append(b"")
        if not self._sink.reads_body:
            self._sink.hung.set()
            await asyncio.Event().wait()
        if "body" in self._sink.acts:
            await self._more()
            await self._do("body")
        body = await self._until(b"\r\n.\r\n", into_body=True)
        lines = (body + b"\r\n").split(b"\r\n")
        self._sink.messages.append(b"\r\n".join(line.removeprefix(b".") for line in lines))
        await self._do("dot")

    async def _until(self, end: bytes, *, into_body: bool = False) -> bytes:
        if into_body:
            self._note_body(self._buffer)
        while end not in self._buffer:
            await self._more(into_body=into_body)
        found, _, self._buffer = self._buffer.partition(end)
        return found

    async def _more(self, *, into_body: bool = False) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise _HungUp
        if into_body:
            self._note_body(data)
        self._buffer += data

    def _note_body(self, data: bytes) -> None:
        self._sink.bodies_begun[-1] += data
        if self._sink.bodies_begun[-1]:
            self._sink.body_came.set()

    async def _do(self, step: str) -> None:
        act = self._sink.act(step)
        if isinstance(act, Drop | Hang):
            if act.first:
                await self._say(act.first)
            if isinstance(act, Drop):
                raise _HungUp
            self._sink.hung.set()
            while await self._reader.read(65536):
                pass
            raise _HungUp
        if isinstance(act, bytes):
            self._last = ""
            await self._write(act)
        elif isinstance(act, str):
            await self._say(act)

    async def _say(self, text: str) -> None:
        self._last = text
        await self._write(text.encode() + b"\r\n")

    async def _write(self, data: bytes) -> None:
        if not self._sink.one_byte_at_a_time:
            self._writer.write(data)
        else:
            for octet in data:
                self._writer.write(bytes([octet]))
                await asyncio.sleep(0)
        await self._writer.drain()
