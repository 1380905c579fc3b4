"""Many connections' commands leave together, and no connection's bytes change their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from paceline.delivery.channel import Channel, ChannelLost
from paceline.delivery.outbox import Outbox

QUIT = b"QUIT\r\n"


class Line:
    """A channel, and what its other end heard until it was closed."""

    def __init__(self, outbox: Outbox) -> None:
        loop = asyncio.get_running_loop()
        self.channel = Channel(loop, outbox)
        self.heard: asyncio.Future[bytes] = loop.create_future()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        await asyncio.get_running_loop().create_connection(lambda: self.channel, "127.0.0.1", port)

    async def hang_up(self) -> bytes:
        self.channel.retire(5)
        return (await self.heard).removesuffix(QUIT)

    async def close(self) -> None:
        self.channel.abort()
        await asyncio.gather(self.heard, self.channel.closed)
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard = await reader.readuntil(QUIT)
        except asyncio.IncompleteReadError as cut:
            heard = cut.partial
        except ConnectionError:
            heard = b""
        writer.transport.abort()
        self.heard.set_result(heard)


@pytest.fixture
async def lines() -> AsyncIterator[list[Line]]:
    outbox = Outbox(asyncio.get_running_loop())
    lines = [Line(outbox) for _ in range(3)]
    for line in lines:
        await line.open()
    yield lines
    for line in lines:
        await line.close()


async def test_what_was_held_leaves_before_what_is_written_at_once(lines: list[Line]) -> None:
    line = lines[0]
    line.channel.write_soon(b"one ")
    line.channel.write_soon(b"two ")
    line.channel.write(b"three ")
    line.channel.write_soon(b"four ")
    await asyncio.sleep(0)
    line.channel.write(b"five")
    assert await line.hang_up() == b"one two three four five"


async def test_each_connection_gets_its_own_bytes_without_anything_else_being_written(
    lines: list[Line],
) -> None:
    for turn in (b"a", b"b"):
        for number, line in enumerate(lines):
            line.channel.write_soon(b"%b%d " % (turn, number))
        await asyncio.sleep(0)
    assert [await line.hang_up() for line in lines] == [b"a0 b0 ", b"a1 b1 ", b"a2 b2 "]


async def test_a_connection_dropped_before_the_turn_is_over_says_nothing_and_stops_no_other(
    lines: list[Line],
) -> None:
    for line in lines:
        line.channel.write_soon(b"MAIL")
    lines[0].channel.abort()
    with pytest.raises(ChannelLost):
        lines[0].channel.write_soon(b"more")
    assert await lines[1].hang_up() == b"MAIL"
    assert await lines[2].hang_up() == b"MAIL"
    assert await lines[0].heard == b""
