"""The roll of workers in Redis: each says every few seconds that it lives, and what it is at.

Redis' clock says when a worker was last heard of, and whoever was not for an hour is struck off.
People look at it, and a worker learns from it how many others there are.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from paceline import __version__, clock
from paceline.engine.queue import PREFIX, LaneQueue, QueueUnavailable
from paceline.services.queue_watch import JobPlace, WorkerSign

EVERY_SECONDS = 2.0
ANSWER_SECONDS = 2.0
SILENT_SECONDS = 60  # whoever says nothing for so long has no connections any more
FORGOTTEN_AFTER_SECONDS = 3_600
MAX_WORKERS = 500  # shown
_SIGNS = f"{PREFIX}:workers"
_SEEN = f"{PREFIX}:workers:seen"

_SIGN = """
local now = tonumber(redis.call('TIME')[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[1])
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], 0, now - tonumber(ARGV[3]), 'LIMIT', 0, 100)
for _, run in ipairs(gone) do
    redis.call('HDEL', KEYS[1], run)
    redis.call('ZREM', KEYS[2], run)
end
return redis.call('ZCOUNT', KEYS[2], now - tonumber(ARGV[4]), '+inf')
"""

log = logging.getLogger(__name__)


class Roll:
    """Signs a worker on and off, and reads who is there."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._sign = redis.register_script(_SIGN)

    async def keep(
        self,
        run: uuid.UUID,
        *,
        name: str,
        lanes: Callable[[], int],
        heard: Callable[[int | None], None],
    ) -> None:
        """Say that this worker lives, until cancelled; then take it off the roll.

        `heard` is told each time how many others there are, None where nobody knows.
        """
        who = {
            "name": name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": __version__,
            "started_at": clock.now().isoformat(),
        }
        try:
            while True:
                try:
                    said = json.dumps({**who, "lanes": lanes()})
                    args: list[str | int] = [
                        str(run),
                        said,
                        FORGOTTEN_AFTER_SECONDS,
                        SILENT_SECONDS,
                    ]
                    async with asyncio.timeout(ANSWER_SECONDS):
                        there = int(await self._sign(keys=[_SIGNS, _SEEN], args=args))
                    heard(there - 1)
                except (RedisError, OSError, TimeoutError) as error:
                    heard(None)
                    log.debug("not on the roll: %s", error)
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            await self._off(run)

    async def _off(self, run: uuid.UUID) -> None:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(1), self._redis.pipeline(transaction=True) as pipe:
                pipe.hdel(_SIGNS, str(run))
                pipe.zrem(_SEEN, str(run))
                await pipe.execute()

    async def workers(self) -> Sequence[WorkerSign]:
        """Those that were heard of within the hour, by name. Raises `QueueUnavailable`."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.time()
                pipe.zrange(_SEEN, 0, MAX_WORKERS - 1, desc=True, withscores=True)
                now, seen = await pipe.execute()
            if not seen:
                return []
            signs = await self._redis.hmget(_SIGNS, [run for run, _ in seen])
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error
        heard = [
            _read(run, str(said), timedelta(seconds=max(0, now[0] - at)))
            for (run, at), said in zip(seen, signs, strict=True)
            if said is not None
        ]
        return sorted(heard, key=lambda sign: (sign.host, sign.name, sign.started_at))


def _read(run: str, said: str, ago: timedelta) -> WorkerSign:
    told: dict[str, Any] = json.loads(said)
    started_at = datetime.fromisoformat(told.pop("started_at"))
    return WorkerSign(run=uuid.UUID(run), started_at=started_at, seen_ago=ago, **told)


class QueueEyes:
    """What Redis knows of the queue, for `services.queue_watch`."""

    def __init__(self, redis: Redis, queue: LaneQueue) -> None:
        self._roll = Roll(redis)
        self._queue = queue

    async def workers(self) -> Sequence[WorkerSign]:
        """Those that were heard of lately."""
        return await self._roll.workers()

    async def places(self, sender_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, JobPlace]:
        """Where the jobs of these lanes are: two look-ups each, in one round trip."""
        return {
            sender_id: JobPlace.RUNNING
            if is_locked
            else JobPlace.QUEUED
            if is_there
            else JobPlace.MISSING
            for sender_id, (is_there, is_locked) in (await self._queue.jobs(sender_ids)).items()
        }
