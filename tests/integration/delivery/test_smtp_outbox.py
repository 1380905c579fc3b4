"""Many connections' bytes leave together, in order each, and no dot that came to be too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from paceline import clock
from paceline.delivery import Envelope, Kind, Phase
from paceline.delivery import session as session_module
from paceline.delivery.channel import Channel, ChannelLost
from paceline.delivery.opening import Extensions
from paceline.delivery.outbox import Outbox
from paceline.delivery.session import Session
from paceline.delivery.timeouts import RFC_TIMEOUTS
from paceline.delivery.wire import Mail

QUIT = b"QUIT\r\n"
GO_ON = b"250 ok\r\n250 ok\r\n354 go on\r\n"
MAIL = Mail.of(
    Envelope(mail_from="a@b.test", rcpt_to="c@d.test"), b"Subject: hello\r\n\r\nhello\r\n"
)


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


async def test_what_may_leave_only_while_the_server_is_quiet_leaves_with_all_the_others(
    lines: list[Line],
) -> None:
    for line in lines:
        line.channel.write_while_quiet(b"dot", leave_by=clock.boottime() + 60)
        assert line.channel.held_back
    await asyncio.sleep(0)
    assert not any(line.channel.held_back for line in lines)
    assert [await line.hang_up() for line in lines] == [b"dot"] * 3


async def test_it_does_not_leave_once_the_server_has_spoken(lines: list[Line]) -> None:
    channel = lines[0].channel
    channel.write_while_quiet(b"dot", leave_by=clock.boottime() + 60)
    channel.data_received(b"421 closing\r\n")
    await asyncio.sleep(0)
    assert channel.held_back
    assert (await channel.read(5)).code == 421
    channel.abort()
    assert await lines[0].heard == b""


async def test_it_does_not_leave_late(lines: list[Line]) -> None:
    channel = lines[0].channel
    channel.write_while_quiet(b"dot", leave_by=clock.boottime() - 0.001)
    with pytest.raises(ChannelLost, match="held up"):
        await channel.read(5)
    assert channel.held_back
    assert await lines[0].heard == b""


def _session(line: Line) -> Session:
    return Session(line.channel, Extensions({"PIPELINING": ()}), timeouts=RFC_TIMEOUTS)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"451 4.3.0 changed my mind\r\n", Kind.REJECTED),
        (b"what you sent was no good\r\n", Kind.NOT_SENT),
    ],
)
async def test_a_server_that_speaks_between_the_yes_and_the_dot_gets_none(
    lines: list[Line], said: bytes, kind: Kind
) -> None:
    line = lines[0]

    async def guard() -> bool:
        await asyncio.sleep(0)  # the body leaves
        asyncio.get_running_loop().call_soon(line.channel.data_received, said)
        return True

    sending = asyncio.create_task(_session(line).deliver(MAIL, guard))
    await asyncio.sleep(0)
    line.channel.data_received(GO_ON)
    result = await sending
    assert (result.kind, result.phase) == (kind, Phase.BODY)
    assert result.dot_written_at is None
    assert not (await line.heard).endswith(b"\r\n.\r\n")


async def test_a_yes_that_has_grown_old_lets_no_dot_out_and_the_email_is_certainly_not_sent(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = lines[0]
    monkeypatch.setattr(session_module, "YES_HOLDS_SECONDS", -0.001)  # as if frozen in between

    async def guard() -> bool:
        return True

    sending = asyncio.create_task(_session(line).deliver(MAIL, guard))
    await asyncio.sleep(0)
    line.channel.data_received(GO_ON)
    result = await sending
    assert (result.kind, result.phase) == (Kind.FENCED, Phase.BODY)
    assert "held up for too long" in result.detail
    assert not (await line.heard).endswith(b"\r\n.\r\n")
