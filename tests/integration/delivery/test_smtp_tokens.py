"""Logging in with an access token (XOAUTH2): what is said, and how a refusal is taken."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from paceline.delivery import Account, Auth, Envelope, Kind, Phase, Pool, Result, Scope
from tests.integration.delivery.sink import Act, Drop, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\nthe end\r\n"
OFFER = ("PIPELINING", "AUTH LOGIN PLAIN XOAUTH2")
TOKEN = "ya29.a0Af_sometoken-~+/=="
EXPIRED = base64.b64encode(
    json.dumps({"status": "401", "schemes": "bearer", "scope": "https://mail.test/"}).encode()
).decode()

AccountAt = Callable[..., Account]


async def yes() -> bool:
    return True


async def send(pool: Pool, account: Account) -> Result:
    return await pool.send(account, ENVELOPE, CONTENT, guard=yes)


@pytest.fixture
def token_account_at(account_at: AccountAt) -> AccountAt:
    def account(port: int) -> Account:
        plain = account_at(port, username="ann@sink.test", password=TOKEN)
        return replace(plain, auth=Auth.XOAUTH2)

    return account


async def test_a_token_is_shown_in_one_line_and_never_as_a_password(
    pool: Pool, token_account_at: AccountAt
) -> None:
    async with Sink(extensions=OFFER) as sink:
        result = await send(pool, token_account_at(sink.port))
    assert result.kind is Kind.SENT
    (said,) = sink.heard("AUTH")
    shown = base64.b64decode(said.removeprefix("AUTH XOAUTH2 "))
    assert shown == f"user=ann@sink.test\x01auth=Bearer {TOKEN}\x01\x01".encode()


@pytest.mark.parametrize(
    ("refusal", "scope"),
    [
        ("535 5.7.8 token expired", Scope.SENDER),
        ("454 4.7.0 try later", Scope.HOST),
        ("421 4.7.0 too many tries", Scope.HOST),
    ],
)
async def test_why_not_is_answered_with_an_empty_line_and_the_refusal_is_kept(
    pool: Pool, token_account_at: AccountAt, refusal: str, scope: Scope
) -> None:
    acts: dict[str, Act] = {"AUTH": f"334 {EXPIRED}", "": refusal}
    async with Sink(acts=acts, extensions=OFFER) as sink:
        account = token_account_at(sink.port)
        result = await send(pool, account)
    assert (result.kind, result.phase, result.scope) == (Kind.REJECTED, Phase.AUTH, scope)
    assert str(result.reply) == refusal
    assert sink.commands[2:] == [""]
    assert TOKEN not in result.detail + repr(account) + repr(result)


async def test_a_refusal_without_a_reason_needs_no_second_round(
    pool: Pool, token_account_at: AccountAt
) -> None:
    async with Sink(acts={"AUTH": "535 5.7.8 no"}, extensions=OFFER) as sink:
        result = await send(pool, token_account_at(sink.port))
    assert (result.kind, result.scope) == (Kind.REJECTED, Scope.SENDER)
    assert len(sink.commands) == 2


@pytest.mark.parametrize("last", [f"334 {EXPIRED}", Drop(), b"what?\r\n"])
async def test_a_server_that_never_refuses_outright_is_the_hosts_trouble(
    pool: Pool, token_account_at: AccountAt, last: Act
) -> None:
    acts: dict[str, Act] = {"AUTH": f"334 {EXPIRED}", "": last}
    async with Sink(acts=acts, extensions=OFFER) as sink:
        result = await send(pool, token_account_at(sink.port))
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.AUTH, Scope.HOST)


async def test_a_server_that_takes_passwords_only_is_told_nothing(
    pool: Pool, token_account_at: AccountAt
) -> None:
    async with Sink(extensions=("AUTH PLAIN LOGIN",)) as sink:
        result = await send(pool, token_account_at(sink.port))
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.AUTH, Scope.SENDER)
    assert "PLAIN LOGIN" in result.detail
    assert sink.heard("AUTH") == []


async def test_a_password_is_never_shown_as_a_token(pool: Pool, account_at: AccountAt) -> None:
    async with Sink(extensions=("AUTH XOAUTH2",)) as sink:
        result = await send(pool, account_at(sink.port, username="ann", password="secret"))
    assert (result.kind, result.scope) == (Kind.NOT_SENT, Scope.SENDER)
    assert sink.heard("AUTH") == []


async def test_a_connection_is_not_shared_between_two_ways_to_log_in(
    pool: Pool, account_at: AccountAt, token_account_at: AccountAt
) -> None:
    async with Sink(extensions=OFFER) as sink:
        password = account_at(sink.port, username="ann@sink.test", password=TOKEN)
        for account in (password, token_account_at(sink.port)):
            assert (await send(pool, account)).kind is Kind.SENT
    assert sink.connections == 2


async def test_a_check_says_whether_the_token_still_holds(
    pool: Pool, token_account_at: AccountAt
) -> None:
    acts: dict[str, Act] = {"AUTH": f"334 {EXPIRED}", "": "535 5.7.8 token expired"}
    async with Sink(acts=acts, extensions=OFFER) as sink:
        checked = await pool.check(token_account_at(sink.port))
    assert (checked.ok, checked.phase) == (False, Phase.AUTH)
    assert str(checked.reply) == "535 5.7.8 token expired"
