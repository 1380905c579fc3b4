"""The three clients, each as a stranger would use it, with one connection that it keeps.

The standard library's repairs line ends in text only and sends octets as they are; so it gets text
where the message is ASCII, and octets with their line ends repaired where it is not.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

import aiosmtplib

from paceline.delivery import Account, Envelope, Kind, Phase, Pool, Result, Security

HELO_NAME = "client.test"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Letter(NamedTuple):
    """One message and its envelope."""

    mail_from: str
    rcpt_to: str
    content: bytes
    smtp_utf8: bool = False


class Place(NamedTuple):
    """Where to send to, and how."""

    port: int
    security: Security = Security.NONE
    tls: ssl.SSLContext | None = None  # what the others are to trust; ours reads the trust store
    helo_name: str = HELO_NAME

    @property
    def host(self) -> str:
        """The name in the certificate, where there is one."""
        return "localhost" if self.tls else "127.0.0.1"


class Verdict(NamedTuple):
    """What a client says became of a message. DATA stands for the body and its end as well."""

    accepted: bool
    step: str = ""
    code: int = 250
    text: str = ""


class Client(Protocol):
    async def send(self, letter: Letter) -> Verdict: ...

    async def close(self) -> None: ...


def canonical(content: bytes) -> bytes:
    """Every line end as CRLF, and one at the end: all that a client may change in a message."""
    content = _LINE_END.sub(b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


class Ours:
    def __init__(self, place: Place) -> None:
        self._pool = Pool(allow_private_hosts=True)
        self._account = Account(
            host=place.host,
            port=place.port,
            security=place.security,
            helo_name=place.helo_name,
        )

    async def send(self, letter: Letter) -> Verdict:
        envelope = Envelope(mail_from=letter.mail_from, rcpt_to=letter.rcpt_to)
        result = await self._pool.send(
            self._account, envelope, letter.content, guard=_yes, smtp_utf8=letter.smtp_utf8
        )
        return _verdict(result)

    async def close(self) -> None:
        await self._pool.close()


async def _yes() -> bool:
    return True


_STEPS = {Phase.GREETING: "CONNECT", Phase.EHLO: "HELO", Phase.MAIL: "MAIL", Phase.RCPT: "RCPT"}
_STEPS |= {Phase.DATA: "DATA", Phase.BODY: "DATA", Phase.DOT: "DATA"}


def _verdict(result: Result) -> Verdict:
    if result.kind is Kind.SENT:
        return Verdict(accepted=True)
    assert result.kind is Kind.REJECTED, result
    assert result.reply is not None
    return _refused(_STEPS[result.phase], result.reply.code, str(result.reply)[4:])


def _refused(step: str, code: int, text: str | bytes) -> Verdict:
    text = text.decode() if isinstance(text, bytes) else text
    return Verdict(False, step, code, " ".join(text.split()))


def _mail_options(letter: Letter) -> list[str]:
    utf8 = letter.smtp_utf8 or not (letter.mail_from + letter.rcpt_to).isascii()
    eight_bit = utf8 or not letter.content.isascii()
    return ["BODY=8BITMIME"] * eight_bit + ["SMTPUTF8"] * utf8


class Smtplib:
    """The standard library's, in a thread."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection: smtplib.SMTP | None = None

    async def send(self, letter: Letter) -> Verdict:
        return await asyncio.to_thread(self._send, letter)

    async def close(self) -> None:
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)

    def _send(self, letter: Letter) -> Verdict:
        content = letter.content
        text = content.decode("ascii") if content.isascii() else canonical(content)
        try:
            self._connected().sendmail(
                letter.mail_from, [letter.rcpt_to], text, _mail_options(letter)
            )
        except smtplib.SMTPRecipientsRefused as error:
            [(code, said)] = error.recipients.values()
            return self._given_up("RCPT", code, said)
        except smtplib.SMTPResponseException as error:
            step = type(error).__name__.removeprefix("SMTP").removesuffix("Error")
            step = "MAIL" if step == "SenderRefused" else step.upper()
            return self._given_up(step, error.smtp_code, error.smtp_error)
        return Verdict(accepted=True)

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            place = self._place
            if place.security is Security.TLS:
                self._connection = smtplib.SMTP_SSL(
                    place.host, place.port, place.helo_name, context=place.tls
                )
            else:
                self._connection = smtplib.SMTP(place.host, place.port, place.helo_name)
            if place.security is Security.STARTTLS:
                self._connection.starttls(context=place.tls)
        return self._connection

    def _given_up(self, step: str, code: int, said: str | bytes) -> Verdict:
        # It does not always reset what was refused: the next message gets a new connection.
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return _refused(step, code, said)


class Aiosmtplib:
    def __init__(self, place: Place) -> None:
        self._client = aiosmtplib.SMTP(
            hostname=place.host,
            port=place.port,
            local_hostname=place.helo_name,
            use_tls=place.security is Security.TLS,
            start_tls=place.security is Security.STARTTLS,
            tls_context=place.tls,
        )

    async def send(self, letter: Letter) -> Verdict:
        try:
            if not self._client.is_connected:
                await self._client.connect()
            await self._client.sendmail(
                letter.mail_from,
                [letter.rcpt_to],
                letter.content,
                mail_options=_mail_options(letter),
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            [refused] = error.recipients
            return self._given_up("RCPT", refused.code, refused.message)
        except aiosmtplib.SMTPResponseException as error:
            step = type(error).__name__.removeprefix("SMTP").removesuffix("Error")
            step = {"SenderRefused": "MAIL", "ConnectResponse": "CONNECT"}.get(step, step.upper())
            return self._given_up(step, error.code, error.message)
        return Verdict(accepted=True)

    async def close(self) -> None:
        self._client.close()

    def _given_up(self, step: str, code: int, said: str) -> Verdict:
        self._client.close()
        return _refused(step, code, said)


_CLIENTS: dict[str, Callable[[Place], Client]] = {
    "ours": Ours,
    "smtplib": Smtplib,
    "aiosmtplib": Aiosmtplib,
}
OTHERS = ("smtplib", "aiosmtplib")
ALL = ("ours", *OTHERS)


@asynccontextmanager
async def connected(name: str, place: Place) -> AsyncIterator[Client]:
    """A client by name, closed at the end. It connects with its first message."""
    client = _CLIENTS[name](place)
    try:
        yield client
    finally:
        await client.close()
