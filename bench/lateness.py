"""How late single emails are that many senders have to send at moments of their own.

From the moment an email is due to its final dot (its write-ahead), both by PostgreSQL's clock. The
lanes sleep when it begins, as they do for nearly all of their lives.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Sequence
from datetime import timedelta

from bench.processes import Meter
from bench.servers import Servers, SinkProcess
from bench.whole_way import LOOK_SECONDS, Worker
from paceline.persistence.database import Database
from tests.world import World

SETTLED_PER_SECOND = 100  # lanes that have been told, have looked and gone to sleep
DEADLINE_SECONDS = 60.0  # after the last one is due
LATE_MS = """
    SELECT extract(epoch FROM a.dot_at - j.due_at) * 1000 AS ms
      FROM email_jobs j JOIN attempts a USING (email_id) WHERE a.attempt = 1 ORDER BY ms
"""
SPREAD = """
    UPDATE email_jobs j SET due_at = d.due_at, scheduled_at = d.due_at
      FROM (SELECT t.email_id, clock_timestamp() + make_interval(secs => t.seconds) AS due_at
              FROM unnest($1::uuid[], $2::float8[]) AS t (email_id, seconds)) d
     WHERE j.email_id = d.email_id
"""


async def measured(
    servers: Servers, sink: SinkProcess, *, senders: int, emails: int, seconds: float, seed: int
) -> dict[str, float]:
    """So many emails, due at random moments of so many seconds; what came of them, in ms."""
    dice = random.Random(seed)
    database = Database(servers.database_url)
    world = await World.create(database, watched=False)
    lanes = [await world.sender(port=sink.port) for _ in range(senders)]
    worker = Worker(servers)
    try:
        ids = await _scheduled(world, lanes, emails, seconds, dice)
        meter = Meter({"worker": [worker.info], "PostgreSQL": [servers.postgres]})
        async with asyncio.timeout(_settling(senders) + seconds + DEADLINE_SECONDS):
            while await world.fetchval("SELECT count(*) FROM email_jobs WHERE state <> 'sent'"):  # noqa: ASYNC110 - another process' work
                await asyncio.sleep(LOOK_SECONDS)
        used = meter.per(len(ids))
        late = [float(row["ms"]) for row in await world.fetch(LATE_MS)]
        assert len(late) == len(ids)
    finally:
        worker.stop()
        await world.execute("TRUNCATE users CASCADE")
        await database.close()
    return {
        "p50": late[len(late) // 2],
        "p99": late[len(late) * 99 // 100],
        "most": late[-1],
        "earliest": late[0],
        "worker CPU µs": used["worker CPU µs"],
        "PostgreSQL CPU µs": used["PostgreSQL CPU µs"],
    }


async def _scheduled(
    world: World, senders: Sequence[uuid.UUID], emails: int, seconds: float, dice: random.Random
) -> list[uuid.UUID]:
    ids = []
    for n, sender in enumerate(senders[:emails]):
        share = len(range(n, emails, len(senders)))
        ids += await world.emails(sender, None, share, due_in=timedelta(hours=1))
    moments = [_settling(len(senders)) + dice.random() * seconds for _ in ids]
    async with world.database.driver() as driver:
        await driver.execute(SPREAD, ids, moments)
        firsts = await driver.fetch(
            "SELECT sender_id, min(due_at) AS due_at FROM email_jobs GROUP BY sender_id"
        )
    for first in firsts:
        await world.signal(first["sender_id"], first["due_at"])
    return ids


def _settling(senders: int) -> float:
    return 2 + senders / SETTLED_PER_SECOND
