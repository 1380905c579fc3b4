"""TLS, log-in and private networks: what is never given away."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from paceline.delivery import (
    Account,
    Envelope,
    Kind,
    Phase,
    Pool,
    Result,
    Scope,
    Security,
    Timeouts,
    second_look,
)
from tests.integration.delivery.sink import Act, Hang, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\nthe end\r\n"
PLAIN_TEXT_OFFER = ("PIPELINING", "STARTTLS")
TLS_OFFER = ("PIPELINING", "AUTH PLAIN LOGIN")

AccountAt = Callable[..., Account]


async def yes() -> bool:
    return True


async def send(pool: Pool, account: Account) -> Result:
    return await pool.send(account, ENVELOPE, CONTENT, guard=yes)


@pytest.fixture
async def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """A pool whose trust store holds the sink's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    pool = Pool(timeouts=Timeouts(quit_seconds=1), allow_private_hosts=True)
    yield pool
    await pool.close()


def starttls_sink(tls: ssl.SSLContext, **acts: Act) -> Sink:
    return Sink(acts=acts, tls=tls, extensions=TLS_OFFER, extensions_in_plain_text=PLAIN_TEXT_OFFER)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_a_trusted_server_is_logged_in_to_over_tls(
    trusting: Pool, account_at: AccountAt, server_tls: ssl.SSLContext, security: Security
) -> None:
    sink = starttls_sink(server_tls)
    sink.implicit_tls = security is Security.TLS
    async with sink:
        account = account_at(
            sink.port, security=security, host="localhost", username="ann", password="sésame"
        )
        results = [await send(trusting, account) for _ in range(2)]
    assert [result.kind for result in results] == [Kind.SENT, Kind.SENT]
    assert sink.connections == 1
    secret = base64.b64encode("\0ann\0sésame".encode()).decode()
    assert sink.heard("AUTH") == [f"AUTH PLAIN {secret}"]
    assert len(sink.heard("EHLO")) == (2 if security is Security.STARTTLS else 1)


async def test_a_large_body_passes_through_tls_whole(
    trusting: Pool, account_at: AccountAt, server_tls: ssl.SSLContext
) -> None:
    content = b"X: y\r\n\r\n" + b"0123456789abcdef\r\n" * 300_000
    async with Sink(tls=server_tls, implicit_tls=True) as sink:
        account = account_at(sink.port, security=Security.TLS, host="localhost")
        result = await trusting.send(account, ENVELOPE, content, guard=yes)
    assert result.kind is Kind.SENT
    assert sink.messages == [content]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_an_unknown_certificate_is_refused_before_the_password_is_said(
    pool: Pool, account_at: AccountAt, server_tls: ssl.SSLContext, security: Security, host: str
) -> None:
    sink = starttls_sink(server_tls)
    sink.implicit_tls = security is Security.TLS
    async with sink:
        account = account_at(
            sink.port, security=security, host=host, username="ann", password="secret"
        )
        result = await send(pool, account)
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.TLS, Scope.HOST)
    assert "not trusted" in result.detail
    assert sink.heard("AUTH") == []


async def test_a_trusted_certificate_of_another_host_is_refused(
    trusting: Pool, account_at: AccountAt, server_tls: ssl.SSLContext
) -> None:
    async with Sink(tls=server_tls, implicit_tls=True) as sink:
        account = account_at(sink.port, security=Security.TLS, host="127.0.0.2")
        sink_on_any = await send(trusting, account)
    assert sink_on_any.kind is Kind.NOT_SENT
    assert sink_on_any.phase in (Phase.TLS, Phase.CONNECT)


async def test_checking_certificates_can_be_given_up_by_name_only(
    account_at: AccountAt, server_tls: ssl.SSLContext
) -> None:
    pool = Pool(allow_private_hosts=True, verify_certificates=False)
    async with Sink(tls=server_tls, implicit_tls=True) as sink:
        result = await send(pool, account_at(sink.port, security=Security.TLS))
        await pool.close()
    assert result.kind is Kind.SENT


async def test_a_stripped_starttls_is_the_end_of_it(
    pool: Pool, account_at: AccountAt, server_tls: ssl.SSLContext
) -> None:
    async with Sink(tls=server_tls, extensions=("PIPELINING", "AUTH PLAIN")) as sink:
        account = account_at(
            sink.port, security=Security.STARTTLS, username="ann", password="secret"
        )
        result = await send(pool, account)
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.TLS, Scope.SENDER)
    assert sink.commands == ["EHLO client.test"]


@pytest.mark.parametrize(
    ("reply", "scope"), [("454 4.7.0 not now", Scope.HOST), ("502 5.5.1 no", Scope.SENDER)]
)
async def test_a_refused_starttls_is_kept_as_a_refusal(
    pool: Pool, account_at: AccountAt, reply: str, scope: Scope
) -> None:
    async with Sink(acts={"STARTTLS": reply}, extensions=PLAIN_TEXT_OFFER) as sink:
        result = await send(pool, account_at(sink.port, security=Security.STARTTLS))
    assert (result.kind, result.phase, result.scope) == (Kind.REJECTED, Phase.TLS, scope)
    assert sink.heard("MAIL") == []


async def test_replies_slipped_in_before_tls_are_not_taken_for_the_servers(
    trusting: Pool, account_at: AccountAt
) -> None:
    injected = b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n"
    async with Sink(acts={"STARTTLS": injected}, extensions=PLAIN_TEXT_OFFER) as sink:
        account = account_at(
            sink.port, security=Security.STARTTLS, host="localhost", username="a", password="b"
        )
        result = await send(trusting, account)
    assert (result.kind, result.phase) == (Kind.NOT_SENT, Phase.TLS)
    assert sink.heard("AUTH") == []


async def test_a_server_that_says_nothing_on_a_tls_port_is_an_outcome(
    account_at: AccountAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_look, "LOOK_SECONDS", 0.2)
    pool = Pool(timeouts=Timeouts(tls_seconds=0.2), allow_private_hosts=True)
    async with Sink(acts={"greeting": Hang()}) as sink:
        result = await send(pool, account_at(sink.port, security=Security.TLS))
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.TLS, Scope.HOST)


async def test_a_server_without_auth_plain_is_logged_in_to_step_by_step(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(extensions=("AUTH=LOGIN",)) as sink:
        result = await send(pool, account_at(sink.port, username="ann", password="secret"))
    assert result.kind is Kind.SENT
    assert sink.commands[1:4] == ["AUTH LOGIN", "YW5u", "c2VjcmV0"]


async def test_a_server_that_offers_auth_in_both_spellings_offers_all_of_it(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(extensions=("AUTH PLAIN", "AUTH=LOGIN")) as sink:
        result = await send(pool, account_at(sink.port, username="ann", password="secret"))
    assert result.kind is Kind.SENT
    assert sink.commands[1].startswith("AUTH PLAIN")


@pytest.mark.parametrize("extensions", [("AUTH PLAIN",), ("AUTH LOGIN",)])
@pytest.mark.parametrize(
    ("reply", "scope"),
    [
        ("535 5.7.8 bad credentials", Scope.SENDER),
        ("530 5.7.0 TLS first", Scope.SENDER),
        ("534 5.7.9 too weak", Scope.SENDER),
        ("538 5.7.11 encrypt", Scope.SENDER),
        ("454 4.7.0 try later", Scope.HOST),
        ("421 4.7.0 too many tries", Scope.HOST),
    ],
)
async def test_a_refused_log_in_is_the_senders_trouble_unless_it_is_for_now(
    pool: Pool, account_at: AccountAt, extensions: tuple[str, ...], reply: str, scope: Scope
) -> None:
    async with Sink(acts={"AUTH": reply}, extensions=extensions) as sink:
        result = await send(pool, account_at(sink.port, username="ann", password="secret"))
    assert (result.kind, result.phase, result.scope) == (Kind.REJECTED, Phase.AUTH, scope)
    assert result.reply is not None
    assert str(result.reply) == reply
    assert "secret" not in result.detail


@pytest.mark.parametrize("extensions", [(), ("AUTH CRAM-MD5 GSSAPI",)])
async def test_a_server_that_offers_no_log_in_of_ours_is_the_senders_trouble(
    pool: Pool, account_at: AccountAt, extensions: tuple[str, ...]
) -> None:
    async with Sink(extensions=("SIZE", *extensions)) as sink:
        result = await send(pool, account_at(sink.port, username="ann", password="secret"))
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.AUTH, Scope.SENDER)
    assert sink.heard("MAIL") == []


async def test_a_private_host_is_not_even_knocked_at(account_at: AccountAt) -> None:
    pool = Pool(allow_private_hosts=False)
    async with Sink() as sink:
        for host in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
            for port in (sink.port, 25):
                account = account_at(port, host=host)
                result = await send(pool, account)
                assert (result.kind, result.phase) == (Kind.NOT_SENT, Phase.CONNECT)
                assert result.scope is Scope.SENDER
                assert not (await pool.check(account)).ok
    assert sink.connections == 0


async def test_a_name_without_an_address_is_the_hosts_trouble(
    pool: Pool, account_at: AccountAt
) -> None:
    result = await send(pool, account_at(25, host="no-such-host.invalid"))
    assert (result.kind, result.phase, result.scope) == (
        Kind.NOT_SENT,
        Phase.CONNECT,
        Scope.HOST,
    )
