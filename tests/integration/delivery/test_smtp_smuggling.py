"""A message cannot be made to hold a second one, seen on the wire itself.

What real servers make of the same sequences is in `differential/`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paceline.delivery import Account, Envelope, Kind, Pool
from tests.integration.delivery.sink import Sink

AccountAt = Callable[[int], Account]

SMUGGLING = [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\r", b"\r.\r\n", b"\r\n.\n"]


async def yes() -> bool:
    return True


@pytest.mark.parametrize("sequence", SMUGGLING)
async def test_no_sequence_smuggles_a_second_message(
    pool: Pool, account_at: AccountAt, sequence: bytes
) -> None:
    smuggled = b"MAIL FROM:<x@evil.test>\r\nRCPT TO:<victim@sink.test>\r\nDATA\r\nboo\r\n.\r\n"
    async with Sink() as sink:
        envelope = Envelope(mail_from="from@client.test", rcpt_to="to@sink.test")
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
