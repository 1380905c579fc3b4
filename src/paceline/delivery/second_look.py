"""What is wrong where no conversation came about: a second, short look at the same address.

A port that speaks TLS at once, one that starts in plain text, a web server, a certificate for
another name: told in words that say which setting to change. Nothing worth stealing is said there,
and what is heard is never repeated: it may be another's server, asked through us.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import NamedTuple

from cryptography import x509

from paceline.delivery.account import Account, Security
from paceline.delivery.replies import RawReply

LOOK_SECONDS = 4.0
MAX_OCTETS = 4096
MAX_LINES = 100

# How the first octets of what is not SMTP begin.
_OTHERS = (
    (b"HTTP/", "a web server"),
    (b"<", "a web server"),
    (b"SSH-", "an SSH server"),
    (b"* OK", "an IMAP server"),
    (b"* PREAUTH", "an IMAP server"),
    (b"* BYE", "an IMAP server"),
    (b"+OK", "a POP3 server"),
    (b"-ERR", "a POP3 server or a database"),
    (b"200 ", "a news server"),
    (b"201 ", "a news server"),
    (b"RFB ", "a remote desktop"),
)
_TLS_RECORDS = (b"\x16\x03", b"\x15\x03")  # a handshake, an alert (RFC 8446 §5.1)

_UNREADABLE = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, x509.InvalidVersion)

WANTS_TLS = "this port seems to want TLS from the first byte: choose TLS"
STARTS_IN_PLAIN_TEXT = "this port starts in plain text: choose STARTTLS"


class Finding(NamedTuple):
    """What was found. `certain`: it is a setting, and waiting will not mend it."""

    what: str
    certain: bool


FTP = Finding("this is no SMTP server: it looks like an FTP server", certain=True)
NO_GREETING = Finding("this is no SMTP server: what it says is no greeting", certain=False)


def read(octets: bytes) -> Finding | None:
    """What speaks like this where a greeting was due; None where that is a greeting."""
    if octets.startswith(_TLS_RECORDS):
        return Finding(WANTS_TLS, certain=True)
    for beginning, name in _OTHERS:
        if octets.startswith(beginning):
            return Finding(f"this is no SMTP server: it looks like {name}", certain=True)
    if not octets or (octets[:1] in b"245" and octets[:3].isdigit()):
        return None
    return NO_GREETING


def speaks_ftp(greeting: RawReply, answer: RawReply) -> bool:
    """FTP greets like SMTP, but knows neither EHLO nor HELO; a mail server knows one of them."""
    greeted, answered = (b" ".join(reply.lines).lower() for reply in (greeting, answer))
    wants_user = answer.code == 530 and b"user" in answered and b"pass" in answered
    names_itself = b"ftp" in greeted or b"filezilla" in greeted
    return wants_user or (names_itself and answer.code in (500, 502, 530))


class SecondLook:
    """At the server of an account, at the address that took the first connection."""

    def __init__(self, account: Account, address: str) -> None:
        self._account = account
        self._address = address

    async def at_silence(self) -> Finding | None:
        """It has not greeted: does it wait for TLS, or for something else that is no mail?"""
        return read(await self._hear(_client_hello()))

    async def at_no_tls(self) -> Finding | None:
        """It did not shake hands: does it greet in plain text?"""
        said = await self._hear(_client_hello()) or await self._hear(b"")
        if said.startswith(b"220"):
            return Finding(STARTS_IN_PLAIN_TEXT, certain=True)
        found = read(said)
        return found if found and found.certain and found.what != WANTS_TLS else None

    async def at_certificate(self) -> x509.Certificate | None:
        """What it shows instead of a certificate that can be trusted."""
        if not self._address:
            return None
        with contextlib.suppress(OSError, TimeoutError, ValueError, *_UNREADABLE):
            async with asyncio.timeout(LOOK_SECONDS):
                return x509.load_der_x509_certificate(await self._shown())
        return None

    async def _hear(self, words: bytes) -> bytes:
        """The first octets of an answer to `words`; none when none come in time."""
        writer: asyncio.StreamWriter | None = None
        said = b""
        if not self._address:
            return said
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                reader, writer = await asyncio.open_connection(self._address, self._account.port)
                writer.write(words)
                while len(said) < 8 and (more := await reader.read(64)):
                    said += more
        except (OSError, TimeoutError):
            pass
        finally:
            if writer is not None:
                writer.transport.abort()
        return said

    async def _shown(self) -> bytes:
        context = _trusting_anybody()
        host = self._account.host.rstrip(".")
        at_once = self._account.security is Security.TLS
        reader, writer = await asyncio.open_connection(
            self._address,
            self._account.port,
            limit=MAX_OCTETS,
            ssl=context if at_once else None,
            server_hostname=host if at_once else None,
        )
        try:
            if not at_once:
                await _reply(reader)
                for command in (b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n"):
                    writer.write(command)
                    await _reply(reader)
                await writer.start_tls(context, server_hostname=host)
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return bytes(shown or b"")
        finally:
            writer.transport.abort()


async def _reply(reader: asyncio.StreamReader) -> None:
    for _ in range(MAX_LINES):
        line = await reader.readuntil(b"\n")
        if line[3:4] != b"-":
            return
    raise ValueError("a reply without an end")


def _trusting_anybody() -> ssl.SSLContext:
    """To see a certificate, and for nothing else: nothing is said over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _client_hello() -> bytes:
    outgoing = ssl.MemoryBIO()
    shake = _trusting_anybody().wrap_bio(ssl.MemoryBIO(), outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        shake.do_handshake()
    return outgoing.read()
