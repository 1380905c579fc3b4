"""The same messages through aiosmtplib, smtplib and ours, to aiosmtpd: the same bytes arrive."""

from __future__ import annotations

import asyncio
import random
import smtplib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Received

from paceline.delivery import Account, Envelope, Kind, Pool
from tests.integration.delivery.sink import Sink

FROM, TO = "from@client.test", "to@sink.test"
AccountAt = Callable[[int], Account]

SMUGGLING = [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\r", b"\r.\n", b"\r\n.\n"]
_FRAGMENTS = [b".", b"..", b".\r\n", b"\r\n.", b"\r\n..", b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n\r"]
_FRAGMENTS += [b"\t", b" ", b"From me", b"x" * 70, "käse".encode(), b"=\r\n", b"\x1a", b"QUIT\r\n"]
_FRAGMENTS += SMUGGLING


def corpus() -> list[bytes]:
    """Fixed nasty bodies, and many made of nasty pieces."""
    dice = random.Random(20270314)
    fixed = [b"", b".", b"\r\n.\r\n", b"..\r\n", b"a", b"a\r\n", b"\r\n" * 5]
    fixed += [b"a" + sequence + b"MAIL FROM:<x@evil.test>\r\n" for sequence in SMUGGLING]
    made = [b"".join(dice.choices(_FRAGMENTS, k=dice.randrange(1, 12))) for _ in range(240)]
    return [b"Subject: %d\r\n\r\n%b" % (number, body) for number, body in enumerate(fixed + made)]


@dataclass
class Catcher:
    port: int = 0
    contents: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, received: Received) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(received.content, bytes)
        self.contents.append(received.content)
        self.recipients += received.rcpt_tos
        return "250 2.0.0 ok"


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    catcher = Catcher()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(catcher, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
    )
    catcher.port = server.sockets[0].getsockname()[1]
    yield catcher
    server.close()


async def yes() -> bool:
    return True


async def test_every_message_arrives_as_aiosmtplib_and_smtplib_would_have_it(
    catcher: Catcher, pool: Pool, account_at: AccountAt
) -> None:
    messages = corpus()
    assert len(messages) >= 250
    envelope = Envelope(mail_from=FROM, rcpt_to=TO)
    account = account_at(catcher.port)
    for message in messages:
        result = await pool.send(account, envelope, message, guard=yes)
        assert result.kind is Kind.SENT, message
    ours, catcher.contents = catcher.contents, []
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=catcher.port, start_tls=False) as client:
        for message in messages:
            await client.sendmail(FROM, [TO], message)
    assert ours == catcher.contents
    catcher.contents = []
    # smtplib repairs line ends only in text, and sends bytes as they are.
    tame = [message for message in ours if message.isascii()]
    await asyncio.to_thread(_by_smtplib, catcher.port, tame)
    assert catcher.contents == tame


def _by_smtplib(port: int, messages: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        for message in messages:
            client.sendmail(FROM, [TO], message.decode("ascii"))


@pytest.mark.parametrize("sequence", SMUGGLING)
async def test_no_sequence_smuggles_a_second_message(
    pool: Pool, account_at: AccountAt, sequence: bytes
) -> None:
    smuggled = b"MAIL FROM:<x@evil.test>\r\nRCPT TO:<victim@sink.test>\r\nDATA\r\nboo\r\n.\r\n"
    async with Sink() as sink:
        envelope = Envelope(mail_from=FROM, rcpt_to=TO)
        content = b"Subject: x\r\n\r\ntext" + sequence + smuggled
        result = await pool.send(account_at(sink.port), envelope, content, guard=yes)
        await pool.close()
    assert result.kind is Kind.SENT
    assert len(sink.messages) == 1
    [raw] = sink.bodies_begun
    without_pairs = raw.replace(b"\r\n", b"")
    assert b"\r" not in without_pairs
    assert b"\n" not in without_pairs
    assert raw.count(b"\r\n.\r\n") == 1
    assert len(sink.heard("MAIL")) == 1


async def test_the_address_on_the_wire_is_the_address_that_was_given(
    catcher: Catcher, pool: Pool, account_at: AccountAt
) -> None:
    given = ["a+b@x.test", "o'neil@x.test", "UPPER@X.test", "a%b@x.test", "jürgen@x.test"]
    for address in given:
        envelope = Envelope(mail_from=FROM, rcpt_to=address)
        result = await pool.send(account_at(catcher.port), envelope, b"\r\nx", guard=yes)
        assert result.kind is Kind.SENT
    assert catcher.recipients == given
