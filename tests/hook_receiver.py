"""A small web hook on loopback, which takes texts as Slack does."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field


@dataclass
class HookReceiver:
    """Answers `ok`, unless `answers` say otherwise, in their order. None: silence."""

    answers: list[bytes | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    tls: ssl.SSLContext | None = None
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> HookReceiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/services/T0/B0/hush"

    def answer(self, *statuses: int, **headers: str) -> None:
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.answers += [
            f"HTTP/1.1 {status} Answer\r\n{told}Content-Length: 0\r\n\r\n".encode()
            for status in statuses
        ]

    async def until(self, *told: str) -> None:
        """Wait until all of these were told."""
        async with asyncio.timeout(60):
            while not all(any(part in text for text in self.texts) for part in told):
                await self.asked.wait()
                self.asked.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
            self.texts.append(json.loads(await reader.readexactly(length))["text"])
            self.heads.append(head)
            self.asked.set()
            answer = self.answers.pop(0) if self.answers else _OK
            if answer is None:
                await asyncio.Event().wait()
            writer.write(answer or b"")
            await writer.drain()
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
