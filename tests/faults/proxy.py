"""A proxy before PostgreSQL that loses answers: the statement is committed, nobody is told.

It understands just enough of the protocol to hold an answer back until the server is ready for the
next query, which is after the commit, and then to drop the connection instead of passing it on.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from random import Random

SOCKET = ".s.PGSQL.5432"
# A SELECT may be one that writes in its WITH; losing the answer to a mere look does no harm.
_WROTE = re.compile(rb"(UPDATE|INSERT 0|SELECT) [1-9]")
_AUTHENTICATION, _COMPLETE, _READY = b"R", b"C", b"Z"


class LossyProxy:
    """Passes everything on, except one in `every` answers that have rows in them or changed some.

    By chance: at every so-manieth, whatever asks as often each time would be met each time.
    """

    def __init__(self, server: Path, folder: Path, *, every: int) -> None:
        self._server = server
        self._folder = folder
        self._every = every
        self._dice = Random(every)
        self._serving: set[asyncio.Task[None]] = set()
        self.lost = 0
        self.on = True

    @property
    def folder(self) -> Path:
        return self._folder

    async def __aenter__(self) -> LossyProxy:
        self._folder.mkdir(exist_ok=True)
        self._listener = await asyncio.start_unix_server(self._accept, self._folder / SOCKET)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._server / SOCKET)
        except OSError:
            writer.transport.abort()
            return
        forth = asyncio.create_task(_pump(reader, server_writer))
        try:
            await self._answers(server_reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            forth.cancel()
            server_writer.close()
            writer.transport.abort()
            await asyncio.wait([forth])

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held = b""
        wrote = False
        while True:
            kind = await reader.readexactly(1)
            size = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(size, "big") - 4)
            held += kind + size + body
            wrote = wrote or (kind == _COMPLETE and _WROTE.match(body) is not None)
            # Only a statement's answer waits for its end; a log-in is a dialogue.
            if kind != _READY and wrote:
                continue
            if kind == _READY and wrote and self._is_to_be_lost():
                raise ConnectionResetError
            writer.write(held)
            await writer.drain()
            held, wrote = b"", False

    def _is_to_be_lost(self) -> bool:
        if not self.on:
            return False
        lost = self._dice.randrange(self._every) == 0
        self.lost += lost
        return lost


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
