"""Logging in: every way that the server offers, each once, and one clear reason in the end."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable, Sequence

import pytest

from paceline.delivery import (
    Account,
    Auth,
    Envelope,
    Kind,
    Phase,
    Pool,
    Result,
    Scope,
    Security,
    Timeouts,
)
from paceline.delivery.channel import Channel
from paceline.delivery.hosts import connect
from paceline.delivery.login import Memory
from paceline.delivery.opening import Means, OpenFailed, Opening
from paceline.delivery.outbox import Outbox
from paceline.delivery.tokens import AccessTokens
from tests.integration.delivery.sink import Act, Drop, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\nthe end\r\n"
BOTH = ("AUTH PLAIN LOGIN",)
PLAIN = base64.b64encode(b"\0ann\0secret").decode()
BAD = "535 5.7.8 bad credentials"

AccountAt = Callable[..., Account]


async def yes() -> bool:
    return True


async def send(pool: Pool, account: Account) -> Result:
    return await pool.send(account, ENVELOPE, CONTENT, guard=yes)


@pytest.fixture
def ann(account_at: AccountAt) -> Callable[[Sink], Account]:
    return lambda sink: account_at(sink.port, username="ann", password="secret")


Ann = Callable[[Sink], Account]


@pytest.mark.parametrize(
    "refusal",
    [
        "500 5.5.2 what?",
        "502 5.5.1 not implemented",
        "503 5.5.1 bad sequence",
        "504 5.7.4 not this way",
        "534 5.7.9 mechanism too weak",
        "535 5.7.8 authentication failed",
    ],
)
@pytest.mark.parametrize("hangs_up", [False, True])
async def test_where_plain_is_refused_login_is_tried(
    pool: Pool, ann: Ann, refusal: str, hangs_up: bool
) -> None:
    act: Act = Drop(refusal) if hangs_up else refusal
    async with Sink(acts={"AUTH PLAIN": act}, extensions=BOTH) as sink:
        result = await send(pool, ann(sink))
    assert result.kind is Kind.SENT
    assert sink.connections == (2 if hangs_up else 1)
    assert sink.heard("AUTH") == [f"AUTH PLAIN {PLAIN}", "AUTH LOGIN"]


async def test_the_way_that_worked_is_the_first_of_the_next_connection(
    pool: Pool, ann: Ann
) -> None:
    acts: dict[str, Act | Sequence[Act]] = {"AUTH PLAIN": BAD, "dot": Drop("250 2.0.0 ok")}
    async with Sink(acts=acts, extensions=BOTH) as sink:
        for _ in range(3):
            assert (await send(pool, ann(sink))).kind is Kind.SENT
    assert sink.connections == 3
    assert len(sink.heard("AUTH PLAIN")) == 1


@pytest.mark.parametrize(
    "acts",
    [
        {"AUTH PLAIN": ["501 5.5.4 no initial response", "235 2.7.0 welcome"]},
        {"AUTH PLAIN": ["334 ", "235 2.7.0 welcome"]},
    ],
)
async def test_plain_is_said_without_an_initial_response_where_that_is_not_known(
    pool: Pool, ann: Ann, acts: dict[str, Act | Sequence[Act]]
) -> None:
    async with Sink(acts={**acts, PLAIN.upper(): "235 2.7.0 ok"}, extensions=("AUTH PLAIN",)) as s:
        result = await send(pool, ann(s))
    assert result.kind is Kind.SENT
    assert PLAIN in s.commands


async def test_a_server_that_knows_neither_form_of_plain_is_asked_for_login(
    pool: Pool, ann: Ann
) -> None:
    acts = {"AUTH PLAIN": "501 5.5.4 bad", "AUTH PLAIN alone": "504 5.5.4 bad"}
    async with Sink(acts=acts, extensions=BOTH) as sink:
        result = await send(pool, ann(sink))
    assert result.kind is Kind.SENT
    assert sink.heard("AUTH") == [f"AUTH PLAIN {PLAIN}", "AUTH PLAIN", "AUTH LOGIN"]


@pytest.mark.parametrize("offer", ["AUTH LOGIN", "AUTH=LOGIN", "AUTH=LOGIN CRAM-MD5", "auth login"])
@pytest.mark.parametrize("prompts", [("334 ", "334 "), ("334 Your name?", "334-?\r\n334 and word")])
async def test_a_server_with_login_alone_may_ask_in_any_words(
    pool: Pool, ann: Ann, offer: str, prompts: tuple[str, str]
) -> None:
    async with Sink(extensions=(offer,), prompts=prompts) as sink:
        result = await send(pool, ann(sink))
    assert result.kind is Kind.SENT
    assert sink.commands[1:4] == ["AUTH LOGIN", "YW5u", "c2VjcmV0"]


@pytest.mark.parametrize(
    "offer", ["AUTH=LOGIN PLAIN", "AUTH PLAIN,LOGIN", "AUTH LOGIN PLAIN XOAUTH2"]
)
async def test_an_offer_is_understood_in_every_spelling(pool: Pool, ann: Ann, offer: str) -> None:
    async with Sink(extensions=(offer,)) as sink:
        result = await send(pool, ann(sink))
    assert result.kind is Kind.SENT
    assert sink.heard("AUTH") == [f"AUTH PLAIN {PLAIN}"]


@pytest.mark.parametrize(
    ("plain", "login", "told"),
    [
        (BAD, BAD, BAD),
        (BAD, "504 5.5.4 unknown", BAD),
        ("504 5.7.4 unknown", BAD, BAD),
        ("534 5.7.9 mechanism too weak", BAD, BAD),
        ("534 5.7.9 app password needed", "504 unknown", "534 5.7.9 app password needed"),
        ("535 no", BAD, BAD),
        (BAD, "535 no", BAD),
        (BAD, "454 4.7.0 later", BAD),
        (BAD, Drop("421 4.7.0 too many"), BAD),
        (BAD, Drop(), BAD),
        (Drop(BAD), Drop(), BAD),
        (Drop(BAD), "535 no", BAD),
    ],
)
async def test_a_wrong_password_ends_in_the_more_telling_refusal(
    pool: Pool, ann: Ann, plain: Act, login: Act, told: str
) -> None:
    async with Sink(acts={"AUTH PLAIN": plain, "AUTH LOGIN": login}, extensions=BOTH) as sink:
        result = await send(pool, ann(sink))
    assert (result.kind, result.phase, result.scope) == (Kind.REJECTED, Phase.AUTH, Scope.SENDER)
    assert str(result.reply) == told
    assert "secret" not in result.detail
    assert len(sink.heard("AUTH PLAIN")) == 1
    assert len(sink.heard("AUTH LOGIN")) <= 2 - (plain == BAD)


async def test_a_refusal_for_now_is_the_hosts_trouble_where_plain_was_no_way_at_all(
    pool: Pool, ann: Ann
) -> None:
    acts = {"AUTH PLAIN": "504 5.7.4 unknown", "AUTH LOGIN": "454 4.7.0 later"}
    async with Sink(acts=acts, extensions=BOTH) as sink:
        result = await send(pool, ann(sink))
    assert (result.kind, result.scope) == (Kind.REJECTED, Scope.HOST)
    assert str(result.reply) == "454 4.7.0 later"


@pytest.mark.parametrize("refusal", ["454 4.7.0 later", "530 5.7.0 TLS first", "538 5.7.11 no"])
async def test_what_another_way_would_not_change_is_not_tried_in_another_way(
    pool: Pool, ann: Ann, refusal: str
) -> None:
    async with Sink(acts={"AUTH PLAIN": refusal}, extensions=BOTH) as sink:
        result = await send(pool, ann(sink))
    assert str(result.reply) == refusal
    assert sink.heard("AUTH LOGIN") == []


@pytest.mark.parametrize("refusal", [BAD, Drop(BAD)])
async def test_connections_that_open_at_once_show_a_wrong_password_once(
    pool: Pool, ann: Ann, refusal: Act
) -> None:
    async with Sink(acts={"AUTH": refusal}, extensions=BOTH) as sink:
        results = await asyncio.gather(*(send(pool, ann(sink)) for _ in range(8)))
        assert {str(result.reply) for result in results} == {BAD}
        assert sink.heard("AUTH") == [f"AUTH PLAIN {PLAIN}", "AUTH LOGIN"]
        again = await pool.check(ann(sink))
    assert not again.ok
    assert len(sink.heard("AUTH PLAIN")) == 2, "who asks later, asks anew"


async def test_a_password_that_was_right_and_is_refused_is_not_tried_in_another_way(
    pool: Pool, ann: Ann
) -> None:
    acts: dict[str, Act | Sequence[Act]] = {
        "AUTH PLAIN": ["235 2.7.0 welcome", BAD],
        "dot": Drop("250 2.0.0 ok"),
    }
    async with Sink(acts=acts, extensions=BOTH) as sink:
        assert (await send(pool, ann(sink))).kind is Kind.SENT
        assert str((await send(pool, ann(sink))).reply) == BAD
    assert sink.heard("AUTH LOGIN") == []


@pytest.mark.parametrize(
    ("offers", "auth", "told"),
    [
        (["AUTH CRAM-MD5"], Auth.PASSWORD, "only CRAM-MD5 (AUTH): Paceline logs in by PLAIN or"),
        (["AUTH NTLM GSSAPI"], Auth.PASSWORD, "only NTLM GSSAPI (AUTH)"),
        (["AUTH XOAUTH2"], Auth.PASSWORD, "it takes no password; choose XOAUTH2"),
        (["AUTH PLAIN"], Auth.XOAUTH2, "it takes no access token; choose a password"),
        (["STARTTLS"], Auth.PASSWORD, "no log-in (AUTH) in plain text: choose STARTTLS"),
        (["SIZE"], Auth.PASSWORD, "no log-in (AUTH) in plain text: it may want TLS first"),
    ],
)
async def test_a_server_without_a_way_for_us_is_told_of_with_what_to_do(
    pool: Pool, offers: list[str], auth: Auth, told: str
) -> None:
    async with Sink(extensions=offers) as sink:
        account = Account(
            host="127.0.0.1",
            port=sink.port,
            security=Security.NONE,
            auth=auth,
            username="ann",
            password="secret",
        )
        result = await pool.check(account)
    assert (result.ok, result.phase) == (False, Phase.AUTH)
    assert told in result.detail
    assert sink.heard("AUTH") == []


async def test_nobody_logs_in_over_the_internet_in_the_clear(ann: Ann) -> None:
    async with Sink(extensions=BOTH) as sink:
        account = ann(sink)
        loop = asyncio.get_running_loop()
        channel = await connect(
            account.host,
            account.port,
            allow_private=True,
            seconds=5,
            protocol=lambda: Channel(loop, Outbox(loop)),
        )
        channel.remote_address = "8.8.8.8"  # as if its name had led there
        means = Means(
            timeouts=Timeouts(),
            tls_context=ssl.create_default_context,
            helo_name="client.test",
            log_ins=Memory().of(account),
            tokens=AccessTokens(),
            began_at=0.0,
        )
        with pytest.raises(OpenFailed, match="in the clear: choose STARTTLS") as failed:
            await Opening(account, channel, means).run()
        channel.abort()
    assert failed.value.phase is Phase.AUTH
    assert sink.heard("AUTH") == []
