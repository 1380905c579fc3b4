"""What is watched for hours: the memory and files of processes, connections, sizes."""

from __future__ import annotations

from contextlib import suppress

import psutil
import redis.asyncio
from redis.exceptions import RedisError

from paceline.errors import OperationalError
from tests.faults.case import Case
from tests.soak.steady import Allowance

MB = 2**20
# What is kept of an email stays as large; with it the tables of the work itself, which all churn.
SERIES = {
    "api RSS, MB": Allowance(0.05, 6),
    "worker RSS, MB": Allowance(0.05, 6),
    "api file descriptors": Allowance(0.1, 6),
    "worker file descriptors": Allowance(0.1, 6),
    "PostgreSQL connections": Allowance(0.1, 6),
    "Redis clients": Allowance(0.1, 6),
    "Redis memory, MB": Allowance(0.05, 1),
    "table bytes per email": Allowance(0.05, 0),
    "index bytes per email": Allowance(0.1, 0),
    "small tables, MB": Allowance(0.1, 2),
}
# `history` and `sender_history` are the judge's own.
_SIZES = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS backends,
           (SELECT count(*) FROM emails) AS emails,
           sum(pg_table_size(c.oid)) FILTER (WHERE large)::float8 AS tables,
           sum(pg_indexes_size(c.oid)) FILTER (WHERE large)::float8 AS indexes,
           sum(pg_total_relation_size(c.oid)) FILTER (WHERE NOT large)::float8 AS small
      FROM (SELECT oid, relname IN ('emails', 'email_jobs', 'attempts') AS large
              FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
               AND relname NOT IN ('history', 'sender_history')) c
"""


async def sample(case: Case, *, api: psutil.Process, worker: psutil.Process) -> dict[str, float]:
    """One of each, but for what a server that is away cannot tell."""
    found: dict[str, float] = {}
    for name, process in (("api", api), ("worker", worker)):
        with process.oneshot():
            found[f"{name} RSS, MB"] = process.memory_info().rss / MB
            found[f"{name} file descriptors"] = process.num_fds()
    with suppress(OperationalError):
        row = (await case.world.fetch(_SIZES))[0]
        found["PostgreSQL connections"] = row["backends"]
        found["small tables, MB"] = row["small"] / MB
        if row["emails"]:
            found["table bytes per email"] = row["tables"] / row["emails"]
            found["index bytes per email"] = row["indexes"] / row["emails"]
    with suppress(RedisError, OSError):
        url = case.stage.redis_url(case.redis_number)
        async with redis.asyncio.Redis.from_url(url) as connection:
            told = await connection.info()
        found["Redis memory, MB"] = told["used_memory"] / MB
        found["Redis clients"] = told["connected_clients"]
    return found
