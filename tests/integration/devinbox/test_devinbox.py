"""The dev inbox over real sockets, with a real client and the real table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from email.message import EmailMessage

import aiosmtplib
import pytest

from paceline.devinbox import DevInbox, StoredInbox
from paceline.devinbox.server import MAX_MESSAGE_BYTES
from paceline.errors import OperationalError
from paceline.persistence.database import Database
from paceline.persistence.stores import inbox as table
from paceline.persistence.stores.inbox import NewInboxMessage, StoredInboxMessage


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def inbox(database: Database) -> AsyncIterator[DevInbox]:
    async with DevInbox(StoredInbox(database), host="127.0.0.1", port=0) as inbox:
        yield inbox


def client(inbox: DevInbox, **options: object) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(hostname="127.0.0.1", port=inbox.port, start_tls=False, **options)  # type: ignore[arg-type]


async def caught(database: Database) -> list[StoredInboxMessage]:
    async with database.transaction() as session:
        found = []
        for summary in await table.list_newest(session, limit=100):
            message = await table.get_message(session, summary.id)
            assert message is not None
            found.append(message)
        return found


async def test_a_message_is_stored_before_it_is_accepted(
    inbox: DevInbox, database: Database
) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "Ada <ada@example.com>", "grace@example.net"
    message["Subject"], message["Message-ID"] = "Grüße, Schöne", "<1@example.com>"
    message.set_content("Zwölf Boxkämpfer\n.\n.. jagen\n")
    async with client(inbox) as smtp:
        await smtp.send_message(message)
        (stored,) = await caught(database)
    assert stored.subject == "Grüße, Schöne"
    assert stored.message_id == "<1@example.com>"
    assert stored.mail_from == "ada@example.com"
    assert stored.rcpt_to == ("grace@example.net",)
    assert b"\r\n.\r\n.. jagen\r\n" in stored.raw


async def test_any_login_is_accepted(inbox: DevInbox, database: Database) -> None:
    async with client(inbox, username="who", password="ever") as smtp:
        await smtp.sendmail("a@example.com", ["b@example.com"], b"Subject: x\r\n\r\ny\r\n")
    assert len(await caught(database)) == 1


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n\x00.\r\n"]
)
async def test_only_crlf_dot_crlf_ends_a_message(
    inbox: DevInbox, database: Database, end: bytes
) -> None:
    smuggled = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<x@example.com>\r\nDATA\r\nevil\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", inbox.port)
    for line in (b"EHLO x", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"DATA"):
        writer.write(line + b"\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass
    await reader.readline()  # the greeting was read in place of the first reply
    writer.write(b"Subject: one\r\n\r\nbody" + end + smuggled + b"\r\n.\r\nQUIT\r\n")
    await reader.read()
    writer.close()
    (stored,) = await caught(database)
    assert stored.mail_from == "a@example.com"
    assert smuggled in stored.raw


async def test_a_message_that_is_too_large_is_refused(inbox: DevInbox, database: Database) -> None:
    async with client(inbox) as smtp:
        with pytest.raises(aiosmtplib.SMTPException, match="exceeds"):
            await smtp.sendmail(
                "a@example.com", ["b@example.com"], b"x" * 70 + b"\r\n" + b"y" * MAX_MESSAGE_BYTES
            )
    assert await caught(database) == []


async def test_headers_that_are_no_text_are_stored_all_the_same(
    inbox: DevInbox, database: Database
) -> None:
    raw = b"Subject: =?no-such-charset?b?////?= \xff\x00 \r\nMessage-ID: <\xfe>\r\n\r\n\x00\xff\r\n"
    async with client(inbox) as smtp:
        await smtp.sendmail("", ["b@example.com"], raw)
    (stored,) = await caught(database)
    assert stored.raw == raw
    assert stored.mail_from == ""
    assert "no-such-charset" in stored.subject


async def test_only_the_newest_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.devinbox.store.PRUNE_EVERY", 1)
    store = StoredInbox(database, keep=3)
    async with DevInbox(store, host="127.0.0.1", port=0) as inbox, client(inbox) as smtp:
        for number in range(5):
            content = f"Subject: {number}\r\n\r\n".encode()
            await smtp.sendmail("a@example.com", ["b@example.com"], content)
    assert [message.subject for message in await caught(database)] == ["4", "3", "2"]


async def test_what_is_kept_has_a_size_too(database: Database) -> None:
    store = StoredInbox(database, octets=8_000)
    async with DevInbox(store, host="127.0.0.1", port=0) as inbox, client(inbox) as smtp:
        for number in range(5):
            content = f"Subject: {number}\r\n\r\n{'x' * 900}\r\n{'x' * 900}\r\n".encode()
            await smtp.sendmail("a@example.com", ["b@example.com"], content)
    assert [message.subject for message in await caught(database)] == ["4", "3", "2", "1"]


async def test_senders_side_by_side_lose_nothing(inbox: DevInbox, database: Database) -> None:
    async def send(number: int) -> None:
        async with client(inbox) as smtp:
            for part in range(5):
                content = f"Subject: {number}-{part}\r\n\r\n".encode()
                await smtp.sendmail("a@example.com", ["b@example.com"], content)

    await asyncio.gather(*(send(number) for number in range(10)))
    expected = {f"{number}-{part}" for number in range(10) for part in range(5)}
    assert {message.subject for message in await caught(database)} == expected


class FullStore:
    """A store whose database is away."""

    async def add(self, messages: Sequence[NewInboxMessage]) -> None:
        raise OperationalError("no disk left")


async def test_what_cannot_be_stored_is_not_accepted() -> None:
    async with DevInbox(FullStore(), host="127.0.0.1", port=0) as inbox, client(inbox) as smtp:
        with pytest.raises(aiosmtplib.SMTPDataError, match="cannot store"):
            await smtp.sendmail("a@example.com", ["b@example.com"], b"Subject: x\r\n\r\n")


async def test_more_clients_than_it_serves_are_told_to_come_back(
    inbox: DevInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.devinbox.server.MAX_CONNECTIONS", 1)
    async with client(inbox):
        reader, writer = await asyncio.open_connection("127.0.0.1", inbox.port)
        assert (await reader.read()).startswith(b"421 4.3.2")
        writer.close()


async def test_a_client_that_hangs_up_without_a_word_is_let_go_at_once(inbox: DevInbox) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", inbox.port)
    assert (await reader.readline()).startswith(b"220")
    writer.write_eof()
    async with asyncio.timeout(60):  # it waits five minutes for those who are silent
        assert await reader.read() == b""
    writer.close()
