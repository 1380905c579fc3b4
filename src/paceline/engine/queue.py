"""The queue `lanes` in BullMQ: one job per sender, ringing it, and parking it without a race.

What here reaches into BullMQ's own parts is held by a contract test against the pinned version.
Redis holds O(senders): a job knows its sender and nothing else.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from bullmq import Job, Queue
from bullmq.redis_connection import loadScript
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError, ResponseError

from paceline.errors import OperationalError
from paceline.redis_client import client

__all__ = [
    "PREFIX",
    "QUEUE",
    "LaneQueue",
    "Parked",
    "QueueRefusesWrites",
    "QueueUnavailable",
    "Redis",
    "connect",
    "job_id",
    "try_a_write",
]

QUEUE = "lanes"
PREFIX = "paceline"
# BullMQ blocks up to 10 s in BZPOPMIN; redis-py's own default of 5 s would cut it off each time.
SOCKET_TIMEOUT_SECONDS = 20
CONNECT_TIMEOUT_SECONDS = 5
RING_BATCH = 200  # lanes per round trip

# Nothing is kept of a job that ends (none should), or its id could never be added again.
_JOB_OPTIONS = {"attempts": 1, "removeOnComplete": True, "removeOnFail": True}
_RUNG = -100

# BullMQ's own script behind a comparison, in one step: whoever rings between a look at the bell
# and the parking is noticed.
_PARK = (
    f"if (redis.call('GET', KEYS[12]) or '0') ~= ARGV[10] then return {_RUNG} end\n"
    + loadScript("moveToDelayed-11.lua")
)


class QueueUnavailable(OperationalError):
    """Redis did not answer."""


class QueueRefusesWrites(QueueUnavailable):
    """Redis answers, and takes nothing: its disk or memory is full, or its replicas are gone."""


class Parked(Enum):
    """What came of putting a lane to sleep."""

    ASLEEP = auto()
    RUNG = auto()  # somebody rang meanwhile: look again
    GONE = auto()  # the job is no longer ours, or Redis was wiped


def connect(redis_url: str, *, tries: int = 3) -> Redis:
    """A client as BullMQ needs it: patient while blocking, quick to come back after an outage.

    Raises `ValueError`, worded for people, for an address that the driver does not understand.
    """
    opened = client(
        redis_url,
        decode_responses=True,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), tries - 1),
    )
    pool = opened.connection_pool
    try:  # parameters are looked at only here
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        unknown = str(error).partition("unexpected keyword argument ")[2]
        raise ValueError(f"there is no parameter {unknown}" if unknown else str(error)) from error
    except RedisError as error:
        raise ValueError(str(error)) from error
    return opened


def job_id(sender_id: uuid.UUID) -> str:
    """The id of a sender's lane job. The prefix keeps it apart from the queue's own keys."""
    return f"lane-{sender_id}"


async def try_a_write(redis: Redis) -> None:
    """Raises `QueueRefusesWrites` where none is taken. Changes nothing: no key has that name."""
    try:
        await redis.set(f"{PREFIX}:nothing", "1", xx=True)
    except ResponseError as error:
        raise QueueRefusesWrites(str(error)) from error
    except (RedisError, OSError) as error:
        raise QueueUnavailable(f"Redis: {error}") from error


class LaneQueue:
    """Rings and parks lanes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queue = Queue(QUEUE, {"connection": redis, "prefix": PREFIX})
        self._scripts: Any = self._queue.scripts
        self._park = redis.register_script(_PARK)

    async def bell(self, sender_id: uuid.UUID) -> str:
        """How often the lane has been rung. Read it before anything else."""
        try:
            return str(await self._redis.get(_bell_key(sender_id)) or "0")
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error

    async def ring(self, sender_ids: Sequence[uuid.UUID]) -> None:
        """Tell lanes to look now. Always means "now", never a time; ringing twice is harmless."""
        try:
            for start in range(0, len(sender_ids), RING_BATCH):
                await self._ring_batch(sender_ids[start : start + RING_BATCH])
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error

    async def _ring_batch(self, sender_ids: Sequence[uuid.UUID]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for sender_id in sender_ids:
                pipe.incr(_bell_key(sender_id))
                keys, args = self._scripts.promoteArgs(job_id(sender_id))
                await self._scripts.commands["promote"](keys=keys, args=args, client=pipe)
                data = {"sender_id": str(sender_id)}
                options = {**_JOB_OPTIONS, "jobId": job_id(sender_id)}
                job = Job(self._queue, "lane", data, options, job_id(sender_id))
                await self._scripts.addStandardJob(job, job.timestamp, pipe)
            await pipe.execute()

    async def park(self, sender_id: uuid.UUID, *, token: str, wait: timedelta, bell: str) -> Parked:
        """Put the running job to sleep, unless the bell has been rung since it was read."""
        now = round(time.time() * 1000)
        delay = max(0, wait // timedelta(milliseconds=1))
        keys, args = self._scripts.moveToDelayedArgs(
            job_id(sender_id), now, token, delay, {"skipAttempt": True}
        )
        try:
            answer = await self._park(keys=[*keys, _bell_key(sender_id)], args=[*args, "", bell])
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error
        if answer == _RUNG:
            return Parked.RUNG
        return Parked.ASLEEP if answer == 0 else Parked.GONE

    async def jobs(self, sender_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[bool, bool]]:
        """Of each lane: (whether its job is there, whether a worker holds its lock)."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for sender_id in sender_ids:
                    key = f"{PREFIX}:{QUEUE}:{job_id(sender_id)}"
                    pipe.exists(key)
                    pipe.exists(f"{key}:lock")
                found = [bool(n) for n in await pipe.execute()] if sender_ids else []
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error
        return dict(zip(sender_ids, zip(found[::2], found[1::2], strict=True), strict=True))

    async def takes_writes(self) -> None:
        """Raises `QueueRefusesWrites` where Redis takes none."""
        await try_a_write(self._redis)

    async def run_id(self) -> str:
        """Changes whenever the Redis server is started anew."""
        try:
            return str((await self._redis.info("server"))["run_id"])
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error

    async def mark(self) -> bool:
        """Leave a mark in Redis. True when it was gone: Redis is new, or was wiped."""
        try:
            return bool(await self._redis.set(f"{PREFIX}:mark", "1", nx=True))
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error


def _bell_key(sender_id: uuid.UUID) -> str:
    return f"{PREFIX}:bell:{sender_id}"
