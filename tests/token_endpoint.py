"""A small OAuth 2.0 token endpoint on loopback (RFC 6749 §6)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from paceline.delivery import Grant

Answer = tuple[int, dict[str, object]]


@dataclass
class TokenEndpoint:
    """Gives `token-1`, `token-2` … unless `answers` say otherwise, in their order."""

    answers: list[Answer | bytes | None] = field(default_factory=list)  # None: silence
    expires_in: int | None = 3600
    forms: list[dict[str, str]] = field(default_factory=list)  # what was asked with
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> TokenEndpoint:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
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
        return f"http://127.0.0.1:{self.port}/token"

    @property
    def grant(self) -> Grant:
        return Grant(
            token_endpoint=self.url,
            client_id="client",
            client_secret="hush",
            refresh_token="refresh-0",
            scope="https://mail.example/",
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            body = (await reader.readexactly(length)).decode()
            self.forms.append({name: values[0] for name, values in parse_qs(body).items()})
            answer = self.answers.pop(0) if self.answers else self._token()
            if answer is None:
                await asyncio.Event().wait()
            writer.write(answer if isinstance(answer, bytes) else _response(answer))  # type: ignore[arg-type]
            await writer.drain()
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def _token(self) -> Answer:
        token: dict[str, object] = {"access_token": f"token-{len(self.forms)}"}
        if self.expires_in is not None:
            token["expires_in"] = self.expires_in
        return 200, {**token, "token_type": "Bearer"}


def _response(answer: Answer) -> bytes:
    status, body = answer
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
