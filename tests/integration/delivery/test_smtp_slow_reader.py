"""A server that takes even a small body slowly: the dot waits until the body is out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from paceline.delivery import Envelope, Kind, Phase, Timeouts
from paceline.delivery.channel import HOLD_OCTETS, Channel
from paceline.delivery.opening import Extensions
from paceline.delivery.outbox import Outbox
from paceline.delivery.session import Session
from paceline.delivery.wire import Mail

CONTENT = b"Subject: hello\r\n\r\n" + b"0123456789abcd\r\n" * 1000
TIMEOUTS = Timeouts(body_seconds=0.2)


class SlowReader:
    """Says 354 and then reads nothing until `reading` is set. Both ends' buffers are tiny."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the kernel makes it its minimum
        self.ours, self.theirs = ours, theirs
        self.reading = asyncio.Event()
        self.heard = b""

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        await self._read_until(b"DATA\r\n")
        await loop.sock_sendall(self.theirs, b"250 ok\r\n250 ok\r\n354 go on\r\n")
        self.heard = b""
        await self.reading.wait()
        await self._read_until(b"\r\n.\r\n")
        await loop.sock_sendall(self.theirs, b"250 2.0.0 taken\r\n")

    async def _read_until(self, end: bytes) -> None:
        while not self.heard.endswith(end):
            data = await asyncio.get_running_loop().sock_recv(self.theirs, 4096)
            if not data:
                raise EOFError
            self.heard += data


@pytest.fixture
async def reader() -> AsyncIterator[SlowReader]:
    reader = SlowReader()
    serving = asyncio.ensure_future(reader.serve())
    yield reader
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    reader.theirs.close()


async def session_with(reader: SlowReader) -> Session:
    loop = asyncio.get_running_loop()
    channel = Channel(loop, Outbox(loop))
    await loop.create_connection(lambda: channel, sock=reader.ours)
    return Session(channel, Extensions({"PIPELINING": ()}), timeouts=TIMEOUTS)


def mail() -> Mail:
    assert len(CONTENT) <= HOLD_OCTETS
    return Mail.of(Envelope(mail_from="a@client.test", rcpt_to="b@sink.test"), CONTENT)


async def turn_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_guard_is_asked_again_when_the_body_was_not_out_at_its_yes(
    reader: SlowReader,
) -> None:
    heard: list[bytes] = []

    async def guard() -> bool:
        await turn_of_the_loop()
        heard.append(reader.heard)
        reader.reading.set()
        return True

    session = await session_with(reader)
    result = await session.deliver(mail(), guard)
    session.abort()
    await session.closed()
    assert result.kind is Kind.SENT
    assert reader.heard == CONTENT + b".\r\n"
    assert heard[0] == b""
    assert len(heard) == 2


async def test_a_guard_that_changes_its_mind_meanwhile_keeps_the_dot_back(
    reader: SlowReader,
) -> None:
    answers = [True, False]

    async def guard() -> bool:
        await turn_of_the_loop()
        reader.reading.set()
        return answers.pop(0)

    session = await session_with(reader)
    result = await session.deliver(mail(), guard)
    await session.closed()
    assert (result.kind, result.dot_written_at) == (Kind.FENCED, None)
    assert answers == []
    assert b"\r\n.\r\n" not in reader.heard


async def test_a_body_that_is_never_taken_runs_into_its_timeout_and_gets_no_dot(
    reader: SlowReader,
) -> None:
    async def guard() -> bool:
        await turn_of_the_loop()
        return True

    session = await session_with(reader)
    result = await session.deliver(mail(), guard)
    await session.closed()
    assert (result.kind, result.phase) == (Kind.NOT_SENT, Phase.BODY)
    assert "did not take the data" in result.detail


async def test_a_small_body_and_its_dot_leave_together_when_the_guard_need_not_wait(
    reader: SlowReader,
) -> None:
    seen: list[bytes] = []

    async def guard() -> bool:
        seen.append(reader.theirs.recv(4096, socket.MSG_PEEK) if _readable(reader) else b"")
        return True

    small = Mail.of(Envelope(mail_from="a@client.test", rcpt_to="b@sink.test"), b"X: y\r\n\r\nz")
    session = await session_with(reader)
    reader.reading.set()
    result = await session.deliver(small, guard)
    session.abort()
    await session.closed()
    assert result.kind is Kind.SENT
    assert seen == [b""]
    assert reader.heard == b"X: y\r\n\r\nz\r\n.\r\n"


def _readable(reader: SlowReader) -> bool:
    try:
        reader.theirs.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    return True
