"""How often something may be asked for in a minute: buckets in Redis, shared by all processes.

They guard the process, not a promise to anybody: while Redis is away each process counts by itself,
which lets through as many times more as there are processes, and keeps nobody out.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from redis.exceptions import RedisError

from paceline import clock
from paceline.observability.troubles import of_requests
from paceline.redis_client import client

SOCKET_TIMEOUT_SECONDS = 0.5
AWAY_SECONDS = 5.0  # for so long Redis is not asked again, and nobody waits for it
MAX_REMEMBERED = 10_000  # buckets of this process
_MINUTE_MS = 60_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`holds`: as many at once, and as many again within a minute."""

    name: str
    holds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is left in the bucket that has the least. `wait_ms` 0: one was taken out of each."""

    holds: int
    remaining: int
    wait_ms: int
    reset_ms: int  # until it is full again


class Buckets:
    """Takes out of buckets."""

    def __init__(self, redis_url: str) -> None:
        self._redis = client(
            redis_url,
            decode_responses=True,
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        )
        script = (files("paceline.limits") / "take.lua").read_text(encoding="utf-8")
        self._take = self._redis.register_script(script)
        self._away_until = 0.0
        self._alone = of_requests(log, "requests are counted by this process alone")
        self._own: OrderedDict[str, float] = OrderedDict()  # when each is full again, ms

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        """One out of each, or nothing of any. Never raises for Redis."""
        if clock.boottime() < self._away_until:
            return self._take_here(buckets)
        try:
            index, remaining, wait, reset = await self._take(
                keys=[f"bucket:{bucket.name}" for bucket in buckets],
                args=[bucket.holds for bucket in buckets],
            )
        except (RedisError, OSError) as error:
            self._alone.met(error)
            self._away_until = clock.boottime() + AWAY_SECONDS
            return self._take_here(buckets)
        self._alone.over()
        holds = buckets[index - 1].holds
        return Taken(holds=holds, remaining=remaining, wait_ms=wait, reset_ms=reset)

    def _take_here(self, buckets: Sequence[Bucket]) -> Taken:
        """The same as the script does."""
        now = clock.boottime() * 1000
        full_at = [
            max(now, self._own.get(bucket.name, 0.0)) + _MINUTE_MS / bucket.holds
            for bucket in buckets
        ]
        left = [
            (int((_MINUTE_MS - (at - now)) * bucket.holds / _MINUTE_MS + 0.001), at, bucket.holds)
            for at, bucket in zip(full_at, buckets, strict=True)
        ]
        for at, bucket in zip(full_at, buckets, strict=True):
            if at - now > _MINUTE_MS + 0.001:
                wait = int(at - now - _MINUTE_MS) + 1
                return Taken(holds=bucket.holds, remaining=0, wait_ms=wait, reset_ms=_MINUTE_MS)
        for at, bucket in zip(full_at, buckets, strict=True):
            self._own[bucket.name] = at
            self._own.move_to_end(bucket.name)
        while len(self._own) > MAX_REMEMBERED:
            self._own.popitem(last=False)
        remaining, at, holds = min(left)
        return Taken(holds=holds, remaining=remaining, wait_ms=0, reset_ms=int(at - now) + 1)
