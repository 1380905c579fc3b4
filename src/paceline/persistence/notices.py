"""The lanes' channel of NOTIFY, on a connection of its own, which also says that a worker lives."""

from __future__ import annotations

import asyncio
import uuid
from types import TracebackType

from paceline.persistence.database import (
    Database,
    DatabaseUnavailable,
    translate_lost_connections,
)
from paceline.persistence.driver import Driver
from paceline.persistence.lanes import CHANNEL
from paceline.persistence.workers import sign_on

# A connection that only listens hears by the system that its other end is gone (`cuts.py`), unless
# something on the way answers in its place.
PING_SECONDS = 30.0


class Notices:
    """Which senders were signalled. Use it as an async context manager."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._driver: Driver | None = None
        self._heard: asyncio.Queue[uuid.UUID | None] = asyncio.Queue()

    async def __aenter__(self) -> Notices:
        self._driver = driver = await self._database.dedicated()
        try:
            driver.add_termination_listener(lambda _: self._heard.put_nowait(None))
            async with translate_lost_connections():
                await driver.add_listener(CHANNEL, self._on_notice)
                await sign_on(driver)
        except BaseException:  # a cancellation too: nobody else knows of this connection yet
            driver.terminate()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._driver is not None:
            self._driver.terminate()

    async def gather(self, *, within: float) -> set[uuid.UUID]:
        """Wait for a signal, then gather more for `within` seconds.

        Raises `DatabaseUnavailable` when the connection is gone.
        """
        senders = {await self._first()}
        try:
            async with asyncio.timeout(within):
                while True:
                    senders.add(await self._next())
        except TimeoutError:
            return senders

    async def _first(self) -> uuid.UUID:
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    return await self._next()
            except TimeoutError:
                await self._ping()

    async def _ping(self) -> None:
        assert self._driver is not None, "entered"
        async with translate_lost_connections():
            await self._driver.execute("SELECT 1")

    async def _next(self) -> uuid.UUID:
        sender_id = await self._heard.get()
        if sender_id is None:
            raise DatabaseUnavailable("PostgreSQL: the listening connection was closed")
        return sender_id

    def _on_notice(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._heard.put_nowait(uuid.UUID(str(payload)))
