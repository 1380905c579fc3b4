"""Hears PostgreSQL's NOTIFY for every signal, and rings the lane if the signaller could not.

A process may die, or lose Redis, between its commit and its ring. The commit itself announces the
work; each worker listens, and ringing twice is harmless.
"""

from __future__ import annotations

import asyncio
import logging
import uuid

from paceline.engine.queue import LaneQueue
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.database import Database
from paceline.persistence.notices import Notices

RECONNECT_SECONDS = 1.0
# A burst of signals (an import, many API calls) is rung once.
GATHER_SECONDS = 0.02

log = logging.getLogger(__name__)


class Listener:
    """Rings lanes that were signalled, until cancelled."""

    def __init__(self, database: Database, queue: LaneQueue) -> None:
        self._database = database
        self._queue = queue
        self._deaf = Trouble(log, "not listening to PostgreSQL")
        self._mute = Trouble(log, "lanes could not be rung")

    async def run(self) -> None:
        """Listen for ever; an outage is waited out, and the keeper finds what was missed."""
        while True:
            try:
                async with Notices(self._database) as notices:
                    self._deaf.over()
                    while True:
                        await self._ring(await notices.gather(within=GATHER_SECONDS))
            except OperationalError as error:
                self._deaf.met(error)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _ring(self, sender_ids: set[uuid.UUID]) -> None:
        try:
            await self._queue.ring(sorted(sender_ids))
        except OperationalError as error:
            self._mute.met(error)
        else:
            self._mute.over()
