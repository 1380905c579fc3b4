"""What a Redis says about itself: how old it is, what it does when it is full, what it keeps."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from paceline.engine.queue import PREFIX, QueueRefusesWrites, QueueUnavailable, Redis, try_a_write

_REFUSALS = (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    ResponseError,
    ssl.SSLCertVerificationError,
)

# What a Redis answers that will take writes again by itself: as good as away.
_PASSING = ("NOREPLICAS", "MISCONF", "READONLY", "BUSY", "LOADING")
_NO_KEY = f"{PREFIX}:nothing"
# Whose workers are at work with this Redis: of one installation, since lanes have one name.
INSTALLATION = f"{PREFIX}:installation"
INSTALLATION_SECONDS = 15  # after the last of them has said so

# What a user of Redis' access control lists has to be let do; `$` is a key of ours. Read off the
# commands that a Redis has counted under a worker, an API and BullMQ's scripts.
NEEDED = (
    *("multi", "exec", "info", "time", "eval x 1 $", "evalsha x 1 $", "script load x"),
    *("script exists x", "client setname x", "bzpopmin $ 1", "get $", "mget $", "set $ 1"),
    *(
        "del $",
        "exists $",
        "expire $ 1",
        "pttl $",
        "incr $",
        "incrby $ 1",
        "hget $ x",
        "hset $ x 1",
    ),
    *("hmget $ x", "hmset $ x 1", "hsetnx $ x 1", "hexists $ x", "hdel $ x", "hincrby $ x 1"),
    *("hgetall $", "lpush $ 1", "rpoplpush $ $", "lrem $ 0 1", "llen $", "lindex $ 0"),
    *("lrange $ 0 1", "sadd $ 1", "srem $ 1", "smembers $", "zadd $ 1 1", "zrem $ 1", "zcard $"),
    *("zrange $ 0 1", "zrangebyscore $ 0 1", "zrevrange $ 0 1", "zrevrangebyscore $ 1 0"),
    *("zcount $ 0 1", "zpopmin $", "xadd $ * a b", "xtrim $ maxlen 1"),
    # Limits count under names of their own (`paceline.limits`).
    *(f"set {key}:nothing 1" for key in ("email_rate", "email_gap", "campaign_rate", "settled")),
    *(f"set {key}:nothing 1" for key in ("campaign_gap", "single_rate", "single_gap", "bucket")),
)
# Only asks, and changes nothing. Before version 7 there is nobody to ask: a key that never is there
# is taken away, which needs the rights to write, to our keys and to scripts.
_MAY_NOT = """
if redis.acl_check_cmd == nil then
    redis.call('DEL', KEYS[1])
    return {}
end
local lacking = {}
for _, asked in ipairs(ARGV) do
    local words = {}
    for word in string.gmatch(asked, '%S+') do
        words[#words + 1] = word == '$' and KEYS[1] or word
    end
    if not redis.acl_check_cmd(unpack(words)) then
        local key = string.match(asked, '(%S+):nothing')
        lacking[#lacking + 1] = words[1] .. (key and ' ' .. key .. ':*' or '')
    end
end
return lacking
"""


class QueueRefused(QueueUnavailable):
    """Redis answers, and lets us do nothing: the password, the user or the number is wrong."""


class QueueForbids(QueueRefused):
    """Redis lets us in, and not do what we have to."""


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
    waits_for_replicas: bool  # takes no write while too few replicas follow
    now: datetime
    installation: str | None = None  # whose workers are at work with it
    forbidden: tuple[str, ...] = ()  # commands that we need and may not give, or not for our keys
    refuses_writes: str | None = None  # in its words


async def look(redis: Redis) -> QueueCondition:
    """Ask it. Raises `QueueUnavailable`, or `QueueRefused` when waiting will not help."""
    try:
        said = await redis.info()
        seconds, microseconds = await redis.time()
        can_be_asked = said.get("role") != "slave" and not said.get("cluster_enabled", 0)
        forbidden = await _forbidden(redis) if can_be_asked else ()
        may_look = can_be_asked and not forbidden
        installation = await redis.get(INSTALLATION) if may_look else None
        refuses_writes = await _refusal_of_writes(redis) if may_look else None
    except NoPermissionError as error:
        raise QueueForbids(f"Redis: {error}") from error
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
        waits_for_replicas="min_slaves_good_slaves" in said,
        is_cluster=bool(said.get("cluster_enabled", 0)),
        now=datetime.fromtimestamp(int(seconds) + int(microseconds) / 1e6, UTC),
        installation=None if installation is None else str(installation),
        forbidden=forbidden,
        refuses_writes=refuses_writes,
    )


async def _forbidden(redis: Redis) -> tuple[str, ...]:
    try:
        return tuple(map(str, await redis.eval(_MAY_NOT, 1, _NO_KEY, *NEEDED)))
    except ResponseError as error:
        if not _will_pass(error):
            raise
        return ()  # it was no question of rights: that it refuses writes is seen by the next one


async def _refusal_of_writes(redis: Redis) -> str | None:
    try:
        await try_a_write(redis)
    except QueueRefusesWrites as error:
        return str(error)
    return None


def _is_refusal(error: BaseException | None) -> bool:
    if _will_pass(error):
        return False
    while error is not None and not isinstance(error, _REFUSALS):
        error = error.__cause__ or error.__context__
    return error is not None


def _will_pass(error: BaseException | None) -> bool:
    return any(word in str(error) for word in _PASSING)
