"""The SMTP server. A 250 after the final dot means: stored. It accepts any login and any recipient.

Only `<CRLF>.<CRLF>` ends a message (the library reads lines by CRLF alone; a test holds it to it).
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from paceline import __version__, clock
from paceline.devinbox.message import read_message
from paceline.devinbox.store import BatchWriter, InboxStore
from paceline.errors import OperationalError

MAX_MESSAGE_BYTES = 25 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024  # RFC 5321 allows 1,000; a catcher of mistakes shows them instead
MAX_CONNECTIONS = 200
IDLE_SECONDS = 300
_NAME = "devinbox.paceline.localhost"

_log = logging.getLogger(__name__)


class DevInbox:
    """Listens while its context is entered. `port` 0 takes any free one; see `port` then."""

    def __init__(self, store: InboxStore, *, host: str, port: int) -> None:
        self._writer = BatchWriter(store)
        self._host = host
        self._asked_port = port
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._writing: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None, "not listening"
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> DevInbox:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._host, self._asked_port)
        self._writing = asyncio.create_task(self._writer.run(), name="devinbox-writer")
        _log.info("the dev inbox listens on %s:%s", self._host, self.port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        assert self._writing is not None
        self._server.close()
        for connection in list(self._connections):
            connection.drop()
        self._writing.cancel()
        await asyncio.wait([self._writing])

    def _connection(self) -> _Connection:
        return _Connection(_Handler(self._writer), self._connections)


class _Connection(SMTP):
    """One client. Beyond `MAX_CONNECTIONS`, newcomers are asked to come back later."""

    line_length_limit = MAX_LINE_BYTES

    def __init__(self, handler: _Handler, connections: set[_Connection]) -> None:
        super().__init__(
            handler,
            data_size_limit=MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            hostname=_NAME,
            ident=f"Paceline {__version__} dev inbox",
            timeout=IDLE_SECONDS,
            auth_require_tls=False,
            authenticator=_anybody,
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._connections.add(self)
        if len(self._connections) > MAX_CONNECTIONS:
            transport.write(b"421 4.3.2 too many connections\r\n")
            transport.close()

    def eof_received(self) -> bool:
        """A client that hangs up is let go: kept half open, it stays until it has been idle."""
        super().eof_received()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    def drop(self) -> None:
        """Close it at once."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


def _anybody(*_: object) -> AuthResult:
    return AuthResult(success=True)


class _Handler:
    """What happens to a message that is complete."""

    def __init__(self, writer: BatchWriter) -> None:
        self._writer = writer

    async def handle_DATA(  # noqa: N802 - the library's name for it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        message = read_message(
            envelope.original_content or b"",
            mail_from=(envelope.mail_from or "").strip("<>"),  # "<>" is how nobody writes
            rcpt_to=envelope.rcpt_tos,
            received_at=clock.now(),
        )
        try:
            await self._writer.write(message)
        except OperationalError:
            return "451 4.3.0 The dev inbox cannot store it at the moment"
        return "250 2.0.0 Stored in the dev inbox"
