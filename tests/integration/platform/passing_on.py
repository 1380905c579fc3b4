"""A server of the tests' own, which listens on a socket's path alone: behind a port, or TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def listening(
    path: str, tls: ssl.SSLContext | None = None, *, port: int = 0
) -> AsyncIterator[str]:
    """Host and port at which the server behind this socket answers."""
    connections: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            connections.add(task)
        there, back = await asyncio.open_unix_connection(path)
        await asyncio.wait(
            [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
        )

    async with await asyncio.start_server(pass_on, "127.0.0.1", port, ssl=tls) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if connections:
        await asyncio.wait(connections)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while octets := await reader.read(65_536):
            writer.write(octets)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
