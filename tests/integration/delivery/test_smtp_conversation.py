"""Each way in which a conversation can go, and what is certain afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from paceline.delivery import Account, Envelope, Kind, Phase, Pool, Result, Scope, Timeouts
from tests.integration.delivery.sink import Act, Drop, Hang, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\n.a line\r\n.\r\nthe end\r\n"

AccountAt = Callable[[int], Account]
Send = Callable[..., Awaitable[Result]]


async def yes() -> bool:
    return True


@pytest.fixture
def send(pool: Pool, account_at: AccountAt) -> Send:
    async def send(
        sink: Sink, *, content: bytes = CONTENT, timeouts: Timeouts | None = None
    ) -> Result:
        account = account_at(sink.port)
        if timeouts is None:
            return await pool.send(account, ENVELOPE, content, guard=yes)
        impatient = Pool(timeouts=timeouts, allow_private_hosts=True)
        try:
            return await impatient.send(account, ENVELOPE, content, guard=yes)
        finally:
            await impatient.close()

    return send


async def test_a_2xx_after_the_dot_is_sent_with_its_reply_and_the_time_of_the_dot(
    send: Send,
) -> None:
    before = datetime.now(UTC)
    async with Sink() as sink:
        result = await send(sink)
    assert (result.kind, result.phase) == (Kind.SENT, Phase.DOT)
    assert result.reply is not None
    assert str(result.reply) == "250 2.0.0 ok queued as 42"
    assert result.dot_written_at is not None
    assert before <= result.dot_written_at <= datetime.now(UTC)
    assert sink.messages == [CONTENT]
    assert sink.commands == [
        "EHLO client.test",
        f"MAIL FROM:<from@client.test> SIZE={len(CONTENT)}",
        "RCPT TO:<to@sink.test>",
        "DATA",
    ]


async def test_commands_wait_for_their_replies_where_the_server_does_not_pipeline(
    send: Send,
) -> None:
    async with Sink(extensions=("SIZE",)) as sink:  # the sink notes what was not waited for
        result = await send(sink)
    assert result.kind is Kind.SENT


async def test_a_server_of_old_that_knows_only_helo_is_spoken_to(send: Send) -> None:
    async with Sink(acts={"EHLO": "500 what?"}, extensions=()) as sink:
        result = await send(sink)
    assert result.kind is Kind.SENT
    assert sink.commands[:2] == ["EHLO client.test", "HELO client.test"]
    assert sink.commands[2] == "MAIL FROM:<from@client.test>"


async def test_replies_may_come_one_byte_at_a_time(send: Send) -> None:
    async with Sink(one_byte_at_a_time=True) as sink:
        result = await send(sink)
    assert result.kind is Kind.SENT


STEPS = {
    "greeting": (Phase.GREETING, Scope.HOST),
    "EHLO": (Phase.EHLO, Scope.HOST),
    "MAIL": (Phase.MAIL, Scope.HOST),
    "RCPT": (Phase.RCPT, Scope.MESSAGE),
    "DATA": (Phase.DATA, Scope.MESSAGE),
    "body": (Phase.BODY, Scope.MESSAGE),
}
GARBAGE = [b"\x00\x01\x02\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"250\x00ok\r\n", b"9999 ok\r\n"]
GARBAGE += [
    b"250-a\r\n550 b\r\n",
    b"x" * 100_000,
    b"250-more\r\n" * 1_000,
    b"25\r\n",
    b"199 ok\r\n",
]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("step", STEPS)
async def test_a_connection_dropped_before_the_dot_is_certainly_not_sent(
    send: Send, step: str, pipelining: bool
) -> None:
    extensions = ("PIPELINING",) if pipelining else ("SIZE",)
    async with Sink(acts={step: Drop()}, extensions=extensions) as sink:
        # More than the kernel's buffers hold: a smaller body would all be on its way by then.
        result = await send(sink, content=CONTENT if step != "body" else b"x" * 40_000_000)
    phase, scope = STEPS[step]
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, phase, scope)
    assert result.reply is None
    assert result.dot_written_at is None


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_each_phase_has_a_timeout_of_its_own(send: Send, step: str) -> None:
    phase, scope = STEPS[step]
    timeouts = replace(Timeouts(), **{f"{phase}_seconds": 0.05})
    async with Sink(acts={step: Hang()}) as sink:
        result = await send(sink, timeouts=timeouts)
        await sink.hung_up.wait()  # and the connection is not kept
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, phase, scope)
    assert "in time" in result.detail


async def test_a_server_that_drips_a_reply_does_not_buy_time_with_each_byte(send: Send) -> None:
    begun = time.monotonic()
    async with Sink(acts={"greeting": Hang("220-slow\r\n220-slower")}) as sink:
        result = await send(sink, timeouts=Timeouts(greeting_seconds=0.1))
    assert result.kind is Kind.NOT_SENT
    assert time.monotonic() - begun < 5


async def test_a_server_that_does_not_read_runs_into_the_bodys_timeout(send: Send) -> None:
    async with Sink(reads_body=False, extensions=("PIPELINING",)) as sink:
        result = await send(sink, content=b"x" * 40_000_000, timeouts=Timeouts(body_seconds=0.1))
    assert (result.kind, result.phase) == (Kind.NOT_SENT, Phase.BODY)
    assert "did not take the data" in result.detail


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_garbage_before_the_dot_drops_the_connection_and_nothing_is_sent(
    send: Send, step: str, garbage: bytes
) -> None:
    async with Sink(acts={step: garbage}) as sink:
        result = await send(sink)
        await sink.hung_up.wait()
    assert (result.kind, result.phase) == (Kind.NOT_SENT, STEPS[step][0])
    assert sink.messages == []
    assert result.detail.isprintable()
    assert len(result.detail) <= 500


@pytest.mark.parametrize("code", ["450 4.2.1 later", "550 5.1.1 never"])
@pytest.mark.parametrize(
    ("step", "phase"),
    [
        ("greeting", Phase.GREETING),
        ("EHLO", Phase.EHLO),
        ("MAIL", Phase.MAIL),
        ("RCPT", Phase.RCPT),
        ("DATA", Phase.DATA),
        ("dot", Phase.DOT),
    ],
)
async def test_a_refusal_is_kept_with_its_phase(
    send: Send, step: str, phase: Phase, code: str
) -> None:
    async with Sink(acts={step: code}) as sink:
        result = await send(sink)
    assert (result.kind, result.phase) == (Kind.REJECTED, phase)
    assert result.reply is not None
    assert str(result.reply) == code
    assert (result.dot_written_at is not None) == (step == "dot")


@pytest.mark.parametrize(
    ("step", "code", "scope"),
    [
        ("greeting", "554 no", Scope.HOST),
        ("EHLO", "550 no", Scope.HOST),
        ("MAIL", "550 5.7.1 not you", Scope.SENDER),
        ("MAIL", "530 5.7.0 log in first", Scope.SENDER),
        ("MAIL", "552 5.3.4 too large", Scope.MESSAGE),
        ("MAIL", "452 4.3.1 disk full", Scope.MESSAGE),
        ("RCPT", "550 5.1.1 nobody", Scope.MESSAGE),
        ("DATA", "554 5.5.1 no", Scope.MESSAGE),
        ("dot", "554 5.7.1 spam", Scope.MESSAGE),
    ],
)
async def test_a_refusal_says_whose_trouble_it_is(
    send: Send, step: str, code: str, scope: Scope
) -> None:
    async with Sink(acts={step: code}) as sink:
        result = await send(sink)
    assert result.scope is scope


@pytest.mark.parametrize("closes", [Drop, Hang])
@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
async def test_421_is_the_hosts_trouble_wherever_it_comes_and_ends_the_connection(
    send: Send, step: str, closes: type[Drop] | type[Hang]
) -> None:
    async with Sink(acts={step: closes("421 4.3.2 closing")}) as sink:
        result = await send(sink)
        await sink.hung_up.wait()  # by us, also where the server forgets to
    assert (result.kind, result.scope) == (Kind.REJECTED, Scope.HOST)
    assert result.reply is not None
    assert result.reply.code == 421


@pytest.mark.parametrize(
    "act",
    [Drop(), Drop("250-half a"), b"\x00garbage\r\n", b"354 again\r\n", b"y" * 100_000],
    ids=["drop", "half", "garbage", "out of step", "endless"],
)
async def test_after_the_dot_anything_but_a_reply_is_doubt(send: Send, act: Act) -> None:
    async with Sink(acts={"dot": act}) as sink:
        result = await send(sink)
        await sink.hung_up.wait()
    assert (result.kind, result.phase, result.reply) == (Kind.IN_DOUBT, Phase.DOT, None)
    assert result.dot_written_at is not None
    assert sink.messages == [CONTENT]  # as it happens, it did arrive


async def test_silence_after_the_dot_is_doubt_when_the_time_is_over(send: Send) -> None:
    async with Sink(acts={"dot": Hang()}) as sink:
        result = await send(sink, timeouts=Timeouts(dot_seconds=0.05))
    assert result.kind is Kind.IN_DOUBT


async def test_a_reply_followed_by_the_end_of_the_connection_counts(send: Send) -> None:
    async with Sink(acts={"dot": Drop("250 2.0.0 got it")}) as sink:
        result = await send(sink)
    assert result.kind is Kind.SENT


async def test_the_body_is_never_sent_to_a_server_that_refused_the_recipient_but_says_354(
    send: Send,
) -> None:
    async with Sink(acts={"RCPT": "550 5.1.1 nobody"}) as sink:
        result = await send(sink)
        await sink.hung_up.wait()
    assert (result.kind, result.phase) == (Kind.REJECTED, Phase.RCPT)
    assert sink.bodies_begun == [b""]


@pytest.mark.parametrize("step", ["greeting", "MAIL", "RCPT"])
@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)], ids=["step by step", "pipelined"])
async def test_a_reply_that_nobody_asked_for_is_never_taken_for_the_next_answer(
    send: Send, step: str, extensions: tuple[str, ...]
) -> None:
    code = b"220" if step == "greeting" else b"250"
    act = code + b" one\r\n" + b"250 two\r\n" + b"354 three\r\n"
    async with Sink(acts={step: act}, extensions=extensions) as sink:
        result = await send(sink)
        await sink.hung_up.wait()
    assert result.kind is Kind.NOT_SENT
    assert sink.messages == []


async def test_a_server_that_refuses_in_the_middle_of_the_body_is_believed(send: Send) -> None:
    async with Sink(acts={"body": Drop("552 5.3.4 too much")}, extensions=("PIPELINING",)) as sink:
        result = await send(sink, content=b"x" * 40_000_000)
    assert (result.kind, result.phase) == (Kind.REJECTED, Phase.BODY)
    assert result.dot_written_at is None


async def test_nobody_listening_is_the_hosts_trouble(pool: Pool, account_at: AccountAt) -> None:
    async with Sink() as sink:
        port = sink.port
    result = await pool.send(account_at(port), ENVELOPE, CONTENT, guard=yes)
    assert (result.kind, result.phase, result.scope) == (
        Kind.NOT_SENT,
        Phase.CONNECT,
        Scope.HOST,
    )


@pytest.mark.parametrize(
    ("extensions", "envelope", "content", "enhanced"),
    [
        (("SIZE 10",), ENVELOPE, CONTENT, "5.3.4"),
        ((), Envelope(mail_from="a@b.test", rcpt_to="jürgen@b.test"), CONTENT, "5.6.7"),
        ((), ENVELOPE, "Subject: x\r\n\r\nä\r\n".encode(), "5.6.3"),
    ],
)
async def test_what_the_server_says_it_cannot_take_is_refused_without_asking(
    pool: Pool,
    account_at: AccountAt,
    extensions: tuple[str, ...],
    envelope: Envelope,
    content: bytes,
    enhanced: str,
) -> None:
    async with Sink(extensions=("PIPELINING", *extensions)) as sink:
        result = await pool.send(account_at(sink.port), envelope, content, guard=yes)
        await pool.close()
    assert (result.kind, result.scope) == (Kind.REJECTED, Scope.MESSAGE)
    assert result.reply is not None
    assert result.reply.enhanced == enhanced
    assert sink.heard("MAIL") == []


async def test_8_bit_and_utf8_are_announced_where_they_are_needed(
    pool: Pool, account_at: AccountAt
) -> None:
    envelope = Envelope(mail_from="a@b.test", rcpt_to="jürgen@bücher.example")
    async with Sink() as sink:
        result = await pool.send(account_at(sink.port), envelope, "\r\nä\r\n".encode(), guard=yes)
    assert result.kind is Kind.SENT
    assert sink.heard("MAIL") == ["MAIL FROM:<a@b.test> SIZE=6 BODY=8BITMIME SMTPUTF8"]
    assert sink.heard("RCPT") == ["RCPT TO:<jürgen@xn--bcher-kva.example>"]


async def test_a_check_logs_in_and_says_what_the_server_offers(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink() as sink:
        check = await pool.check(account_at(sink.port))
    assert check.ok
    assert check.extensions == ("8BITMIME", "PIPELINING", "SIZE", "SMTPUTF8")
    assert sink.commands == ["EHLO client.test", "QUIT"]


async def test_a_check_is_content_with_a_server_that_hangs_at_quit(account_at: AccountAt) -> None:
    pool = Pool(timeouts=Timeouts(quit_seconds=0.05), allow_private_hosts=True)
    async with Sink(acts={"QUIT": Hang()}) as sink:
        assert (await pool.check(account_at(sink.port))).ok
        await sink.hung_up.wait()


async def test_a_failed_check_names_the_phase(pool: Pool, account_at: AccountAt) -> None:
    async with Sink(acts={"EHLO": "550 5.7.1 go away"}) as sink:
        check = await pool.check(account_at(sink.port))
    assert (check.ok, check.phase) == (False, Phase.EHLO)
    assert check.reply is not None
    assert "go away" in check.detail


async def test_sixteen_at_once_each_get_their_own_answer(pool: Pool, account_at: AccountAt) -> None:
    async with Sink() as sink:
        account = account_at(sink.port)
        contents = [b"X-N: %d\r\n\r\n" % n for n in range(16)]
        results = await asyncio.gather(
            *(pool.send(account, ENVELOPE, content, guard=yes) for content in contents)
        )
    assert {result.kind for result in results} == {Kind.SENT}
    assert sorted(sink.messages) == sorted(contents)
    assert sink.connections == 16
