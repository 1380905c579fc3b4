"""Header values that the others repair or hand on as something else: ours makes no message of them.

The others are used as they are meant to be: an `EmailMessage` and their `send_message`.
"""

from __future__ import annotations

import asyncio
import datetime
import email
import smtplib
from email.message import EmailMessage, Message

import aiosmtplib
import pytest

from paceline.delivery import Headers, RenderError, message
from tests.integration.delivery.differential.clients import HELO_NAME, OTHERS
from tests.integration.delivery.differential.corpus import FROM, TO
from tests.integration.delivery.differential.far_end import new_tag
from tests.integration.delivery.differential.sending import ARRIVAL_SECONDS
from tests.integration.delivery.differential.servers import Server

REPAIRED = [
    ("Subject", "a\r\nBcc: victim@y.test"),
    ("Subject", "a\nb"),
    ("Subject", "a\rb"),
    ("Subject", "a\u2028b"),
    ("Subject", "a\x85b"),
    ("Subject", "=?utf-8?q?a=0D=0ABcc:_v@x.test?= " + "ü" * 80),
    ("Subject", "=?utf-8?b?YQ0KQmNjOiB2QHgudGVzdA==?="),
    ("Subject", "half a \udcff character"),
    ("From", "a@x.test\r\nBcc: v@x.test"),
    ("To", '"a\r\nb"@x.test'),
    ("Reply-To", "a@x.test\n"),
    ("X-Campaign", "a\r\n\r\nbody"),
    ("X-Campaign", "a\r\n b"),
    ("X-A: b\r\nBcc", "v@y.test"),
    ("X-Ä", "b"),
]
HANDED_ON = [
    ("Subject", "a\0b"),
    ("Subject", "a\x1bb"),
    ("Subject", "x" * 2000),
    ("From", "a@x.test, b@x.test"),
    ("From", "Ann <a@x.test>"),
    ("From", "a b@x.test"),
    ("From", "a@x.test (Ann)"),
    ("To", "a@x.test, b@x.test"),
    ("To", "friends: a@x.test;"),
    ("Reply-To", "a@x.test, b@x.test"),
    ("X A", "b"),
    ("", "b"),
    ("Bcc", "secret@x.test"),
    ("Sender", "other@x.test"),
    ("Return-Path", "<other@x.test>"),
]
FIELDS = {"From": "from_address", "To": "to_address", "Reply-To": "reply_to"}


@pytest.mark.parametrize(("name", "value"), REPAIRED)
async def test_a_header_that_others_repair_or_refuse_is_refused_by_us(
    server: Server, name: str, value: str
) -> None:
    for other in OTHERS:
        arrived = await sent_by(other, name, value, server)
        assert arrived is None or not holds_as_given(arrived, name, value)
    check_that_we_refuse(name, value)
    assert server.arrivals.nothing_came()


@pytest.mark.parametrize(("name", "value"), HANDED_ON)
def test_a_header_that_is_two_or_not_ours_to_set_is_refused_by_us(name: str, value: str) -> None:
    check_that_we_refuse(name, value)


def check_that_we_refuse(name: str, value: str) -> None:
    fields: dict[str, object] = {"from_address": FROM, "to_address": "to@sink.test"}
    if name in FIELDS:
        fields[FIELDS[name]] = value
    elif name != "Subject":
        fields["extra"] = ((name, value),)
    headers = Headers(
        message_id="1@client.test",
        date=datetime.datetime.now(datetime.UTC),
        boundary_seed="1",
        **fields,  # type: ignore[arg-type]  # one of them is of the type that its name asks for
    )
    subject = value if name == "Subject" else "hello"
    with pytest.raises(RenderError) as refused:
        message(headers, subject=subject, text="text", html=None)
    assert refused.value.part in (name, "extra")


async def sent_by(other: str, name: str, value: str, server: Server) -> Message | None:
    """The message with this header as it arrived; None when somebody refused it."""
    tag = new_tag()
    recipient = TO.format(tag=tag)
    try:
        mail = EmailMessage()
        mail[name] = value
        mail.set_content("text\n")
        if other == "smtplib":
            await asyncio.to_thread(_by_smtplib, server.port, mail, recipient)
        else:
            await _by_aiosmtplib(server.port, mail, recipient)
    except (ValueError, aiosmtplib.SMTPException, smtplib.SMTPException):
        return None
    arrival = server.arrivals.wait_for([tag], seconds=ARRIVAL_SECONDS)[tag]
    return email.message_from_bytes(server.received(arrival.content))


def holds_as_given(arrived: Message, name: str, value: str) -> bool:
    """Whether the message has this header, and none that came of it."""
    names = {name, "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    return set(arrived.keys()) == names and arrived[name] == value


def _by_smtplib(port: int, mail: EmailMessage, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, HELO_NAME) as client:
        client.send_message(mail, FROM, [recipient])


async def _by_aiosmtplib(port: int, mail: EmailMessage, recipient: str) -> None:
    client = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=port, local_hostname=HELO_NAME, start_tls=False
    )
    async with client:
        await client.send_message(mail, sender=FROM, recipients=[recipient])
