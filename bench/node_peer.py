"""BullMQ + Prisma + Nodemailer, as email schedulers are usually built, over the same whole way.

Same PostgreSQL, Redis, sink, letter and number of connections as ours. One BullMQ job per email:
read the row, count it in Redis, send it over a pool of kept connections, update the row. What it
does not do is told beside the figures (`bench/report.py`).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

import psutil

from bench.client import BODY, CONNECTIONS
from bench.node_tools import HERE
from bench.processes import Meter, rss_mb
from bench.servers import Servers, SinkProcess
from hatch_build import Toolchain
from paceline.persistence.database import Database

LOOK_SECONDS = 0.05
DEADLINE_SECONDS = 120
CONCURRENCY = 128  # jobs at once: the best of 16, 32, 64 and 128
DATABASE_CONNECTIONS = 16
REDIS_DATABASE = 1  # beside ours
# The share of the emails that is sent before the clock starts: V8 compiles what it sees often, and
# the first 2,000 emails cost nearly twice as much as those after them.
WARM_UP = 1 / 3

_TABLE = """
    DROP TABLE IF EXISTS peer_emails;
    CREATE TABLE peer_emails (
        id text PRIMARY KEY, sender_id text NOT NULL, from_address text NOT NULL,
        to_address text NOT NULL, subject text NOT NULL, body text NOT NULL,
        status text NOT NULL DEFAULT 'SCHEDULED', scheduled_at timestamptz NOT NULL,
        sent_at timestamptz, message_id text, error text);
    CREATE INDEX peer_emails_status ON peer_emails (status)
"""
_ROWS = """
    INSERT INTO peer_emails (id, sender_id, from_address, to_address, subject, body, scheduled_at)
    SELECT gen_random_uuid()::text, 'sender', 'news@example.com', 'reader' || n || '@example.org',
           'Hello reader' || n, 'Dear reader' || n || E',\\r\\n\\r\\n' || $2, now()
      FROM generate_series(1, $1::int) AS n
"""


async def measured(
    tools: Toolchain, servers: Servers, sink: SinkProcess, *, count: int, processes: int
) -> dict[str, float]:
    """Emails per second, once it has warmed up, until the last row says SENT."""
    env = {**tools.env, "NODE_ENV": "production", "PEER_SETTINGS": _settings(servers, sink)}
    async with _rows(servers, count) as database:
        await asyncio.to_thread(_enqueue, tools, env)
        with ExitStack() as stack:
            workers = [stack.enter_context(_worker(tools, env)) for _ in range(processes)]
            for worker in workers:
                assert worker.stdout is not None
                assert await asyncio.to_thread(worker.stdout.readline) == "ready\n"
            return await _timed(workers, database, servers, sink, count=count)


async def _timed(
    workers: Sequence[subprocess.Popen[str]],
    database: Database,
    servers: Servers,
    sink: SinkProcess,
    *,
    count: int,
) -> dict[str, float]:
    infos, before = [psutil.Process(worker.pid) for worker in workers], sink.taken()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    begun_with = await _until_sent(database, int(count * WARM_UP))
    meter = Meter(
        {
            "worker": infos,
            "PostgreSQL": [servers.postgres],
            "Redis": [servers.redis],
            "sink": [sink.info],
        }
    )
    figures = meter.per(await _until_sent(database, count) - begun_with)
    assert sink.taken() - before == count
    return {**figures, "worker RSS MB": rss_mb(infos)}


async def _until_sent(database: Database, count: int) -> int:
    """Wait until so many rows say SENT; how many do by then."""
    query = "SELECT count(*) FROM peer_emails WHERE status = 'SENT'"
    async with asyncio.timeout(DEADLINE_SECONDS), database.driver() as driver:
        sent: int = await driver.fetchval(query)
        while sent < count:
            await asyncio.sleep(LOOK_SECONDS)
            sent = await driver.fetchval(query)
    return sent


@asynccontextmanager
async def _rows(servers: Servers, count: int) -> AsyncIterator[Database]:
    database = Database(servers.database_url)
    try:
        async with database.driver() as driver:
            await driver.execute(_TABLE)
            await driver.execute(_ROWS, count, BODY.decode())
            await driver.execute("ANALYZE peer_emails")
        yield database
        async with database.driver() as driver:
            await driver.execute("DROP TABLE peer_emails")
    finally:
        await database.close()


@contextmanager
def _worker(tools: Toolchain, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*tools.node, "worker.mjs"],
        cwd=HERE,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            yield worker
        finally:
            worker.terminate()


def _enqueue(tools: Toolchain, env: Mapping[str, str]) -> None:
    subprocess.run([*tools.node, "enqueue.mjs"], cwd=HERE, env=env, check=True)


def _settings(servers: Servers, sink: SinkProcess) -> str:
    postgres, redis = urlsplit(servers.database_url), urlsplit(servers.redis_url)
    return json.dumps(
        {
            "postgres": {
                "host": parse_qs(postgres.query)["host"][0],
                "user": postgres.username,
                "database": postgres.path.lstrip("/"),
            },
            "redisSocket": unquote(redis.path),
            "redisDatabase": REDIS_DATABASE,
            "databaseConnections": DATABASE_CONNECTIONS,
            "smtpPort": sink.port,
            "smtpConnections": CONNECTIONS,
            "concurrency": CONCURRENCY,
            "hourlyLimit": 10_000_000,
        }
    )
