"""What became of an owner's emails hour by hour, and the runs that they were planned in.

Each hour is one range of an index, and is counted no further than `MOST`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import JobState

MOST = 10_000  # emails of an hour that are counted
MAX_RUNS = 500

_OF_STATE = """
    SELECT '{state}' AS state, h.hour, s.n
      FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz),
                           interval '1 hour') AS h (hour)
     CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM (
            SELECT 1 FROM email_jobs
             WHERE owner_id = :owner_id AND state = '{state}'
               AND {at} >= h.hour AND {at} < h.hour + interval '1 hour'
             LIMIT :most) x) s
     WHERE s.n > 0
"""
_AT = {
    JobState.SENT: "sent_at",
    JobState.FAILED: "updated_at",
    JobState.IN_DOUBT: "updated_at",
    JobState.CANCELLED: "updated_at",
}
_PER_HOUR = text(" UNION ALL ".join(_OF_STATE.format(state=s, at=at) for s, at in _AT.items()))

_RUNS = text("""
    SELECT c.sender_id, coalesce(greatest(c.start_at, c.launched_at), c.launched_at) AS begins_at,
           c.total - c.cancelled AS emails, c.min_delay_ms, c.hourly_limit,
           s.min_delay_ms AS sender_min_delay_ms, s.hourly_limit AS sender_hourly_limit
      FROM campaigns c JOIN senders s ON s.id = c.sender_id
     WHERE c.owner_id = :owner_id AND c.discarded_at IS NULL AND c.launched_at IS NOT NULL
       AND c.state IN ('active', 'paused', 'completed') AND c.total > c.cancelled
       AND coalesce(c.finished_at, 'infinity') >= :since
     ORDER BY c.id DESC LIMIT :most
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A campaign's emails as its pace, and its sender's, spread them from a start on."""

    sender_id: uuid.UUID
    begins_at: datetime
    emails: int
    min_delay_ms: int
    hourly_limit: int | None
    sender_min_delay_ms: int
    sender_hourly_limit: int | None


async def per_hour(
    session: AsyncSession, owner_id: uuid.UUID, *, since: datetime, until: datetime
) -> dict[JobState, dict[datetime, int]]:
    """How many came to each end in each UTC hour, by its beginning; `MOST`: that many or more.

    `since` and `until` are the beginnings of the first hour and of the last.
    """
    hours = {"owner_id": owner_id, "since": since, "until": until, "most": MOST}
    found: dict[JobState, dict[datetime, int]] = {state: {} for state in _AT}
    for row in await session.execute(_PER_HOUR, hours):
        found[JobState(row.state)][row.hour] = row.n
    return found


async def runs(session: AsyncSession, owner_id: uuid.UUID, *, since: datetime) -> list[Run]:
    """The campaigns that were under way after `since`, the newest first."""
    scope = {"owner_id": owner_id, "since": since, "most": MAX_RUNS}
    return [Run(**row._mapping) for row in await session.execute(_RUNS, scope)]
