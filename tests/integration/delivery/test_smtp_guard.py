"""The guard before the final dot, and what a cancelled send leaves behind: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from paceline.delivery import Account, Envelope, Kind, Phase, Pool
from tests.integration.delivery.sink import Act, Drop, Hang, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\nthe end\r\n"

AccountAt = Callable[[int], Account]


async def yes() -> bool:
    return True


async def turns_of_the_loop() -> None:
    """Lets what is in the kernel's loopback reach both ends: each turn looks at every socket."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_the_guard_is_asked_when_the_server_has_the_whole_body_and_no_dot(
    pool: Pool, account_at: AccountAt
) -> None:
    content = b"X: y\r\n\r\n" + b"line\r\n" * 100_000
    async with Sink() as sink:
        seen: list[bytes] = []

        async def guard() -> bool:
            while not sink.bodies_begun or len(sink.bodies_begun[-1]) < len(content):
                await asyncio.sleep(0)
            seen.append(sink.bodies_begun[-1])
            return True

        result = await pool.send(account_at(sink.port), ENVELOPE, content, guard=guard)
    assert seen == [content]
    assert result.kind is Kind.SENT


@pytest.mark.parametrize("answer", [False, RuntimeError("the database is gone"), TimeoutError()])
async def test_a_guard_that_does_not_say_yes_keeps_the_dot_back(
    pool: Pool, account_at: AccountAt, answer: bool | Exception
) -> None:
    async def guard() -> bool:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with Sink() as sink:
        result = await pool.send(account_at(sink.port), ENVELOPE, CONTENT, guard=guard)
        await sink.hung_up.wait()
    assert (result.kind, result.dot_written_at) == (Kind.FENCED, None)
    assert sink.messages == []
    assert b"\r\n.\r\n" not in b"".join(sink.bodies_begun)


async def test_a_connection_that_dies_while_the_guard_thinks_gets_no_dot(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink() as sink:

        async def guard() -> bool:
            await sink.body_came.wait()
            sink.writers[-1].transport.abort()
            await sink.hung_up.wait()
            await turns_of_the_loop()
            return True

        result = await pool.send(account_at(sink.port), ENVELOPE, CONTENT, guard=guard)
    assert (result.kind, result.phase) == (Kind.NOT_SENT, Phase.BODY)
    assert result.dot_written_at is None


async def test_a_server_that_refuses_while_the_guard_thinks_gets_no_dot(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(acts={"body": "451 4.3.0 changed my mind"}) as sink:

        async def guard() -> bool:
            await sink.body_came.wait()
            await turns_of_the_loop()
            return True

        result = await pool.send(account_at(sink.port), ENVELOPE, CONTENT, guard=guard)
        await sink.hung_up.wait()
    assert (result.kind, result.phase) == (Kind.REJECTED, Phase.BODY)
    assert sink.messages == []


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
async def test_a_cancelled_send_drops_the_connection_and_the_next_gets_its_own_reply(
    pool: Pool, account_at: AccountAt, step: str
) -> None:
    answer = "354 go" if step == "DATA" else "220 hello" if step == "greeting" else "250 2.0.0 mine"
    acts: dict[str, list[Act]] = {step: [Hang(), answer]}
    async with Sink(acts=acts) as sink:
        account = account_at(sink.port)
        first = asyncio.ensure_future(pool.send(account, ENVELOPE, CONTENT, guard=yes))
        await sink.hung.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await sink.hung_up.wait()
        second = await pool.send(account, ENVELOPE, CONTENT, guard=yes)
    assert second.kind is Kind.SENT
    assert sink.connections == 2


async def test_a_send_cancelled_while_the_guard_thinks_writes_no_dot(
    pool: Pool, account_at: AccountAt
) -> None:
    thinking = asyncio.Event()

    async def guard() -> bool:
        thinking.set()
        await asyncio.Event().wait()
        return True

    async with Sink() as sink:
        send = asyncio.ensure_future(
            pool.send(account_at(sink.port), ENVELOPE, CONTENT, guard=guard)
        )
        await thinking.wait()
        send.cancel()
        with pytest.raises(asyncio.CancelledError):
            await send
        await sink.hung_up.wait()
    assert sink.messages == []


async def test_the_guard_is_not_troubled_when_there_is_nothing_to_guard(
    pool: Pool, account_at: AccountAt
) -> None:
    async def guard() -> bool:
        raise AssertionError("asked")

    async with Sink(acts={"DATA": Drop("554 no")}) as sink:
        result = await pool.send(account_at(sink.port), ENVELOPE, CONTENT, guard=guard)
    assert result.kind is Kind.REJECTED
