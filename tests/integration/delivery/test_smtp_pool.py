"""Keeping connections, and when one may be tried again in silence."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from paceline.delivery import Account, Envelope, Kind, Phase, Pool, Result, Scope, Timeouts
from paceline.delivery.channel import Channel
from tests.integration.delivery.sink import Act, Drop, Hang, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\nthe end\r\n"

AccountAt = Callable[..., Account]


async def yes() -> bool:
    return True


async def send_all(pool: Pool, account: Account, count: int) -> list[Result]:
    return [await pool.send(account, ENVELOPE, CONTENT, guard=yes) for _ in range(count)]


async def test_emails_of_one_account_follow_each_other_over_one_connection(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink() as sink:
        results = await send_all(pool, account_at(sink.port), 5)
    assert [result.kind for result in results] == [Kind.SENT] * 5
    assert (sink.connections, len(sink.messages)) == (1, 5)


async def test_a_connection_carries_only_so_many_emails(account_at: AccountAt) -> None:
    pool = Pool(allow_private_hosts=True, max_mails=2)
    async with Sink() as sink:
        await send_all(pool, account_at(sink.port), 5)
        await pool.close()
    assert sink.connections == 3
    assert sink.heard("QUIT") == ["QUIT"] * 3


async def test_a_connection_that_is_over_leaves_nothing_for_the_garbage_collector(
    account_at: AccountAt,
) -> None:
    def channels() -> int:
        return sum(type(thing) is Channel for thing in gc.get_objects())

    gc.collect()
    before = channels()
    gc.disable()
    try:
        pool = Pool(allow_private_hosts=True, max_mails=1)
        async with Sink() as sink:
            await send_all(pool, account_at(sink.port), 5)
            await pool.close()
        for _ in range(10):  # the loop's own last look at them
            await asyncio.sleep(0)
        assert (sink.connections, channels() - before) == (5, 0)
    finally:
        gc.enable()


@pytest.mark.parametrize("limit", ["idle_seconds", "max_age_seconds"])
async def test_a_connection_that_is_too_old_is_not_used_again(
    account_at: AccountAt, limit: str
) -> None:
    pool = Pool(allow_private_hosts=True, **{limit: 0})  # type: ignore[arg-type]  # by name
    async with Sink() as sink:
        await send_all(pool, account_at(sink.port), 2)
        await pool.close()
    assert sink.connections == 2


async def test_two_accounts_never_share_a_connection(pool: Pool, account_at: AccountAt) -> None:
    async with Sink(extensions=("PIPELINING", "AUTH PLAIN")) as sink:
        for name in ("ann", "ben"):
            account = account_at(sink.port, username=name, password="secret")
            await send_all(pool, account, 1)
    assert sink.connections == 2
    assert len(sink.heard("AUTH PLAIN")) == 2


async def test_a_refused_recipient_leaves_the_connection_fit_for_the_next(
    pool: Pool, account_at: AccountAt
) -> None:
    acts = {"RCPT": ["550 5.1.1 nobody", "250 ok"], "DATA": ["503 5.5.1 no recipients", "354 go"]}
    async with Sink(acts=acts) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.REJECTED, Kind.SENT]
    assert results[0].phase is Phase.RCPT
    assert sink.connections == 1
    assert sink.heard("RSET") == ["RSET"]


async def test_a_refused_sender_leaves_nothing_to_reset(pool: Pool, account_at: AccountAt) -> None:
    acts = {
        "MAIL": ["451 4.3.0 later", "250 ok"],
        "RCPT": ["503 5.5.1 no", "250 ok"],
        "DATA": ["503 5.5.1 no", "354 go"],
    }
    async with Sink(acts=acts) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.REJECTED, Kind.SENT]
    assert (sink.connections, sink.heard("RSET")) == (1, [])


async def test_a_refusal_after_the_dot_is_reset_for_servers_that_keep_the_transaction(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(acts={"dot": ["554 5.6.0 no", "250 ok"]}) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.REJECTED, Kind.SENT]
    assert (sink.connections, sink.heard("RSET")) == (1, ["RSET"])


async def test_a_server_that_will_not_reset_gets_a_new_connection(
    pool: Pool, account_at: AccountAt
) -> None:
    acts = {
        "RCPT": ["550 5.1.1 nobody", "250 ok"],
        "RSET": "502 5.5.1 what?",
    }
    async with Sink(acts=acts, extensions=("SIZE",)) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.REJECTED, Kind.SENT]
    assert sink.connections == 2


async def test_a_connection_that_the_server_closed_while_idle_is_noticed(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink() as sink:
        account = account_at(sink.port)
        await send_all(pool, account, 1)
        sink.writers[0].write(b"421 4.4.2 idle for too long\r\n")
        await sink.writers[0].drain()
        sink.writers[0].close()
        await sink.hung_up.wait()
        results = await send_all(pool, account, 1)
    assert results[0].kind is Kind.SENT
    assert (sink.connections, len(sink.messages)) == (2, 2)


@pytest.mark.parametrize("act", [Drop(), Drop("421 4.7.0 enough emails for one connection")])
@pytest.mark.parametrize("extensions", [("PIPELINING",), ("SIZE",)])
async def test_a_reused_connection_that_dies_before_mail_is_answered_is_replaced_in_silence(
    pool: Pool, account_at: AccountAt, act: Act, extensions: tuple[str, ...]
) -> None:
    acts = {"MAIL": ["250 ok", act, "250 ok"]}
    async with Sink(acts=acts, extensions=extensions) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.SENT]
    assert (sink.connections, len(sink.messages)) == (2, 2)


async def test_a_fresh_connection_that_dies_is_not_tried_again(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(acts={"MAIL": Drop()}) as sink:
        [result] = await send_all(pool, account_at(sink.port), 1)
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.MAIL, Scope.HOST)
    assert sink.connections == 1


async def test_the_replacement_too_is_tried_only_once(pool: Pool, account_at: AccountAt) -> None:
    async with Sink(acts={"MAIL": ["250 ok", Drop()]}) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.NOT_SENT]
    assert sink.connections == 2


@pytest.mark.parametrize(("step", "first"), [("RCPT", "250 ok"), ("DATA", "354 go")])
async def test_once_mail_was_answered_nothing_is_tried_again_in_silence(
    pool: Pool, account_at: AccountAt, step: str, first: str
) -> None:
    async with Sink(acts={step: [first, Drop()]}) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.NOT_SENT]
    assert sink.connections == 1


async def test_a_reused_connection_that_hangs_is_not_tried_again(account_at: AccountAt) -> None:
    pool = Pool(timeouts=Timeouts(mail_seconds=0.2), allow_private_hosts=True)
    async with Sink(acts={"MAIL": ["250 ok", Hang()]}) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.NOT_SENT]
    assert sink.connections == 1


async def test_doubt_on_a_reused_connection_stays_doubt(pool: Pool, account_at: AccountAt) -> None:
    async with Sink(acts={"dot": ["250 ok", Drop()]}) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.IN_DOUBT]
    assert (sink.connections, len(sink.messages)) == (1, 2)


async def test_a_connection_on_which_the_server_said_too_much_is_not_used_again(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(acts={"dot": [b"250 mine\r\n250 whose?\r\n", "250 mine too"]}) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.SENT]
    assert results[1].reply is not None
    assert results[1].reply.text == "mine too"
    assert sink.connections == 2


async def test_closing_says_quit_to_idle_connections_and_waits_for_no_laggard(
    account_at: AccountAt,
) -> None:
    pool = Pool(timeouts=Timeouts(quit_seconds=0.05), allow_private_hosts=True)
    async with Sink(acts={"QUIT": Hang()}) as sink:
        account = account_at(sink.port)
        await asyncio.gather(*(send_all(pool, account, 1) for _ in range(3)))
        await pool.close()
        assert sink.heard("QUIT") == ["QUIT"] * 3


async def test_a_send_that_outlives_the_close_leaves_no_connection_behind(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink() as sink:
        guarded, go = asyncio.Event(), asyncio.Event()

        async def guard() -> bool:
            guarded.set()
            return await go.wait()

        send = asyncio.ensure_future(
            pool.send(account_at(sink.port), ENVELOPE, CONTENT, guard=guard)
        )
        await guarded.wait()
        await pool.close()
        go.set()
        assert (await send).kind is Kind.SENT
        await sink.hung_up.wait()
    assert sink.heard("QUIT") == ["QUIT"]


@pytest.mark.parametrize(
    "refusal", ["452 4.4.5 no more", "450 later", "550 Max messages per session"]
)
async def test_a_refused_mail_on_a_connection_that_worked_goes_out_on_a_new_one(
    pool: Pool, account_at: AccountAt, refusal: str
) -> None:
    acts = {"MAIL": ["250 ok", refusal, "250 ok"]}
    async with Sink(acts=acts, extensions=("SIZE",)) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT] * 2
    assert sink.connections == 2


async def test_a_session_that_says_at_the_recipient_that_it_is_spent_is_replaced(
    pool: Pool, account_at: AccountAt
) -> None:
    acts = {"RCPT": ["250 ok", "452 4.5.3 too many recipients in this session", "250 ok"]}
    async with Sink(acts=acts) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT] * 2
    assert (sink.connections, len(sink.messages)) == (2, 2)


@pytest.mark.parametrize("extensions", [("SIZE",), ("SIZE", "PIPELINING")])
@pytest.mark.parametrize("step", ["RCPT", "DATA"])
async def test_a_connection_that_worked_and_is_closed_with_421_before_the_body_is_replaced(
    pool: Pool, account_at: AccountAt, step: str, extensions: tuple[str, ...]
) -> None:
    fine = "354 go on" if step == "DATA" else "250 ok"
    acts = {step: [fine, Drop("421 4.7.0 closing"), fine]}
    async with Sink(acts=acts, extensions=extensions) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT] * 2
    assert (sink.connections, len(sink.messages)) == (2, 2)


async def test_421_to_a_recipient_on_a_new_connection_too_is_told_and_not_tried_again(
    pool: Pool, account_at: AccountAt
) -> None:
    acts = {"RCPT": ["250 ok", Drop("421 4.7.0 closing"), Drop("421 4.7.0 closing")]}
    async with Sink(acts=acts) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.REJECTED]
    assert not results[1].worn
    assert sink.connections == 2


async def test_a_new_connection_that_is_refused_too_is_told_and_not_tried_again(
    pool: Pool, account_at: AccountAt
) -> None:
    acts = {"MAIL": ["250 ok", "452 4.4.5 no more"]}
    async with Sink(acts=acts, extensions=("SIZE",)) as sink:
        results = await send_all(pool, account_at(sink.port), 2)
    assert [result.kind for result in results] == [Kind.SENT, Kind.REJECTED]
    assert not results[1].worn
    assert sink.connections == 2


async def test_a_session_that_is_spent_after_the_dot_is_replaced_and_nothing_sent_again(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(acts={"dot": ["250 ok", "452 4.4.5 no more", "250 ok"]}) as sink:
        results = await send_all(pool, account_at(sink.port), 3)
    assert [result.kind for result in results] == [Kind.SENT, Kind.REJECTED, Kind.SENT]
    assert results[1].worn
    assert (sink.connections, len(sink.messages)) == (2, 3)


async def test_what_is_idle_is_let_go_of_but_for_what_is_to_be_kept(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink() as sink:
        account = account_at(sink.port)
        send = [pool.send(account, ENVELOPE, CONTENT, guard=yes) for _ in range(3)]
        await asyncio.gather(*send)
        await pool.let_go(account, keep=1)
        assert (sink.connections, len(sink.heard("QUIT"))) == (3, 2)
        await send_all(pool, account, 1)
        assert sink.connections == 3
        await pool.let_go(account)
        await pool.let_go(account)  # nothing is left
        assert len(sink.heard("QUIT")) == 3
