"""The real servers that the clients are compared over: aiosmtpd, and Postfix where it may run."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.integration.delivery.differential import postfix, refusals
from tests.integration.delivery.differential.far_end import Arrivals, lmtp_recorder

_SIZE_LIMIT = 1_500_000  # octets, of either


@dataclass(frozen=True)
class Server:
    """A running server. `received` takes from a message what this server has put before it."""

    port: int
    tls_port: int
    size_limit: int
    arrivals: Arrivals
    received: Callable[[bytes], bytes]
    refuses_at: frozenset[str]
    mends_malformed: bool = False
    greeting_ports: dict[int, int] = field(default_factory=dict)  # code to port


@contextmanager
def aiosmtpd(certificate: Path) -> Iterator[Server]:
    """In a thread of its own. It does not offer PIPELINING."""
    arrivals = Arrivals()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with ExitStack() as stack:
        port, tls_port = postfix.free_ports(2)
        for at, context in ((port, {"tls_context": tls}), (tls_port, {"ssl_context": tls})):
            controller = Controller(
                _Handler(arrivals),
                hostname="127.0.0.1",
                port=at,
                data_size_limit=_SIZE_LIMIT,
                **context,  # type: ignore[arg-type]  # its names say the same: STARTTLS, TLS
            )
            controller.start()
            stack.callback(controller.stop)
        yield Server(
            port=port,
            tls_port=tls_port,
            size_limit=_SIZE_LIMIT,
            arrivals=arrivals,
            received=bytes,
            refuses_at=frozenset({"ehlo", "mail", "rcpt", "dot"}),
        )


class _Handler:
    """Takes mail, except what is marked to be refused."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def handle_EHLO(  # noqa: N802 - this and the others are aiosmtpd's names
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        refusal = refusals.reply_to("ehlo", hostname)
        return responses if refusal is None else [refusal]

    async def handle_HELO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str
    ) -> str:
        session.host_name = hostname
        return refusals.reply_to("ehlo", hostname) or "250 ok"

    async def handle_MAIL(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],
    ) -> str:
        refusal = refusals.reply_to("mail", address)
        if refusal is None:
            envelope.mail_from = address
        return refusal or "250 2.1.0 ok"

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        refusal = refusals.reply_to("rcpt", address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        refusal = refusals.reply_to("dot", envelope.mail_from)
        if refusal is None:
            for recipient in envelope.rcpt_tos:
                self._arrivals.add(envelope.mail_from, recipient, envelope.content)
        return refusal or "250 2.0.0 ok"


@contextmanager
def behind_postfix(certificate: Path) -> Iterator[Server]:
    """Postfix, and behind it a recorder. It offers PIPELINING and is strict about it."""
    arrivals = Arrivals()
    with (
        lmtp_recorder(arrivals) as far_end_port,
        postfix.running(
            certificate=certificate, far_end_port=far_end_port, size_limit=_SIZE_LIMIT
        ) as server,
    ):
        yield Server(
            port=server.port,
            tls_port=server.tls_port,
            size_limit=_SIZE_LIMIT,
            arrivals=arrivals,
            received=_without_trace,
            refuses_at=frozenset({"ehlo", "mail", "rcpt", "data", "dot"}),
            mends_malformed=True,
            greeting_ports=server.greeting_ports,
        )


_TRACE = re.compile(rb"Received: from [^\r]*\r\n(\t\([^\r]*\r\n)*\tby [^\r]*\r\n\tfor [^\r]*\r\n")


def _without_trace(content: bytes) -> bytes:
    found = _TRACE.match(content)
    assert found is not None, content[:500]
    return content[found.end() :]


def found() -> dict[str, Callable[[Path], AbstractContextManager[Server]]]:
    """The servers that can be had on this machine."""
    servers: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {"aiosmtpd": aiosmtpd}
    if postfix.usable():
        servers["postfix"] = behind_postfix
    return servers
