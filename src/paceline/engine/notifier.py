"""Has people told of what happens, every few seconds, whatever becomes of Redis and the lanes.

Each worker looks, and what one has noted is noted for all: so nobody has to be the one, and a hook
that does not answer keeps no lane waiting. Where no worker lives, nobody is told.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from paceline.observability.troubles import Beside

LOOK_SECONDS = 15.0
SPREAD = 0.2  # of it, so that workers do not look in step

log = logging.getLogger(__name__)


class Notifier:
    """Looks, until cancelled."""

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        self._look = look
        self._beside = Beside(log, "nobody is told of what happens")

    async def run(self) -> None:
        """Look for ever."""
        while True:
            spread = SPREAD * (2 * random.random() - 1)
            await asyncio.sleep(LOOK_SECONDS * (1 + spread))
            await self._beside.attempt(self._look)
