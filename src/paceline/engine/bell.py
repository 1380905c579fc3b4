"""The bell as the use cases ring it: never in anybody's way.

A lane that could not be rung is found by the listener or the keeper, since its signal is committed.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection

from paceline.engine.queue import LaneQueue
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble

PATIENCE_SECONDS = 1.0

log = logging.getLogger(__name__)


class PatientBell:
    """Rings for at most a second and never raises."""

    def __init__(self, queue: LaneQueue) -> None:
        self._queue = queue
        self._trouble = Trouble(log, "lanes could not be rung, and are found by the keeper")

    async def ring(self, sender_ids: Collection[uuid.UUID]) -> None:
        """Tell these lanes to look now, if Redis answers in time."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._queue.ring(list(sender_ids))
        except (OperationalError, TimeoutError) as error:
            self._trouble.met(str(error) or "timeout")
        else:
            self._trouble.over()
