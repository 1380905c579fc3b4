"""Has people told of what happens, every few seconds, whatever becomes of Redis and the lanes.

Each worker looks, and what one has noted is noted for all: so nobody has to be the one, and a hook
that does not answer keeps no lane waiting. Where no worker lives, nobody is told.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from paceline.errors import OperationalError
from paceline.observability.troubles import Faults, Trouble

LOOK_SECONDS = 15.0
SPREAD = 0.2  # of it, so that workers do not look in step

log = logging.getLogger(__name__)


class Notifier:
    """Looks, until cancelled."""

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        self._look = look
        self._trouble = Trouble(log, "nobody is told of what happens")
        self._faults = Faults(log, "a fault of ours: nobody is told of what happens")

    async def run(self) -> None:
        """Look for ever."""
        while True:
            spread = SPREAD * (2 * random.random() - 1)
            await asyncio.sleep(LOOK_SECONDS * (1 + spread))
            try:
                await self._look()
            except OperationalError as error:
                self._trouble.met(error)
            except Exception as error:  # noqa: BLE001 - all of this is beside what a worker is for
                self._faults.met(error)
            else:
                self._trouble.over()
                self._faults.over()
