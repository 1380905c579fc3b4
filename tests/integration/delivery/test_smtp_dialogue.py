"""What is kept of a conversation that did not end well: all of it that matters, and no secret."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from paceline.delivery import Account, Envelope, Kind, Pool, Result
from paceline.delivery.dialogue import MAX_KEPT
from tests.integration.delivery.sink import EXTENSIONS, Act, Drop, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: confidential\r\n\r\nA line.\r\n"
OPENING = [
    "* connected to 127.0.0.1, port {port}",
    "< 220 sink.test ready",
    "> EHLO client.test",
    "< 250-sink.test",
    *(f"< 250-{extension}" for extension in EXTENSIONS[:-1]),
    f"< 250 {EXTENSIONS[-1]}",
]
MAIL = [f"> MAIL FROM:<from@client.test> SIZE={len(CONTENT)}", "< 250 2.1.0 ok"]
RCPT = ["> RCPT TO:<to@sink.test>", "< 250 2.1.5 ok"]
DATA = ["> DATA", "< 354 go ahead", f"* the message, {len(CONTENT)} octets"]

AccountAt = Callable[..., Account]


async def sent(pool: Pool, account: Account, *, allowed: bool = True) -> Result:
    async def guard() -> bool:
        return allowed

    return await pool.send(account, ENVELOPE, CONTENT, guard=guard)


def opening(sink: Sink) -> list[str]:
    return [line.format(port=sink.port) for line in OPENING]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("acts", "ended"),
    [
        ({"MAIL": "451 4.3.0 later"}, [MAIL[0], "< 451 4.3.0 later"]),
        ({"RCPT": "550 5.1.1 nobody"}, [*MAIL, RCPT[0], "< 550 5.1.1 nobody"]),
        ({"dot": "554 5.7.1 no"}, [*MAIL, *RCPT, *DATA, "> .", "< 554 5.7.1 no"]),
        ({"dot": Drop()}, [*MAIL, *RCPT, *DATA, "> ."]),
        ({"DATA": Drop()}, [*MAIL, *RCPT, "> DATA"]),
    ],
)
async def test_each_command_stands_before_its_answer(
    pool: Pool, account_at: AccountAt, acts: dict[str, Act], ended: list[str], pipelining: bool
) -> None:
    extensions = EXTENSIONS if pipelining else EXTENSIONS[1:]
    async with Sink(acts, extensions=extensions) as sink:
        result = await sent(pool, account_at(sink.port))
    lines = result.dialogue.splitlines()
    begins = [line for line in opening(sink) if pipelining or "PIPELINING" not in line]
    assert lines[: len(begins)] == begins
    assert lines[len(begins) :][: len(ended)] == ended
    if result.reply is None:
        assert lines[-1] == f"* {result.detail}"
    elif pipelining and "MAIL" in acts:
        assert lines[-4:] == [*RCPT, DATA[0], DATA[1]]
    assert "confidential" not in result.dialogue


async def test_an_email_that_is_taken_has_none(pool: Pool, account_at: AccountAt) -> None:
    async with Sink() as sink:
        result = await sent(pool, account_at(sink.port))
    assert (result.kind, result.dialogue) == (Kind.SENT, "")


async def test_a_connection_that_was_used_before_is_said_to_be(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink({"RCPT": ["250 2.1.5 ok", "450 4.2.1 busy"]}) as sink:
        account = account_at(sink.port)
        assert (await sent(pool, account)).kind is Kind.SENT
        result = await sent(pool, account)
    first, *rest = result.dialogue.splitlines()
    assert first == "* over a connection opened for an earlier email"
    assert rest[:4] == [*MAIL, RCPT[0], "< 450 4.2.1 busy"]


async def test_a_dot_that_was_kept_back_is_not_in_it(pool: Pool, account_at: AccountAt) -> None:
    async with Sink() as sink:
        result = await sent(pool, account_at(sink.port), allowed=False)
    assert result.kind is Kind.FENCED
    assert "> ." not in result.dialogue.splitlines()
    assert result.dialogue.splitlines()[-1] == "* the guard refused the final dot"


async def test_a_log_in_that_is_refused_is_told_without_what_was_shown(
    pool: Pool, account_at: AccountAt
) -> None:
    packed = base64.b64encode(b"\0ada\0hunter22").decode()
    acts = {"AUTH": f"535 5.7.8 hunter22 ({packed}) is wrong"}
    async with Sink(acts, extensions=(*EXTENSIONS, "AUTH PLAIN")) as sink:
        result = await sent(pool, account_at(sink.port, username="ada", password="hunter22"))
    assert "> AUTH PLAIN ***" in result.dialogue.splitlines()
    assert "< 535 5.7.8 *** (***) is wrong" in result.dialogue.splitlines()
    assert "hunter22" not in result.dialogue
    assert packed not in result.dialogue


async def test_a_secret_that_is_repeated_much_later_is_left_out(
    pool: Pool, account_at: AccountAt
) -> None:
    acts = {"dot": "550 5.7.1 hunter22 may not send"}
    async with Sink(acts, extensions=(*EXTENSIONS, "AUTH PLAIN")) as sink:
        result = await sent(pool, account_at(sink.port, username="ada", password="hunter22"))
    assert result.dialogue.endswith("< 550 5.7.1 *** may not send")


async def test_a_talkative_server_is_cut_in_the_middle(pool: Pool, account_at: AccountAt) -> None:
    long = "\r\n".join(f"550-5.1.1 {'é' * 90} {n}" for n in range(98)) + "\r\n550 5.1.1 the end"
    async with Sink({"RCPT": long}) as sink:
        result = await sent(pool, account_at(sink.port))
    lines = result.dialogue.splitlines()
    assert len(result.dialogue.encode()) <= MAX_KEPT
    assert lines[:3] == opening(sink)[:3]
    assert "* … more was said, which is left out" in lines
    assert "< 550 5.1.1 the end" in lines


async def test_nothing_is_kept_where_nothing_was_said(pool: Pool, account_at: AccountAt) -> None:
    async with Sink() as sink:
        port = sink.port
    result = await sent(pool, account_at(port))
    assert (result.kind, result.dialogue) == (Kind.NOT_SENT, "")
