"""Nothing lost and nothing twice, by the sink's log: read line by line, as it may be long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.world import World

BATCH = 20_000
_COUNT = """
    SELECT count(*) AS emails,
           count(*) FILTER (WHERE j.state = 'sent') AS sent,
           count(*) FILTER (WHERE j.state = 'in_doubt') AS in_doubt,
           count(*) FILTER (WHERE j.state = 'sent' AND s.id IS NULL) AS lost,
           count(*) FILTER (WHERE s.copies > 1) AS twice,
           count(*) FILTER (WHERE j.state IN ('failed', 'cancelled') AND s.id IS NOT NULL)
               AS mistaken,
           count(*) FILTER (WHERE j.state NOT IN ('sent', 'in_doubt', 'failed', 'cancelled'))
               AS unfinished
      FROM email_jobs j JOIN emails m ON m.id = j.email_id
      LEFT JOIN (SELECT id, count(*) AS copies FROM seen GROUP BY id) s ON s.id = m.message_id
"""
BAD = ("lost", "twice", "mistaken", "unfinished")


async def counted(world: World, log: Path) -> dict[str, int]:
    """Emails by what came of them; those of `BAD` must be 0. What is in doubt waits for a person
    and has left at most once."""
    async with world.database.driver() as driver:
        await driver.execute("CREATE TEMP TABLE seen (id text)")
        for batch in _accepted(log):
            await driver.copy_records_to_table("seen", records=batch)
        row = await driver.fetchrow(_COUNT)
        await driver.execute("DROP TABLE seen")
    assert row is not None
    return {name: int(number) for name, number in row.items()}


def _accepted(log: Path) -> Iterator[list[tuple[str]]]:
    batch: list[tuple[str]] = []
    with log.open() as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["event"] == "dot" and entry["accepted"]:
                batch.append((entry["id"],))
            if len(batch) == BATCH:
                yield batch
                batch = []
    yield batch
