"""Many senders that write seldom, on one worker: `python -m bench.sparse --lanes 10000`.

What a lane that sleeps costs Redis, what a round of the keeper asks PostgreSQL, how long a worker
takes to put all lanes to bed that a wiped Redis has woken, and how late single emails are among
them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import time

import redis.asyncio

from bench.lateness import LATE_MS, SPREAD
from bench.processes import rss_mb
from bench.servers import Servers, SinkProcess, servers, sink
from bench.whole_way import LOOK_SECONDS, Worker
from paceline.engine.keeper import GRACE
from paceline.persistence.database import Database
from paceline.persistence.lanes import Lanes
from tests.world import World

EMAILS = 500
SECONDS = 20.0
ROUNDS = 50
DEADLINE_SECONDS = 900.0
# A sender, its lane, and one email that is due in an hour; all in one transaction.
_FILL = """
    WITH s AS (
        INSERT INTO senders (id, owner_id, name, from_address, smtp_host, smtp_port, smtp_security)
        SELECT uuidv7(), $1, 'Sender ' || n, 'news' || n || '@example.com', '127.0.0.1', $3, 'none'
          FROM generate_series(1, $2) n RETURNING id),
    l AS (
        INSERT INTO lanes (sender_id, signal_seq, wake_at)
        SELECT id, 1, clock_timestamp() + interval '1 hour' FROM s),
    e AS (
        INSERT INTO emails (id, owner_id, sender_id, address, address_key, subject, text_body,
                            message_id, search)
        SELECT uuidv7(), $1, id, 'r@example.org', 'r@example.org', 'Single', 'Just this',
               '<' || id || '@example.com>', ''::tsvector FROM s
        RETURNING id, sender_id)
    INSERT INTO email_jobs (email_id, owner_id, sender_id, scheduled_at, due_at)
    SELECT id, $1, sender_id, now() + interval '1 hour', now() + interval '1 hour' FROM e
"""
_ASLEEP = "SELECT count(*) FROM lanes WHERE parked_at IS NOT NULL"


async def measured(
    private: Servers, taking: SinkProcess, *, lanes: int, emails: int, seconds: float
) -> dict[str, float]:
    """One worker among so many lanes; `emails` of them get one that is due within `seconds`."""
    database = Database(private.database_url)
    world = await World.create(database, watched=False)
    try:
        await world.execute(_FILL, world.owner_id, lanes, taking.port)
        await world.execute("ANALYZE lanes, emails, email_jobs, senders")
        before = await _redis_bytes(private)
        worker = Worker(private)
        try:
            begun = time.perf_counter()
            await _until(world, _ASLEEP, lanes)
            settling = time.perf_counter() - begun
            grown = await _redis_bytes(private) - before
            keeping = await _keeping(database)
            late = await _lateness(world, min(emails, lanes), seconds)
            memory = rss_mb([worker.info])
        finally:
            worker.stop()
    finally:
        await database.close()
    return {
        "lanes": lanes,
        "Redis bytes per lane": grown / lanes,
        "all lanes asleep after a start, s": settling,
        "the keeper's look at lanes, ms": keeping,
        "lateness p50, ms": late[len(late) // 2],
        "lateness p99, ms": late[len(late) * 99 // 100],
        "lateness most, ms": late[-1],
        "worker RSS, MB": memory,
    }


async def _redis_bytes(private: Servers) -> float:
    async with redis.asyncio.Redis.from_url(private.redis_url) as connection:
        return float((await connection.info("memory"))["used_memory"])


async def _keeping(database: Database) -> float:
    """The median of the one statement of a round that reads lanes, in ms."""
    store, took = Lanes(database), []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await store.overdue(grace=GRACE)
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


async def _lateness(world: World, emails: int, seconds: float) -> list[float]:
    dice = random.Random(1)
    rows = await world.fetch("SELECT email_id, sender_id FROM email_jobs ORDER BY email_id")
    chosen = dice.sample(rows, emails)
    moments = [2 + dice.random() * seconds for _ in chosen]
    await world.execute(SPREAD, [row["email_id"] for row in chosen], moments)
    due = await world.fetch(
        "SELECT sender_id, due_at FROM email_jobs WHERE email_id = ANY ($1)",
        [row["email_id"] for row in chosen],
    )
    for row in due:
        await world.signal(row["sender_id"], row["due_at"])
    await _until(world, "SELECT count(*) FROM email_jobs WHERE state = 'sent'", emails)
    return [float(row["ms"]) for row in await world.fetch(LATE_MS)]


async def _until(world: World, counted: str, wanted: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await world.fetchval(counted) < wanted:  # noqa: ASYNC110 - another process' work
            await asyncio.sleep(LOOK_SECONDS)


def main() -> None:
    """Print them, with the load of the machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=10_000)
    given = parser.parse_args()
    with servers() as private, sink() as taking:
        found = asyncio.run(
            measured(private, taking, lanes=given.lanes, emails=EMAILS, seconds=SECONDS)
        )
    print(json.dumps({**found, "load average": os.getloadavg()}, indent=2))


if __name__ == "__main__":
    main()
