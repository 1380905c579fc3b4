"""A refusal reaches a client that is still sending."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from paceline.bootstrap import unread
from paceline.bootstrap.unread import ReadToTheEnd

MIB = 1024 * 1024


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/late":
        await receive()
    await PlainTextResponse("too much", status_code=413)(scope, receive, send)


class Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(ReadToTheEnd(refuse), port=0, lifespan="off", log_config=None)
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


def post(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, body=body)
    answer = connection.getresponse()
    read = answer.status, answer.read()
    connection.request("POST", path, body=b"again")  # the connection is in order
    assert connection.getresponse().read() == b"too much"
    connection.close()
    return read


@pytest.mark.parametrize("path", ["/at_once", "/late"])
async def test_a_refusal_reaches_a_client_that_is_still_sending(port: int, path: str) -> None:
    body = b"x" * (20 * MIB)
    assert await asyncio.to_thread(post, port, path, body) == (413, b"too much")


async def test_a_client_that_never_ends_is_not_listened_to_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unread, "MAX_UNREAD_OCTETS", MIB)
    sent: list[str] = []

    async def endless() -> dict[str, object]:
        return {"type": "http.request", "body": b"x" * MIB, "more_body": True}

    async def send(message: dict[str, object]) -> None:
        sent.append(str(message["type"]))

    scope = {"type": "http", "method": "POST", "path": "/late", "headers": []}
    await ReadToTheEnd(refuse)(scope, endless, send)  # type: ignore[arg-type]
    assert sent == ["http.response.start", "http.response.body"]
