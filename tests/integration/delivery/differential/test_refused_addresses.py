"""Addresses that the others repair, or hand on although they are none: ours refuses them."""

from __future__ import annotations

import smtplib

import aiosmtplib
import pytest

from paceline.errors import InvalidInput
from tests.integration.delivery.differential.clients import OTHERS, Letter, Place, connected
from tests.integration.delivery.differential.corpus import FROM, HEAD, TO
from tests.integration.delivery.differential.far_end import Arrival, new_tag
from tests.integration.delivery.differential.sending import ARRIVAL_SECONDS
from tests.integration.delivery.differential.servers import Server

CONTENT = HEAD + b"body\r\n"

REPAIRED = [
    "Ann <{tag}@x.test>",
    "<{tag}@x.test>",
    " {tag}@x.test",
    "{tag}@x.test ",
    "{tag}@x.test\r\n",
    "{tag}@x.test\n",
    "{tag}@x.test, victim@y.test",
    "{tag}@x.test;victim@y.test",
    "{tag}@x.test victim@y.test",
    "{tag}@x.test\r\nRCPT TO:<victim@y.test>",
    "{tag}@x.test>\r\nRCPT TO:<victim@y.test",
    "{tag}@x.test> SIZE=1",
    "{tag}@x.test (Ann)",
    "{tag}(comment)@x.test",
    "{tag} @x.test",
    "{tag}@ x.test",
    '"{tag}\r\ny"@x.test',
    "friends: {tag}@x.test, victim@y.test;",
    "{tag}\t@x.test",
    "{tag}@x.test@y.test",
    "{tag}@",
]
HANDED_ON = [
    "",
    "{tag}",
    "{tag}@x.test\0",
    "{tag}..a@x.test",
    ".{tag}@x.test",
    "{tag}@-x-.test",
    "{tag}@x_y.test",
    "{tag}@[192.0.2.1]",
    '"{tag}"@x.test',
    '"ann {tag}"@x.test',
    "x" * 58 + "{tag}@x.test",
]


@pytest.mark.parametrize("address", REPAIRED)
async def test_an_address_that_others_repair_or_refuse_is_refused_by_us(
    server: Server, address: str
) -> None:
    for name in OTHERS:
        arrival = await sent_by(name, address, server)
        assert arrival is None or arrival.rcpt_to != address
    await check_that_we_refuse(address, server)


@pytest.mark.parametrize("address", HANDED_ON)
async def test_an_address_that_is_none_or_that_servers_mangle_is_refused_by_us(
    server: Server, address: str
) -> None:
    await check_that_we_refuse(address, server)


async def sent_by(name: str, address: str, server: Server) -> Arrival | None:
    """What came of a message to this address; None when the client or the server refused it."""
    tag = new_tag()
    async with connected(name, Place(server.port)) as client:
        try:
            verdict = await client.send(Letter(FROM, address.format(tag=tag), CONTENT))
        except (ValueError, aiosmtplib.SMTPException, smtplib.SMTPException):
            return None
    if not verdict.accepted:
        return None
    return server.arrivals.wait_for([tag], seconds=ARRIVAL_SECONDS)[tag]


async def check_that_we_refuse(address: str, server: Server) -> None:
    nasty, good = address.format(tag=new_tag()), TO.format(tag=new_tag())
    for field, mail_from, rcpt_to in (("mail_from", nasty, good), ("rcpt_to", FROM, nasty)):
        async with connected("ours", Place(server.port)) as client:
            with pytest.raises(InvalidInput, match=r"address|octets|domain") as refused:
                await client.send(Letter(mail_from, rcpt_to, CONTENT))
        assert [problem.field for problem in refused.value.problems] == [field]
    assert server.arrivals.nothing_came()
