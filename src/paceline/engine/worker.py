"""Fetches lanes from BullMQ and runs many side by side, until told to stop.

BullMQ's own worker loop costs two scripts per idle slot and closes by dropping the locks of what
still runs. This one fetches with a single loop, and stops in order: no more fetching, locks
renewed until the last lane has parked, then the connections.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from functools import partial
from typing import Any

import bullmq
from bullmq import DelayedError
from redis.asyncio import Redis

from paceline.engine.ending import end, unless
from paceline.engine.lane import LaneRunner
from paceline.engine.locks import LOCK_MS, LaneHold, LaneLocks
from paceline.engine.queue import PREFIX, QUEUE
from paceline.observability.troubles import Faults, Trouble
from paceline.places import Place, Places

STALLED_CHECK_SECONDS = 3.0
# BullMQ counts stalls over a job's whole life, and a lane lives for ever.
MAX_STALLED = 10**9
IDLE_BLOCK_SECONDS = 5
RECONNECT_MS = 500
UNBLOCK_SECONDS = 0.05
# A lane that is still at it then has a server that does not answer: its place is for another one.
SLOW_LANE_SECONDS = 20.0
LANES_WITH_WAITING = 16  # times the usual number, at most

log = logging.getLogger(__name__)


class LaneWorker:
    """One per process. `run()` until cancelled or `stop()`ped."""

    def __init__(self, redis: Redis, runner: LaneRunner, *, lanes: int) -> None:
        self._runner = runner
        self._places = Places(lanes)
        self._most = LANES_WITH_WAITING * lanes
        self._running: set[asyncio.Task[None]] = set()
        self._place_of: dict[str, Place] = {}  # by a lane's token
        self._fetches = 0
        self._stopping = asyncio.Event()
        self._bull: Any = bullmq.Worker(
            QUEUE,
            self._process,
            {
                "connection": redis,
                "prefix": PREFIX,
                "autorun": False,
                "concurrency": lanes,
                "lockDuration": LOCK_MS,
                "stalledInterval": int(STALLED_CHECK_SECONDS * 1000),
                "maxStalledCount": MAX_STALLED,
                "drainDelay": IDLE_BLOCK_SECONDS,
                "runRetryDelay": RECONNECT_MS,
                "removeOnComplete": True,
                "removeOnFail": True,
            },
        )
        self._locks = LaneLocks(self._bull, lock_ms=LOCK_MS)
        self._trouble = Trouble(log, "BullMQ has trouble with Redis")
        self._bull.on("error", lambda error, *_: self._trouble.met(error))
        self._faults = Faults(log, "lanes end by a fault of ours, and are begun again")
        self._bull.on("failed", lambda job, error: self._faults.met(error, about=job.id))

    async def run(self) -> None:
        """Fetch and run lanes. Returns after `stop()`, when the last one has parked."""
        # Without it BullMQ rounds its block timeouts up to whole seconds.
        version = self._bull.retryIfFailed(
            self._bull.blockingRedisConnection.getRedisVersion, {"delay_in_ms": RECONNECT_MS}
        )
        if not await unless(self._stopping, version):
            return
        self._bull.lockManager.start()
        stalled = asyncio.create_task(self._look_for_stalled())
        try:
            await self._fetch_until_stopped()
            if self._running:
                await asyncio.wait(self._running)
        finally:
            await end([stalled, *self._running])
            await self._bull.lockManager.close()

    @property
    def running(self) -> int:
        """How many lanes run right now."""
        return len(self._running)

    def stop(self) -> None:
        """Fetch no more lanes. Those that run go on until they have parked."""
        self._bull.closing = True
        self._stopping.set()

    async def _fetch_until_stopped(self) -> None:
        while not self._bull.closing:
            place = await self._places.take()
            if self._runner.is_silent:
                await unless(self._stopping, self._runner.until_heard())
            job = await self._next_job()
            if job is None:
                place.leave()
                continue
            self._place_of[job.token] = place
            task = asyncio.create_task(self._bull.processJob(job, job.token))
            self._running.add(task)
            task.add_done_callback(partial(self._done, job.token))
            asyncio.get_running_loop().call_later(SLOW_LANE_SECONDS, self._step_aside, job.token)

    async def _next_job(self) -> Any:
        """The next lane, or None; soon after `stop()` in any case."""
        self._fetches += 1
        token = f"{self._bull.id}:{self._fetches}"
        fetch = asyncio.ensure_future(
            self._bull.retryIfFailed(
                lambda: self._bull.getNextJob(token),
                # It would try for ever while Redis is away, and not hear that we stop.
                {"delay_in_ms": 0, "max_retries": 1, "only_emit_error": True},
            )
        )
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({fetch, stopping}, return_when=asyncio.FIRST_COMPLETED)
            while not fetch.done():
                # Only the wait for work is broken off, never the taking of a job, which would be
                # orphaned; and it may be just about to begin.
                if self._bull.waiting is not None:
                    self._bull.waiting.cancel()
                await asyncio.wait({fetch}, timeout=UNBLOCK_SECONDS)
            if self._is_away(fetch):
                await asyncio.wait({stopping}, timeout=RECONNECT_MS / 1000)
                return None
            return fetch.result()
        finally:
            stopping.cancel()
            fetch.cancel()

    def _is_away(self, fetch: asyncio.Future[Any]) -> bool:
        """Whether that was for want of a Redis; all else surfaces with its result."""
        error = fetch.exception()
        if error is None:
            self._trouble.over()
        elif self._bull.isConnectionError(error):
            self._trouble.met(error)
            return True
        return False

    def _step_aside(self, token: str) -> None:
        """Let another lane have the place of one that only waits, unless too many do."""
        place = self._place_of.get(token)
        if place is not None and len(self._running) < self._most:
            place.leave()

    def _done(self, token: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._place_of.pop(token).leave()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._faults.met(error)

    async def _process(self, job: Any, token: str) -> None:
        self._locks.taken(token)
        try:
            sender_id = uuid.UUID(job.data["sender_id"])
            aside = partial(self._step_aside, token)
            await self._runner.run(sender_id, LaneHold(self._locks, token, aside))
        except DelayedError:
            self._faults.over()
            raise
        finally:
            self._locks.left(token)

    async def _look_for_stalled(self) -> None:
        while True:
            await asyncio.sleep(STALLED_CHECK_SECONDS)
            await self._bull.runStalledJobsCheck()
