"""Requests that never end, and answers that nobody takes, cost nothing for long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from paceline import clock
from paceline.bootstrap import in_time, taking
from paceline.bootstrap.framing import OneFraming
from paceline.bootstrap.in_time import BodyInTime
from paceline.bootstrap.taking import InPieces, TakenInTime
from paceline.bootstrap.unread import ReadToTheEnd
from paceline.bootstrap.unreadable import NothingUnreadable
from paceline.observability.troubles import of_requests

log = logging.getLogger(__name__)


class Turn:
    """What a request to `/later` waits for before it reads its body."""

    def __init__(self) -> None:
        self.awaited = asyncio.Event()
        self.come = asyncio.Event()


async def read(request: Request) -> Response:
    try:
        body = await request.body()
    except ClientDisconnect:
        return PlainTextResponse("nobody is there", 400)
    return PlainTextResponse(f"{len(body)} octets")


LARGE = bytes(range(256)) * 128 * 1024  # more than any kernel takes at once


async def much(_request: Request) -> Response:
    return Response(LARGE)


async def read_later(request: Request) -> Response:
    turn: Turn = request.app.state.turn
    turn.awaited.set()
    await turn.come.wait()
    return await read(request)


class Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def page(_request: Request) -> Response:
    return Response(LARGE[: 16 * 1024])


async def known(request: Request) -> Response:
    del request
    return PlainTextResponse("who is that", 401)


@pytest.fixture
def turn() -> Turn:
    return Turn()


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch, turn: Turn) -> AsyncIterator[Server]:
    monkeypatch.setattr("paceline.bootstrap.unread.MAX_SECONDS", 0.1)
    routes = [
        Route("/", read, methods=["GET", "POST"]),
        Route("/later", read_later, methods=["POST"]),
        Route("/much", much),
        Route("/page", page),
        Route("/known", known, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes)
    app.state.turn = turn
    config = uvicorn.Config(
        InPieces(ReadToTheEnd(BodyInTime(OneFraming(app)))),
        http=NothingUnreadable,
        port=0,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    yield server
    server.should_exit = True
    await serving


@pytest.fixture
def port(server: Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


async def sent(port: int, *pieces: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    return reader, writer


def told_of(monkeypatch: pytest.MonkeyPatch, happens: str) -> asyncio.Event:
    """Set when it has happened to a connection."""
    event, method = asyncio.Event(), getattr(TakenInTime, happens)

    def telling(self: TakenInTime, *arguments: object) -> None:
        method(self, *arguments)
        event.set()

    monkeypatch.setattr(TakenInTime, happens, telling)
    return event


async def first_of(*events: asyncio.Event) -> None:
    """Until one of these has happened."""
    awaited = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
    for task in awaited:
        task.cancel()


async def status_of(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readline()).split(b" ")[1]


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"],
    ids=["nothing", "a line", "some headers"],
)
async def test_a_head_that_does_not_arrive_ends_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(in_time, "HEAD_SECONDS", 0.5)
    reader, writer = await sent(port, begun)
    answer = await reader.read()  # until it is closed
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert answer.endswith(b"in time.\n")
    writer.close()


async def test_the_head_of_a_later_request_has_its_time_too(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_time, "HEAD_SECONDS", 0.5)
    reader, writer = await sent(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readuntil(b"0 octets")).startswith(b"HTTP/1.1 200")
    writer.write(b"GET / HTTP/1.1\r\nHost:")
    assert (await reader.read()).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_a_request_that_arrives_is_answered_however_long_that_takes(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, writer = await sent(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
    monkeypatch.setattr(in_time, "HEAD_SECONDS", 0.5)
    other, others = await sent(port)
    assert b"408" in await other.read()  # so long that a head would have been too late
    writer.write(b"ab")
    assert await status_of(slow) == b"200"
    writer.close()
    others.close()


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 100", b"Transfer-Encoding: chunked"],
    ids=["of a known size", "in chunks"],
)
async def test_a_body_that_stops_arriving_is_given_up(
    port: int, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(in_time, "BODY_SECONDS", 0.5)
    request = b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n5\r\nabcde\r\n"
    reader, writer = await sent(port, request)
    assert await status_of(reader) == b"408"
    writer.close()


@contextmanager
def trickling(writer: asyncio.StreamWriter) -> Iterator[None]:
    """An octet of a body now and then, until the connection is ended."""

    async def trickle() -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)

    task = asyncio.create_task(trickle())
    yield
    task.cancel()


async def until_ended(reader: asyncio.StreamReader) -> bytes:
    """What is read until the server has ended the connection; it is given a minute."""
    read = b""
    async with asyncio.timeout(60):
        with suppress(ConnectionError):
            while more := await reader.read(1024):
                read += more
    return read


async def test_a_body_that_trickles_is_given_up_with_its_connection_and_for_nothing_more(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.bootstrap.unread.MAX_SECONDS", 300.0)
    monkeypatch.setattr(in_time, "BODY_SECONDS", 0.5)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    reader, writer = await sent(port, head)
    with trickling(writer):
        assert (await until_ended(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


@pytest.mark.parametrize("method", [b"POST /known", b"GET /known", b"GET /"])
async def test_a_body_that_goes_on_after_its_answer_ends_its_connection(
    port: int, monkeypatch: pytest.MonkeyPatch, method: bytes
) -> None:
    monkeypatch.setattr(in_time, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(in_time, "BODY_SECONDS", 0.5)
    head = method + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    reader, writer = await sent(port, head)
    with trickling(writer):
        answers = await until_ended(reader)
    assert answers.startswith(b"HTTP/1.1 4")
    assert answers.count(b"HTTP/1.1 ") == 1  # nothing is said of a request that has its answer
    writer.close()


async def test_a_body_has_its_time_from_when_it_is_waited_for(
    port: int, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = 0.0
    told = clock.boottime
    monkeypatch.setattr(clock, "boottime", lambda: told() + passed)
    head = b"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
    reader, writer = await sent(port, head + b"ab")
    await turn.awaited.wait()
    passed = 10 * in_time.BODY_SECONDS  # in the queue, which is not its client's doing
    turn.come.set()
    writer.write(b"cd")
    assert await status_of(reader) == b"200"
    writer.close()


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"], ids=["kept", "to be closed"])
async def test_a_client_that_does_not_take_its_answer_is_dropped(
    server: Server, port: int, monkeypatch: pytest.MonkeyPatch, more: bytes
) -> None:
    monkeypatch.setattr(taking, "PIECE_SECONDS", 0.2)
    lost = told_of(monkeypatch, "connection_lost")
    reader, writer = await sent(port, b"GET /much HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
    assert await status_of(reader) == b"200"
    async with asyncio.timeout(60):
        await lost.wait()
        while server.server_state.tasks:
            await asyncio.wait(server.server_state.tasks)
    assert not server.server_state.connections
    with suppress(ConnectionError):
        assert len(await reader.read()) < len(LARGE)
    writer.close()


async def test_a_client_that_takes_a_little_now_and_then_is_dropped(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "ANSWER_SECONDS", 1.5 * taking.PIECE_SECONDS)
    monkeypatch.setattr(taking, "LEAST_OCTETS_PER_SECOND", len(LARGE))
    passed, loop = 0.0, asyncio.get_running_loop()
    told = loop.time
    monkeypatch.setattr(loop, "time", lambda: told() + passed)
    paused, lost = told_of(monkeypatch, "pause_writing"), told_of(monkeypatch, "connection_lost")
    reader, writer = await sent(port, b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
    taken = 0
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while not lost.is_set():
            paused.clear()
            taken += len(await reader.readexactly(len(LARGE) // 16))
            await first_of(paused, lost)
            passed += taking.PIECE_SECONDS / 2  # each of them is taken in time
    async with asyncio.timeout(60):
        await lost.wait()
    assert taken < len(LARGE) // 2
    writer.close()


async def test_a_client_that_takes_its_time_gets_all_of_its_answer(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, loop = 0.0, asyncio.get_running_loop()
    told = loop.time
    monkeypatch.setattr(loop, "time", lambda: told() + passed)
    waiting = told_of(monkeypatch, "pause_writing")
    request = b"GET /much HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    reader, writer = await sent(port, request)
    await reader.readuntil(b"\r\n\r\n")
    taken = bytearray()
    for _ in range(4):  # what is left after these may be on its way as a whole
        waiting.clear()
        taken += await reader.readexactly(len(LARGE) // 8)
        await waiting.wait()  # for the next piece to be taken
        passed += taking.PIECE_SECONDS / 2
    taken += await reader.read()
    assert bytes(taken) == LARGE
    writer.close()


async def test_an_answer_that_is_not_taken_ends_with_the_head_that_does_not_follow_it(
    server: Server, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_time, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(taking, "PIECE_SECONDS", 0.5)
    lost, done = (
        told_of(monkeypatch, "connection_lost"),
        told_of(monkeypatch, "on_response_complete"),
    )
    reader, writer = await sent(port)
    transport = await only_connection(server)
    while not transport.get_write_buffer_size():  # the kernel takes no more, and nobody waits yet
        done.clear()
        writer.write(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
        await done.wait()
    writer.write(b"GET / HT")
    async with asyncio.timeout(60):
        await lost.wait()
    writer.close()
    del reader


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"POST /known HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"GET /known HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nabcde\r\nno size\r\n",
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Host: x\r\n\r\nno request\r\n\r\n",
    ],
    ids=["TLS", "a body", "an unread body", "a body after its answer", "after an upgrade"],
)
async def test_what_is_no_http_is_one_line_however_often_it_comes(
    port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, junk: bytes
) -> None:
    monkeypatch.setattr(NothingUnreadable, "trouble", of_requests(log, "no HTTP"))
    for _ in range(5):
        reader, writer = await sent(port, junk)
        await until_ended(reader)
        writer.close()
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["WARNING"], told
    assert "no HTTP" in told[0][1]
    assert told[0][1].endswith(", from 127.0.0.1")
    assert "no request" not in told[0][1]  # nor anything else that came


async def only_connection(server: Server) -> asyncio.Transport:
    """The server's end of it."""
    while not server.server_state.connections:
        await asyncio.sleep(0)
    (connection,) = server.server_state.connections
    transport: asyncio.Transport = connection.transport
    return transport


async def test_a_request_that_ends_twice_is_refused_and_nothing_after_it_is_read(
    port: int,
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    after = b"0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await sent(port, head + b"Content-Length: 5\r\n\r\n" + after)
    told = await reader.read()
    writer.close()
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.count(b"HTTP/1.1 ") == 1
    reader, writer = await sent(port, head + b"Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert (await reader.read()).endswith(b"3 octets")
    writer.close()
