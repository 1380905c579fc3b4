"""What a Redis says about itself: how old it is, what it does when it is full, what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from paceline.engine.queue import QueueUnavailable, Redis

_REFUSALS = (AuthenticationError, AuthorizationError, NoPermissionError, ResponseError)


class QueueRefused(QueueUnavailable):
    """Redis answers, and lets us do nothing: the password, the user or the number is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCondition:
    """One look."""

    version: tuple[int, ...]  # (7, 2, 4)
    eviction: str  # maxmemory-policy
    max_octets: int  # 0: no limit
    used_octets: int
    keeps_a_log: bool  # append-only file
    is_replica: bool
    is_cluster: bool
    now: datetime


async def look(redis: Redis) -> QueueCondition:
    """Ask it. Raises `QueueUnavailable`, or `QueueRefused` when waiting will not help."""
    try:
        said = await redis.info()
        seconds, microseconds = await redis.time()
    except (RedisError, OSError) as error:
        # What is answered while connecting comes as an error of the connection, with its cause.
        family = QueueRefused if _is_refusal(error) else QueueUnavailable
        raise family(f"Redis: {error}") from error
    return QueueCondition(
        version=tuple(
            int(part) for part in str(said["redis_version"]).split(".") if part.isdigit()
        ),
        eviction=str(said.get("maxmemory_policy", "noeviction")),
        max_octets=int(said.get("maxmemory", 0)),
        used_octets=int(said.get("used_memory", 0)),
        keeps_a_log=bool(said.get("aof_enabled", 0)),
        is_replica=said.get("role") == "slave",
        is_cluster=bool(said.get("cluster_enabled", 0)),
        now=datetime.fromtimestamp(int(seconds) + int(microseconds) / 1e6, UTC),
    )


def _is_refusal(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, _REFUSALS):
        error = error.__cause__ or error.__context__
    return error is not None
