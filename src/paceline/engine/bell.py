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

PATIENCE_SECONDS = 1.0

log = logging.getLogger(__name__)


class PatientBell:
    """Rings for at most a second and never raises."""

    def __init__(self, queue: LaneQueue) -> None:
        self._queue = queue

    async def ring(self, sender_ids: Collection[uuid.UUID]) -> None:
        """Tell these lanes to look now, if Redis answers in time."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._queue.ring(list(sender_ids))
        except (OperationalError, TimeoutError) as error:
            log.warning("could not ring %d lanes: %s", len(sender_ids), str(error) or "timeout")
