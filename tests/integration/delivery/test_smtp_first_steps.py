"""Before anything is said: which address is connected to, and by which name we introduce us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import pytest

from paceline.delivery import Account, Envelope, Kind, Pool, Scope, Security
from paceline.delivery import hosts as hosts_module
from tests.integration.delivery.sink import Sink

ENVELOPE = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
CONTENT = b"Subject: hello\r\n\r\nthe end\r\n"
SILENT = "127.0.0.9"
CLOSED = "127.0.0.8"


async def yes() -> bool:
    return True


def account_without_a_name(sink: Sink, *, host: str = "127.0.0.1") -> Account:
    return Account(host=host, port=sink.port, security=Security.NONE)


@pytest.mark.parametrize(
    ("name", "said"), [(None, "[127.0.0.1]"), ("mail.example.com", "mail.example.com")]
)
async def test_without_a_name_the_address_of_the_connection_is_said(
    name: str | None, said: str
) -> None:
    pool = Pool(allow_private_hosts=True, helo_name=name)
    async with Sink() as sink:
        assert (await pool.check(account_without_a_name(sink))).ok
    await pool.close()
    assert sink.commands[0] == f"EHLO {said}"


@pytest.fixture
def silent_at() -> Iterator[Callable[[int], None]]:
    """Makes an address take no more connections and refuse none, as one that leads nowhere."""
    open_sockets: list[socket.socket] = []

    def fill(port: int) -> None:
        listener = socket.create_server((SILENT, port), backlog=0)
        open_sockets.append(listener)
        for _ in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex((SILENT, port))
            open_sockets.append(waiting)

    yield fill
    for one in open_sockets:
        one.close()


@pytest.fixture
def resolve_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the resolver says, which on this machine knows no such host."""

    def resolve_to(*addresses: str) -> None:
        async def found(host: str, port: int) -> list[str]:
            return list(addresses)

        monkeypatch.setattr(hosts_module, "look_up", found)

    return resolve_to


@pytest.mark.parametrize("dead", [(SILENT,), (CLOSED,), (CLOSED, SILENT), (SILENT, CLOSED)])
async def test_dead_addresses_of_a_host_cost_no_timeout(
    pool: Pool,
    silent_at: Callable[[int], None],
    resolve_to: Callable[..., None],
    dead: tuple[str, ...],
) -> None:
    async with Sink() as sink:
        silent_at(sink.port)
        resolve_to(*dead, "127.0.0.1")
        async with asyncio.timeout(10):  # one address would be waited for for 30 s
            result = await pool.send(
                account_without_a_name(sink, host="mail.test"), ENVELOPE, CONTENT, guard=yes
            )
    assert result.kind is Kind.SENT
    assert sink.connections == 1


async def test_a_host_with_one_address_of_our_own_network_is_not_connected_to_at_any(
    resolve_to: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts_module, "ALLOWED_PORTS", range(65536))
    resolve_to("2001:4860:4860::8888", "127.0.0.1", *[f"8.8.8.{n}" for n in range(20)])
    pool = Pool(allow_private_hosts=False)
    async with Sink() as sink:
        result = await pool.send(
            account_without_a_name(sink, host="mail.test"), ENVELOPE, CONTENT, guard=yes
        )
    await pool.close()
    assert (result.kind, result.scope) == (Kind.NOT_SENT, Scope.SENDER)
    assert "mail.test leads to what is not a public address" in result.detail
    assert sink.connections == 0


async def test_a_name_that_changes_its_answer_is_dialled_where_it_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def found(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1" if len(asked) == 1 else CLOSED]

    monkeypatch.setattr(hosts_module, "look_up", found)
    monkeypatch.setattr(hosts_module, "ALLOWED_PORTS", range(65536))
    # Of the addresses that this machine answers on, one is taken for one of the internet.
    monkeypatch.setattr(hosts_module, "is_public", lambda address: str(address) == "127.0.0.1")
    pool = Pool(allow_private_hosts=False)
    async with Sink() as sink:
        account = account_without_a_name(sink, host="rebinds.test")  # nobody else knows the name
        first, second = await pool.check(account), await pool.check(account)
        sent = await pool.send(account, ENVELOPE, CONTENT, guard=yes)
    await pool.close()
    assert first.ok, first.detail
    assert "rebinds.test leads to what is not a public address" in second.detail
    assert "rebinds.test leads to what is not a public address" in sent.detail
    assert asked == ["rebinds.test"] * 3  # one look-up each: none between the verdict and the dial
    assert sink.connections == 1


async def test_no_address_that_answers_is_told_with_all_reasons(
    pool: Pool, resolve_to: Callable[..., None]
) -> None:
    async with Sink() as sink:
        resolve_to(CLOSED, "127.0.0.7")
        result = await pool.send(
            account_without_a_name(sink, host="mail.test"), ENVELOPE, CONTENT, guard=yes
        )
    assert (result.kind, result.scope) == (Kind.NOT_SENT, Scope.HOST)
    assert f"{CLOSED}: " in result.detail
    assert "127.0.0.7: " in result.detail
