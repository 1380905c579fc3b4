"""Our SMTP client beside aiosmtplib's persistent connection: messages per CPU second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiosmtplib

from bench.servers import SinkProcess
from paceline.delivery import Account, Envelope, Kind, Pool, Security

CONNECTIONS = 16
BODY = b"".join(
    b"This is line %d of a message of about three kilobytes.\r\n" % n for n in range(50)
)
MESSAGE = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: Hello\r\n\r\n" + BODY


async def per_cpu_second(send_all: Callable[[int], Awaitable[None]], count: int) -> float:
    """Messages per second of this process' own CPU time."""
    await send_all(CONNECTIONS)  # connections, imports, first calls
    before = time.process_time()
    await send_all(count)
    return count / (time.process_time() - before)


async def ours(sink: SinkProcess, count: int) -> float:
    pool = Pool(allow_private_hosts=True)
    account = Account(
        host="127.0.0.1", port=sink.port, security=Security.NONE, helo_name="bench.example"
    )
    envelope = Envelope(mail_from="a@example.com", rcpt_to="b@example.org")

    async def may_leave() -> bool:
        return True

    async def line(mails: int) -> None:
        for _ in range(mails):
            result = await pool.send(account, envelope, MESSAGE, guard=may_leave)
            assert result.kind is Kind.SENT, result

    async def send_all(mails: int) -> None:
        await asyncio.gather(*(line(mails // CONNECTIONS) for _ in range(CONNECTIONS)))

    try:
        return await per_cpu_second(send_all, count)
    finally:
        await pool.close()


async def aiosmtplibs(sink: SinkProcess, count: int) -> float:
    clients = [
        aiosmtplib.SMTP(hostname="127.0.0.1", port=sink.port, use_tls=False, start_tls=False)
        for _ in range(CONNECTIONS)
    ]
    for client in clients:
        await client.connect()

    async def line(client: aiosmtplib.SMTP, mails: int) -> None:
        for _ in range(mails):
            await client.sendmail("a@example.com", ["b@example.org"], MESSAGE)

    async def send_all(mails: int) -> None:
        await asyncio.gather(*(line(client, mails // CONNECTIONS) for client in clients))

    try:
        return await per_cpu_second(send_all, count)
    finally:
        for client in clients:
            await client.quit()
