"""A process's sign of life: a session lock that PostgreSQL lets go of when the process is gone.

Whoever takes something up for a while writes the number beside it. Anybody can then ask whether
its process still lives, from any host and without a clock: `pg_try_advisory_xact_lock_shared` on
that number succeeds only when nobody holds it any more. A process that is killed is found out at
once, a host that loses its power within seconds. One that is frozen counts as living: it may go on
at any moment.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from paceline.persistence.driver import Driver

# It has nothing to say, and must not be ended for that. That its process went without a word (no
# power, no network) is noticed all the same (`cuts.py`).
_NEVER_ENDED = "SET idle_session_timeout = 0"
_BITS = 62


class Presence:
    """One connection with one lock, opened when it is first asked for."""

    def __init__(self, connect: Callable[[], Awaitable[Driver]]) -> None:
        self._connect = connect
        self._opening = asyncio.Lock()
        self._driver: Driver | None = None
        self._number = 0

    async def number(self) -> int:
        """The number that stands for this process. Another one once its connection was lost."""
        async with self._opening:
            if self._driver is None or self._driver.is_closed():
                self._driver, self._number = await self._opened()
            return self._number

    async def _opened(self) -> tuple[Driver, int]:
        driver = await self._connect()
        # Negative: the locks by which commands take turns are not.
        number = -1 - secrets.randbits(_BITS)
        try:
            await driver.execute(_NEVER_ENDED)
            await driver.execute("SELECT pg_advisory_lock($1)", number)
        except BaseException:
            driver.terminate()
            raise
        return driver, number

    def close(self) -> None:
        """Let go of the lock."""
        if self._driver is not None:
            self._driver.terminate()
