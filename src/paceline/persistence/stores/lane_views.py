"""Lanes, leases and doubts of the whole installation, for its administrators.

Reads the table of lanes, which has one row per sender, and the partial indexes on leases and on
doubts; never a backlog.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

MAX_DOUBTS = 10_000  # counted; more than that is "more"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRecord:
    """A lane with its sender. `wake_at` None: nothing to do. `key`: its place in the list."""

    sender_id: uuid.UUID
    sender: str
    address: str
    owner: str
    sender_state: str
    sender_reason: str | None
    resting_until: datetime | None
    wake_at: datetime | None
    held_by: str | None
    parked_at: datetime | None
    signal_seq: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """What one run of a worker holds: how many emails, and until when at least."""

    count: int
    first_ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRecord:
    """Emails in doubt: how many, up to `MAX_DOUBTS`, and since when the oldest is."""

    count: int
    oldest_at: datetime | None


_STANDING = """
    CASE WHEN l.wake_at = 'infinity' THEN 'parked'
         WHEN l.wake_at < now() - CAST(:stuck_after AS interval) THEN 'stuck'
         WHEN l.parked_at IS NOT NULL AND l.wake_at > now() THEN 'asleep'
         ELSE 'awake' END
"""

_LANES = """
    SELECT l.sender_id, s.name AS sender, s.from_address AS address,
           coalesce(u.email, u.name) AS owner,
           s.state AS sender_state, s.state_reason AS sender_reason, s.resting_until,
           nullif(l.wake_at, 'infinity') AS wake_at, l.held_by, l.parked_at, l.signal_seq,
           l.wake_at::text AS key
      FROM lanes l JOIN senders s ON s.id = l.sender_id JOIN users u ON u.id = s.owner_id
     WHERE (CAST(:standing AS text) IS NULL OR {standing} = :standing)
       AND (CAST(:after_key AS text) IS NULL
            OR (l.wake_at, l.sender_id)
               > (CAST(CAST(:after_key AS text) AS timestamptz), CAST(:after_id AS uuid)))
     ORDER BY l.wake_at, l.sender_id
     LIMIT :limit
"""

_COUNTS = "SELECT {standing} AS standing, count(*) AS number FROM lanes l GROUP BY 1"

_LEASES = text("""
    SELECT worker_run, count(*) AS number, min(lease_until) AS first_ends_at
      FROM email_jobs
     WHERE state IN ('claimed', 'sending') AND worker_run IS NOT NULL
     GROUP BY worker_run
""")

_DOUBTS = text("""
    SELECT count(*) AS number, min(in_doubt_at) AS oldest_at
      FROM (SELECT in_doubt_at FROM email_jobs WHERE state = 'in_doubt'
             ORDER BY in_doubt_at LIMIT :most) AS oldest
""")


async def lanes(
    session: AsyncSession,
    standing: str | None,
    *,
    after: tuple[str, uuid.UUID] | None,
    limit: int,
    stuck_after: timedelta,
) -> list[LaneRecord]:
    """Lanes of this standing, or all, in the order in which they wake."""
    key, sender_id = after or (None, None)
    given = {
        "standing": standing,
        "after_key": key,
        "after_id": sender_id,
        "limit": limit,
        "stuck_after": stuck_after,
    }
    return [
        LaneRecord(**row) for row in (await session.execute(_of_standing(_LANES), given)).mappings()
    ]


async def count_lanes(session: AsyncSession, *, stuck_after: timedelta) -> Mapping[str, int]:
    """How many there are of each standing."""
    found = await session.execute(_of_standing(_COUNTS), {"stuck_after": stuck_after})
    return {row.standing: row.number for row in found}


async def leases(session: AsyncSession) -> dict[uuid.UUID, LeaseRecord]:
    """What is under way, by the run of the worker that holds it."""
    return {
        row.worker_run: LeaseRecord(count=row.number, first_ends_at=row.first_ends_at)
        for row in await session.execute(_LEASES)
    }


async def doubts(session: AsyncSession) -> DoubtRecord:
    """What is in doubt, of all owners."""
    row = (await session.execute(_DOUBTS, {"most": MAX_DOUBTS})).one()
    return DoubtRecord(count=row.number, oldest_at=row.oldest_at)


def _of_standing(statement: str) -> TextClause:
    return text(statement.format(standing=_STANDING))
