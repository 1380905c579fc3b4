"""A lock that one process of the whole installation holds at a time, and loses when it dies."""

from __future__ import annotations

import asyncio
import zlib
from types import TracebackType

from paceline.persistence.database import Database, translate_lost_connections
from paceline.persistence.driver import Driver

RETRY_SECONDS = 2.0
# A holder that says nothing for so long is frozen or cut off: PostgreSQL ends its session, and the
# next one takes over. A living holder asks `is_held` far more often.
SILENCE_SECONDS = 5
_NAMESPACE = 0x70616365  # "pace": the first half of PostgreSQL's two-part lock keys

_TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"


class AdvisoryLock:
    """A session lock on a connection of its own. Entering it waits until it is free."""

    def __init__(self, database: Database, *, name: str) -> None:
        self._database = database
        self._key = zlib.crc32(name.encode()) & 0x7FFFFFFF
        self._driver: Driver | None = None

    async def __aenter__(self) -> AdvisoryLock:
        self._driver = driver = await self._database.dedicated()
        try:
            async with translate_lost_connections():
                await driver.execute(f"SET idle_session_timeout = '{SILENCE_SECONDS}s'")
                await _take(driver, self._key)
        except BaseException:
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
            self._driver.terminate()  # which frees the lock

    async def is_held(self) -> bool:
        """Whether the connection, and so the lock, still stands. Raises when it does not."""
        if self._driver is None:
            return False
        async with translate_lost_connections():
            return bool(await self._driver.fetchval("SELECT true"))


async def _take(driver: Driver, key: int) -> None:
    # Asking again and again rather than blocking in PostgreSQL: a statement that waits for hours
    # would run into every timeout on the way.
    while not await driver.fetchval(_TRY_LOCK, _NAMESPACE, key):  # noqa: ASYNC110 - see above
        await asyncio.sleep(RETRY_SECONDS)
