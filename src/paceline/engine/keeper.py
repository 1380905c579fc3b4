"""The net under everything: one worker at a time, by an advisory lock, puts right what was lost.

It takes back what dead workers held, finds a Redis that was wiped or restarted and rings every
lane with work, and rings lanes that should have woken by now. It reads the indexes on leases and on
lanes, never a backlog.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from paceline.engine.queue import LaneQueue
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.advisory import AdvisoryLock
from paceline.persistence.database import Database, DatabaseBusy
from paceline.persistence.lanes import Lanes

ROUND_SECONDS = 1.0
# A lane is late only after this: rings and wake-ups have their own way to be in time.
GRACE = timedelta(seconds=3)

log = logging.getLogger(__name__)

Recover = Callable[[], Awaitable[set[uuid.UUID]]]
"""Recovers what was lost in PostgreSQL; answers whose lanes have work now."""


class Keeper:
    """Runs rounds while it holds the lock, until cancelled."""

    def __init__(
        self, database: Database, queue: LaneQueue, lanes: Lanes, *, recover: Recover
    ) -> None:
        self._lock = AdvisoryLock(database, name="keeper")
        self._queue = queue
        self._lanes = lanes
        self._recover = recover
        self._redis_run: str | None = None
        self._trouble = Trouble(log, "nobody keeps the lanes")
        self._hindrance = Trouble(log, "recovery waits for what somebody holds in the database")

    async def run(self) -> None:
        """Keep for ever."""
        while True:
            try:
                async with self._lock:
                    while await self._lock.is_held():
                        await self._round()
                        self._trouble.over()
                        await asyncio.sleep(ROUND_SECONDS)
            except OperationalError as error:
                self._trouble.met(error)
                await asyncio.sleep(ROUND_SECONDS)

    async def _round(self) -> None:
        await self._queue.ring(sorted(await self._recovered()))
        await self._ring_after_a_loss()
        overdue = await self._lanes.overdue(grace=GRACE)
        if overdue:
            log.info("ringing %d lanes that are overdue", len(overdue))
            await self._queue.ring(overdue)

    async def _recovered(self) -> set[uuid.UUID]:
        """Somebody's lock holds up nothing else: a lane that is not rung for it is overdue."""
        try:
            senders = await self._recover()
        except DatabaseBusy as error:
            self._hindrance.met(error)
            return set()
        self._hindrance.over()
        return senders

    async def _ring_after_a_loss(self) -> None:
        """A Redis that was started anew may have lost up to a second, a wiped one all of it."""
        wiped = await self._queue.mark()
        run = await self._queue.run_id()
        is_first = self._redis_run is None  # one that was never seen may as well be new
        restarted = not is_first and run != self._redis_run
        self._redis_run = run
        if not (wiped or restarted):
            return
        awake = await self._lanes.awake()
        if awake:
            if is_first:
                log.info("Redis knows nothing of us yet: ringing %d lanes", len(awake))
            else:
                what = "wiped" if wiped else "restarted"
                log.warning("Redis was %s: ringing %d lanes", what, len(awake))
            await self._queue.ring(awake)
