"""XOAUTH2 with a grant: tokens are had, shared, renewed once, and refused for good."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from paceline.delivery import Account, Auth, Envelope, Grant, Kind, Phase, Pool, Result, Scope
from paceline.errors import InvalidInput
from tests.integration.delivery.conftest import AccountAt
from tests.integration.delivery.sink import Act, Sink
from tests.token_endpoint import TokenEndpoint

OFFER = ("AUTH XOAUTH2",)
WHY = base64.b64encode(b'{"status":"401"}').decode()
ENVELOPE = Envelope(mail_from="ann@sink.test", rcpt_to="bob@sink.test")


@pytest.fixture
async def tokens() -> AsyncIterator[TokenEndpoint]:
    async with TokenEndpoint() as endpoint:
        yield endpoint


def granted(account_at: AccountAt, port: int, grant: Grant) -> Account:
    plain = account_at(port)
    return replace(plain, auth=Auth.XOAUTH2, username="ann@sink.test", grant=grant)


async def sent(pool: Pool, account: Account) -> Result:
    async def yes() -> bool:
        return True

    return await pool.send(account, ENVELOPE, b"Subject: x\r\n\r\nx\r\n", guard=yes)


def shown(sink: Sink) -> list[str]:
    """The tokens that were shown, in order."""
    lines = [line.removeprefix("AUTH XOAUTH2 ") for line in sink.heard("AUTH")]
    return [base64.b64decode(line).decode().split("Bearer ")[1].strip("\1") for line in lines]


async def test_a_token_is_had_by_the_grant_and_used_until_its_end(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    async with Sink(extensions=OFFER) as sink:
        account = granted(account_at, sink.port, tokens.grant)
        assert (await sent(pool, account)).kind is Kind.SENT
        assert (await pool.check(account)).ok
    assert shown(sink) == ["token-1", "token-1"]
    assert tokens.forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": "client",
            "client_secret": "hush",
            "scope": "https://mail.example/",
        }
    ]


async def test_a_token_is_asked_for_directly_whatever_proxy_the_environment_names(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with Sink(extensions=OFFER) as sink:
        assert (await sent(pool, granted(account_at, sink.port, tokens.grant))).kind is Kind.SENT


async def test_connections_that_open_together_ask_for_one_token(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    async with Sink(extensions=OFFER) as sink:
        account = granted(account_at, sink.port, tokens.grant)
        results = await asyncio.gather(*(sent(pool, account) for _ in range(4)))
    assert {result.kind for result in results} == {Kind.SENT}
    assert len(tokens.forms) == 1


async def test_a_token_near_its_end_is_renewed_beforehand(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    tokens.expires_in = 0
    async with Sink(extensions=OFFER) as sink:
        account = granted(account_at, sink.port, tokens.grant)
        assert (await pool.check(account)).ok
        assert (await pool.check(account)).ok
    assert shown(sink) == ["token-1", "token-2"]


async def test_a_token_that_is_refused_before_its_end_is_renewed_once(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    acts: dict[str, Act | list[Act]] = {
        "AUTH": ["235 ok", f"334 {WHY}", "235 ok"],
        "": "535 5.7.8 no",
    }
    async with Sink(acts=acts, extensions=OFFER) as sink:
        account = granted(account_at, sink.port, tokens.grant)
        assert (await pool.check(account)).ok
        assert (await pool.check(account)).ok
    assert shown(sink) == ["token-1", "token-1", "token-2"]


async def test_a_new_token_that_is_refused_is_the_end_of_it(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    acts: dict[str, Act] = {"AUTH": f"334 {WHY}", "": "535 5.7.8 no"}
    async with Sink(acts=acts, extensions=OFFER) as sink:
        result = await sent(pool, granted(account_at, sink.port, tokens.grant))
    assert (result.kind, result.phase, result.scope) == (Kind.REJECTED, Phase.AUTH, Scope.SENDER)
    assert shown(sink) == ["token-1"]
    assert len(tokens.forms) == 1


async def test_a_grant_that_was_taken_back_is_the_senders_trouble(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    tokens.answers = [(400, {"error": "invalid_grant", "error_description": "Token revoked."})]
    async with Sink(extensions=OFFER) as sink:
        checked = await pool.check(granted(account_at, sink.port, tokens.grant))
        tokens.answers = [(401, {"error": "invalid_client"})]
        result = await sent(pool, granted(account_at, sink.port, tokens.grant))
    assert "invalid_grant: Token revoked." in checked.detail
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.AUTH, Scope.SENDER)
    assert sink.heard("AUTH") == []


@pytest.mark.parametrize(
    "answer",
    [(503, {}), (429, {}), b"HTTP/1.1 nonsense\r\n\r\n", b""],
)
async def test_a_provider_in_trouble_costs_a_rest_and_breaks_nobody(
    pool: Pool,
    account_at: AccountAt,
    tokens: TokenEndpoint,
    answer: tuple[int, dict[str, object]] | bytes,
) -> None:
    tokens.answers = [answer]
    async with Sink(extensions=OFFER) as sink:
        result = await sent(pool, granted(account_at, sink.port, tokens.grant))
    assert (result.kind, result.scope) == (Kind.NOT_SENT, Scope.HOST)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"token_type": "Bearer"}),
        (302, {}),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\xff\xfe{}x",
    ],
)
async def test_an_answer_without_a_token_is_no_token(
    pool: Pool,
    account_at: AccountAt,
    tokens: TokenEndpoint,
    answer: tuple[int, dict[str, object]] | bytes,
) -> None:
    tokens.answers = [answer]
    async with Sink(extensions=OFFER) as sink:
        checked = await pool.check(granted(account_at, sink.port, tokens.grant))
    assert "gives no access token" in checked.detail


async def test_a_refresh_token_that_the_provider_changes_is_used_from_then_on(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    tokens.answers = [(200, {"access_token": "a", "expires_in": 0, "refresh_token": "refresh-1"})]
    async with Sink(extensions=OFFER) as sink:
        account = granted(account_at, sink.port, tokens.grant)
        await pool.check(account)
        await pool.check(account)
    assert [form["refresh_token"] for form in tokens.forms] == ["refresh-0", "refresh-1"]


async def test_secrets_are_in_no_dialogue_and_in_no_report(
    pool: Pool, account_at: AccountAt, tokens: TokenEndpoint
) -> None:
    acts: dict[str, Act] = {"AUTH": "535 5.7.8 token-1 is bad"}
    async with Sink(acts=acts, extensions=OFFER) as sink:
        account = granted(account_at, sink.port, tokens.grant)
        checked = await pool.check(account)
    told = "\n".join((*checked.dialogue, repr(account)))
    for secret in ("token-1", "refresh-0", "hush"):
        assert secret not in told
    assert "* access token: renewed" in checked.dialogue


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"token_endpoint": "http://tokens.example/token"}, "token_endpoint"),
        ({"token_endpoint": "https://user@tokens.example/"}, "token_endpoint"),
        ({"token_endpoint": "ftp://tokens.example/"}, "token_endpoint"),
        ({"token_endpoint": "https://"}, "token_endpoint"),
        ({"token_endpoint": "https://tokens.example:x/"}, "token_endpoint"),
        ({"client_id": ""}, "client_id"),
        ({"refresh_token": "a\nb"}, "refresh_token"),
    ],
)
def test_what_is_no_grant_is_refused_by_its_field(values: dict[str, str], field: str) -> None:
    given = {"token_endpoint": "https://tokens.example/", "client_id": "c", "refresh_token": "r"}
    with pytest.raises(InvalidInput) as refused:
        Grant(**{**given, **values})
    assert refused.value.problems[0].field == field
