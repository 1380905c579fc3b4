"""A server of the tests' own, which listens on a socket's path alone: behind a port, or TLS."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_SSL_REQUEST = struct.pack("!II", 8, 80877103)


@asynccontextmanager
async def listening(
    path: str, tls: ssl.SSLContext | None = None, *, port: int = 0, when_asked: bool = False
) -> AsyncIterator[str]:
    """Host and port at which the server behind this socket answers.

    `when_asked`: TLS begins once the other side has asked for it, as PostgreSQL's protocol has it.
    """
    connections: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            connections.add(task)
        if when_asked and not await _starts_tls(reader, writer, tls):
            return
        there, back = await asyncio.open_unix_connection(path)
        await asyncio.wait(
            [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
        )

    async with await asyncio.start_server(
        pass_on, "127.0.0.1", port, ssl=None if when_asked else tls
    ) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if connections:
        await asyncio.wait(connections)


async def _starts_tls(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext | None
) -> bool:
    assert tls is not None
    try:
        assert await reader.readexactly(len(_SSL_REQUEST)) == _SSL_REQUEST
        writer.write(b"S")
        await writer.start_tls(tls)
    except (OSError, asyncio.IncompleteReadError):  # it does not trust us
        writer.close()
        return False
    return True


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while octets := await reader.read(65_536):
            writer.write(octets)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
