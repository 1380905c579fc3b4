"""The wrong kind of TLS, a server that is none of mail, a certificate that nobody vouches for.

All of them said within seconds, in words that name the setting, and never in the server's own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
from tests.certificates import certify
from tests.integration.delivery.sink import Act, Drop, Hang, Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\nthe end\r\n"
CHOOSE_TLS = "this port seems to want TLS from the first byte: choose TLS"
CHOOSE_STARTTLS = "this port starts in plain text: choose STARTTLS"

AccountAt = Callable[..., Account]


async def yes() -> bool:
    return True


async def send(pool: Pool, account: Account) -> Result:
    async with asyncio.timeout(20):  # the timeouts of RFC 5321 are minutes
        return await pool.send(account, ENVELOPE, CONTENT, guard=yes)


@pytest.fixture
async def quick() -> AsyncIterator[Pool]:
    """Looks again soon, and otherwise waits as long as any."""
    pool = Pool(
        timeouts=Timeouts(quit_seconds=1, second_look_seconds=0.05), allow_private_hosts=True
    )
    yield pool
    await pool.close()


@asynccontextmanager
async def says(first: bytes, *, then: bytes = b"") -> AsyncIterator[int]:
    """Something that is no mail server: it says `first` at once, `then` to whatever it hears."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            writer.write(first)
            while await reader.read(4096):
                writer.write(then)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.NONE])
async def test_a_port_that_speaks_tls_at_once_is_told_while_it_is_waited_for(
    quick: Pool, account_at: AccountAt, server_tls: ssl.SSLContext, security: Security
) -> None:
    async with Sink(tls=server_tls, implicit_tls=True) as sink:
        account = account_at(sink.port, security=security, username="ann", password="secret")
        result = await send(quick, account)
        check = await quick.check(account)
    assert (result.kind, result.scope) == (Kind.NOT_SENT, Scope.SENDER)
    assert result.detail == f"{CHOOSE_TLS} (port {sink.port})"
    assert (check.ok, check.detail) == (False, result.detail)
    assert sink.commands == []


@pytest.mark.parametrize("greeting", ["220 sink.test ready", Drop("220 ready")])
async def test_a_port_that_greets_in_plain_text_is_told_where_tls_was_chosen(
    quick: Pool, account_at: AccountAt, greeting: Act
) -> None:
    async with Sink(acts={"greeting": greeting}) as sink:
        account = account_at(sink.port, security=Security.TLS, username="ann", password="secret")
        result = await send(quick, account)
        check = await quick.check(account)
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.TLS, Scope.SENDER)
    assert result.detail == f"{CHOOSE_STARTTLS} (port {sink.port})"
    assert (check.ok, check.detail) == (False, result.detail)


async def test_a_server_that_is_slow_to_greet_is_waited_for(
    quick: Pool, account_at: AccountAt
) -> None:
    async with Sink(acts={"greeting": [Hang(), "220 at last"]}) as slow:
        pending = asyncio.create_task(send(quick, account_at(slow.port)))
        await slow.hung.wait()
        while slow.connections < 2:  # the second look, which is greeted and says no SMTP
            await asyncio.sleep(0.01)
        assert not pending.done()
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)


@pytest.mark.parametrize("security", list(Security))
@pytest.mark.parametrize(
    ("banner", "name"),
    [
        (b"SSH-2.0-OpenSSH_9.6 secret-build\r\n", "an SSH server"),
        (b"+OK POP3 secret-build ready\r\n", "a POP3 server"),
        (b"* OK [CAPABILITY IMAP4rev1] secret-build\r\n", "an IMAP server"),
        (b"HTTP/1.1 400 Bad secret-build\r\n\r\n", "a web server"),
        (b"200 news secret-build\r\n", "a news server"),
    ],
)
async def test_another_kind_of_server_is_told_and_not_repeated(
    quick: Pool, account_at: AccountAt, security: Security, banner: bytes, name: str
) -> None:
    async with says(banner) as port:
        result = await send(quick, account_at(port, security=security))
        check = await quick.check(account_at(port, security=security))
    assert (result.kind, result.scope) == (Kind.NOT_SENT, Scope.SENDER)
    assert result.detail == f"this is no SMTP server: it looks like {name} (port {port})"
    assert check.detail == result.detail


@pytest.mark.parametrize(
    ("banner", "answer"),
    [
        (b"220 ProFTPD Server ready.\r\n", b"500 EHLO not understood\r\n"),
        (b"220 (vsFTPd 3.0.5)\r\n", b"530 Please login with USER and PASS.\r\n"),
        (b"220-FileZilla Server 1.8.0\r\n220 Please visit us\r\n", b"500 Wrong command.\r\n"),
        (b"220 Welcome\r\n", b"530 Log in with USER and PASS first.\r\n"),
    ],
)
async def test_an_ftp_server_greets_like_a_mail_server_and_is_told_all_the_same(
    quick: Pool, account_at: AccountAt, banner: bytes, answer: bytes
) -> None:
    async with says(banner, then=answer) as port:
        result = await send(quick, account_at(port, security=Security.NONE))
    assert result.detail == f"this is no SMTP server: it looks like an FTP server (port {port})"
    assert result.scope is Scope.SENDER


async def test_a_mail_server_that_is_called_ftp_is_refused_as_itself(
    quick: Pool, account_at: AccountAt
) -> None:
    async with says(b"220 ftp.example.org\r\n", then=b"550 not you\r\n") as port:
        result = await send(quick, account_at(port, security=Security.NONE))
    assert result.reply is not None
    assert result.reply.code == 550


@pytest.mark.parametrize("security", [Security.NONE, Security.STARTTLS])
async def test_a_web_server_that_waits_to_be_asked_is_told_as_well(
    quick: Pool, account_at: AccountAt, security: Security
) -> None:
    async with says(b"", then=b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        result = await send(quick, account_at(port, security=security))
    assert "this is no SMTP server: it looks like a web server" in result.detail
    assert result.scope is Scope.SENDER


@pytest.mark.parametrize("banner", [b"hello, secret-build here\r\n", b"\x00\x01secret-build\n"])
async def test_what_speaks_in_no_way_that_is_known_may_mend_itself_and_is_not_repeated(
    quick: Pool, account_at: AccountAt, banner: bytes
) -> None:
    async with says(banner) as port:
        result = await send(quick, account_at(port))
    assert (result.kind, result.scope) == (Kind.NOT_SENT, Scope.HOST)
    assert "this is no SMTP server" in result.detail
    assert "secret" not in result.detail


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize(
    ("hosts", "days", "trusted", "told"),
    [
        (["localhost"], (-2, 2), False, "it is self-signed (for localhost)"),
        (["localhost"], (-9, -2), True, "that for localhost expired on 20"),
        (["localhost"], (2, 9), True, "that for localhost is valid from 20"),
        (
            ["mx.example.net", "*.example.org", "192.0.2.1"],
            (-2, 2),
            True,
            "it is for mx.example.net, *.example.org, 192.0.2.1, not for localhost",
        ),
        (
            [f"n{n}.example.net" for n in range(9)],
            (-2, 2),
            True,
            "n3.example.net, n4.example.net and others, not for localhost",
        ),
    ],
)
async def test_a_certificate_that_is_not_trusted_is_told_with_what_is_wrong_with_it(  # noqa: PLR0917
    account_at: AccountAt,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    security: Security,
    hosts: list[str],
    days: tuple[int, int],
    trusted: bool,
    told: str,
) -> None:
    shown = tmp_path / "shown.pem"
    certify(shown, *hosts, from_day=days[0], to_day=days[1])
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(shown))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)
    pool = Pool(timeouts=Timeouts(quit_seconds=1), allow_private_hosts=True)
    at_once = security is Security.TLS
    async with Sink(tls=context, implicit_tls=at_once, extensions=("STARTTLS",)) as sink:
        account = account_at(
            sink.port, security=security, host="localhost", username="ann", password="secret"
        )
        result = await send(pool, account)
    await pool.close()
    assert (result.kind, result.phase, result.scope) == (Kind.NOT_SENT, Phase.TLS, Scope.HOST)
    assert "the certificate is not trusted" in result.detail
    assert told in result.detail
    assert sink.heard("AUTH") == []


def test_nothing_but_the_first_octets_decides() -> None:
    assert second_look.read(b"\x15\x03\x03\x00\x02") == (CHOOSE_TLS, True)
    assert second_look.read(b"220 mail.example.com ESMTP") is None
    assert second_look.read(b"554 no") is None
    assert second_look.read(b"") is None
