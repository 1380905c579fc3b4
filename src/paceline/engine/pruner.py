"""Has what is kept no longer removed, a piece at a time, beside all else a worker does.

Each worker asks, and one at a time is let. It works a tenth of the time, however slow the database:
after each piece it rests for nine times as long.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from paceline.observability.troubles import Beside

LOOK_SECONDS = 300.0
SPREAD = 0.2  # of it, so that workers do not look in step
REST = 9  # times what a piece took
LEAST_REST_SECONDS = 0.05

log = logging.getLogger(__name__)


class Pruner:
    """Removes, until cancelled."""

    def __init__(
        self, piece: Callable[[], Awaitable[bool]], *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._piece = piece
        self._look_seconds = look_seconds
        self._beside = Beside(log, "nothing old is removed")

    async def run(self) -> None:
        """Remove for ever."""
        while True:
            began = time.monotonic()
            if await self._beside.attempt(self._piece):
                took = time.monotonic() - began
                await asyncio.sleep(max(REST * took, LEAST_REST_SECONDS))
            else:
                spread = SPREAD * (2 * random.random() - 1)
                await asyncio.sleep(self._look_seconds * (1 + spread))
