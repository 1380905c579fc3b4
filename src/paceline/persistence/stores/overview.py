"""An owner's figures. Totals come from the campaigns' counters; only single emails are counted.

What is counted live is read from small indexes, and never past `MAX_COUNTED`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import EmailList

MAX_COUNTED = 100_000  # of anything that has no counter; more is shown as this many


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many emails there are, by what became of them."""

    total: int
    sent: int
    failed: int
    cancelled: int
    in_doubt: int
    drafted: int  # of `total`: those of campaigns that nobody has launched

    def of(self, which: EmailList) -> int:
        """How many one list holds. What is left is scheduled, and read a moment apart."""
        if which is EmailList.SCHEDULED:
            over = self.sent + self.failed + self.cancelled + self.in_doubt
            return max(self.total - over, 0)
        return int(getattr(self, which))


_OF_CAMPAIGNS = text("""
    SELECT coalesce(sum(total), 0)::bigint AS total, coalesce(sum(sent), 0)::bigint AS sent,
           coalesce(sum(failed), 0)::bigint AS failed,
           coalesce(sum(cancelled), 0)::bigint AS cancelled,
           coalesce(sum(total - sent - failed - cancelled)
                    FILTER (WHERE state = 'draft'), 0)::bigint AS drafted
      FROM campaigns
     WHERE owner_id = :owner_id AND discarded_at IS NULL
       AND (CAST(:sender_id AS uuid) IS NULL OR sender_id = :sender_id)
       AND (CAST(:campaign_id AS uuid) IS NULL OR id = :campaign_id)
""")

# Single emails by state, through an index of their own.
_SINGLE = text("""
    SELECT state, count(*) AS n
      FROM (SELECT state FROM email_jobs
             WHERE campaign_id IS NULL AND owner_id = :owner_id
               AND (CAST(:sender_id AS uuid) IS NULL OR sender_id = :sender_id) LIMIT :most) s
     GROUP BY state
""")

_IN_DOUBT = text("""
    SELECT count(*) FROM (
        SELECT 1 FROM email_jobs
         WHERE state = 'in_doubt' AND owner_id = :owner_id AND campaign_id IS NOT NULL
           AND (CAST(:sender_id AS uuid) IS NULL OR sender_id = :sender_id)
           AND (CAST(:campaign_id AS uuid) IS NULL OR campaign_id = :campaign_id)
         LIMIT :most) d
""")

_SENT_SINCE = text("""
    SELECT count(*) FROM (
        SELECT 1 FROM email_jobs
         WHERE owner_id = :owner_id AND state = 'sent' AND sent_at >= :since
         LIMIT :most) s
""")

# One range of an index for each hour: a large campaign has a hundred thousand emails in two days.
# Backwards, so that no hour is counted beyond the last ones that are asked for.
_SENT_PER_HOUR = text("""
    SELECT h.hour, s.n
      FROM (SELECT generate_series(CAST(:until AS timestamptz), CAST(:since AS timestamptz),
                                   interval '-1 hour') AS hour
             ORDER BY 1 DESC) AS h
     CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM email_jobs
         WHERE campaign_id = :campaign_id AND state = 'sent'
           AND sent_at >= h.hour AND sent_at < h.hour + interval '1 hour') s
     WHERE s.n > 0 ORDER BY h.hour DESC LIMIT :most
""")

_AHEAD = """
    SELECT count(*) FROM (
        SELECT 1 FROM email_jobs j
         WHERE j.sender_id = :sender_id AND j.campaign_id {is_its_campaign}
           AND j.state IN ('deferred', 'scheduled')
           AND (j.due_at, j.email_id) < (:due_at, :email_id)
         LIMIT :most) a
"""
# Two statements, because `IS NOT DISTINCT FROM` cannot use the index.
_AHEAD_IN_CAMPAIGN = text(_AHEAD.format(is_its_campaign="= :campaign_id"))
_AHEAD_SINGLE = text(_AHEAD.format(is_its_campaign="IS NULL"))


async def totals(
    session: AsyncSession,
    owner_id: uuid.UUID,
    *,
    campaign_id: uuid.UUID | None = None,
    sender_id: uuid.UUID | None = None,
) -> Totals:
    """Over all campaigns and single emails, or one sender's, or one campaign's."""
    scope = {"owner_id": owner_id, "sender_id": sender_id, "most": MAX_COUNTED}
    single: dict[str, int] = {}
    if campaign_id is None:
        single = {row.state: row.n for row in await session.execute(_SINGLE, scope)}
    scope["campaign_id"] = campaign_id
    campaigns = (await session.execute(_OF_CAMPAIGNS, scope)).one()
    in_doubt = (await session.execute(_IN_DOUBT, scope)).scalar_one()
    return Totals(
        total=campaigns.total + sum(single.values()),
        sent=campaigns.sent + single.get("sent", 0),
        failed=campaigns.failed + single.get("failed", 0),
        cancelled=campaigns.cancelled + single.get("cancelled", 0),
        in_doubt=in_doubt + single.get("in_doubt", 0),
        drafted=campaigns.drafted,
    )


async def sent_since(session: AsyncSession, owner_id: uuid.UUID, since: datetime) -> int:
    """How many were sent since then."""
    scope = {"owner_id": owner_id, "since": since, "most": MAX_COUNTED}
    return int((await session.execute(_SENT_SINCE, scope)).scalar_one())


async def sent_per_hour(
    session: AsyncSession,
    campaign_id: uuid.UUID,
    *,
    since: datetime,
    until: datetime,
    most: int,
) -> list[tuple[datetime, int]]:
    """How many of a campaign's emails were accepted in each UTC hour, the oldest first.

    `since` and `until` are the beginnings of the first hour and of the last. Of the hours in which
    some were, the last `most`.
    """
    hours = {"campaign_id": campaign_id, "since": since, "until": until, "most": most}
    rows = list(await session.execute(_SENT_PER_HOUR, hours))
    return [(row.hour, row.n) for row in reversed(rows)]


async def ahead_of(
    session: AsyncSession,
    *,
    sender_id: uuid.UUID,
    campaign_id: uuid.UUID | None,
    due_at: datetime,
    email_id: uuid.UUID,
) -> int | None:
    """How many emails of the same campaign go before this one; None: more than are counted."""
    place: dict[str, object] = {
        "sender_id": sender_id,
        "due_at": due_at,
        "email_id": email_id,
        "most": MAX_COUNTED,
    }
    statement = _AHEAD_SINGLE
    if campaign_id is not None:
        statement, place["campaign_id"] = _AHEAD_IN_CAMPAIGN, campaign_id
    n = int((await session.execute(statement, place)).scalar_one())
    return None if n == MAX_COUNTED else n


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A campaign that has come to its end, with what became of its emails."""

    id: uuid.UUID
    name: str
    total: int
    sent: int
    failed: int
    finished_at: datetime


_FINISHED = text("""
    SELECT id, name, total, sent, failed, finished_at FROM campaigns
     WHERE owner_id = :owner_id AND state = 'completed' AND discarded_at IS NULL AND NOT is_test
       AND finished_at > :since
     ORDER BY finished_at DESC, id LIMIT :most
""")


async def finished(
    session: AsyncSession, owner_id: uuid.UUID, *, since: datetime, most: int
) -> list[Finished]:
    """Campaigns that were completed since then, the latest first."""
    rows = await session.execute(_FINISHED, {"owner_id": owner_id, "since": since, "most": most})
    return [Finished(**row._mapping) for row in rows]
