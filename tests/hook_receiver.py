"""A small web hook on loopback, which takes texts as Slack does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from tests.loopback import LoopbackHttp


@dataclass(kw_only=True)
class HookReceiver(LoopbackHttp):
    """Answers `ok`, unless `answers` say otherwise, in their order. None: silence."""

    answers: list[bytes | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

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

    def answer_to(self, head: str, body: bytes) -> bytes | None:
        self.texts.append(json.loads(body)["text"])
        self.heads.append(head)
        self.asked.set()
        return self.answers.pop(0) if self.answers else _OK


_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
