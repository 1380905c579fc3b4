"""Figures of the whole installation, for whoever watches it: numbers by state, nothing by person.

Totals come from the campaigns' counters. What has none is read from small indexes, and never past
`MAX_COUNTED`, so that it costs milliseconds however many emails there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import IN_FLIGHT, CampaignState
from paceline.persistence.stores.overview import MAX_COUNTED
from paceline.persistence.tables import in_list
from paceline.persistence.workers import how_many_are_there

# Nobody has woken a lane for so long: three seconds are the keeper's, the rest is for it to work.
STUCK_AFTER_SECONDS = 15
ENDS = ("sent", "failed", "cancelled")  # that campaigns count themselves

_CAMPAIGNS = text("""
    SELECT state, count(*) AS n, sum(total)::bigint AS total, sum(sent)::bigint AS sent,
           sum(failed)::bigint AS failed, sum(cancelled)::bigint AS cancelled
      FROM campaigns WHERE discarded_at IS NULL GROUP BY state
""")
_SINGLE = text("""
    SELECT state, count(*) AS n
      FROM (SELECT state FROM email_jobs WHERE campaign_id IS NULL LIMIT :most) s GROUP BY state
""")
_OF_CAMPAIGNS = """
    SELECT count(*) FROM (
        SELECT 1 FROM email_jobs WHERE {which} AND campaign_id IS NOT NULL LIMIT :most) j
"""
_COUNTED = {
    "in_flight": text(_OF_CAMPAIGNS.format(which=in_list("state", IN_FLIGHT))),
    "deferred": text(_OF_CAMPAIGNS.format(which="state = 'deferred'")),
    "in_doubt": text(_OF_CAMPAIGNS.format(which="state = 'in_doubt'")),
}
_SENDERS = text("SELECT state, count(*) AS n FROM senders WHERE deleted_at IS NULL GROUP BY state")
_LANES = text("""
    SELECT CASE WHEN wake_at < clock_timestamp() - make_interval(secs => :stuck) THEN 'stuck'
                WHEN wake_at < 'infinity' AND parked_at IS NULL THEN 'awake'
                ELSE 'asleep' END AS state,
           held_by, count(*) AS n
      FROM lanes GROUP BY 1, 2
""")
# Of lanes that are awake, or should be, and that nothing holds: what waits there should be going.
_OLDEST_DUE = text("""
    WITH awake AS (
        SELECT l.sender_id
          FROM (SELECT sender_id FROM lanes
                 WHERE wake_at < clock_timestamp() + interval '10 s' AND held_by IS NULL
                 ORDER BY wake_at LIMIT 200) l
          JOIN senders s ON s.id = l.sender_id
         WHERE s.state = 'active' AND s.deleted_at IS NULL
           AND (s.resting_until IS NULL OR s.resting_until < clock_timestamp())),
    earliest AS (
        SELECT (SELECT min(j.due_at) FROM email_jobs j
                 WHERE j.sender_id = c.sender_id AND j.campaign_id = c.id
                   AND j.state IN ('deferred', 'scheduled')) AS due_at
          FROM campaigns c
         WHERE c.sender_id IN (SELECT sender_id FROM awake)
           AND c.state = 'active' AND c.moving_to IS NULL
        UNION ALL
        SELECT (SELECT min(j.due_at) FROM email_jobs j
                 WHERE j.sender_id = a.sender_id AND j.campaign_id IS NULL
                   AND j.state IN ('deferred', 'scheduled'))
          FROM awake a)
    SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - min(due_at)), 0), 0)::float8
      FROM earliest
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationFigures:
    """One look."""

    emails: Mapping[str, int]  # by state; drafts' apart, claimed and sending together
    campaigns: Mapping[str, int]
    senders: Mapping[str, int]
    lanes: Mapping[str, int]  # asleep, awake, stuck
    holds: Mapping[str, int]  # lanes, by what holds them
    workers: int
    oldest_due_seconds: float


async def look(session: AsyncSession) -> InstallationFigures:
    """Read them."""
    campaigns = {row.state: row for row in await session.execute(_CAMPAIGNS)}
    single = {r.state: r.n for r in await session.execute(_SINGLE, {"most": MAX_COUNTED})}
    counted = {
        name: (await session.execute(statement, {"most": MAX_COUNTED})).scalar_one()
        for name, statement in _COUNTED.items()
    }
    lanes = list(await session.execute(_LANES, {"stuck": STUCK_AFTER_SECONDS}))
    return InstallationFigures(
        emails=_emails(campaigns, single, counted),
        campaigns={state: row.n for state, row in campaigns.items()},
        senders={row.state: row.n for row in await session.execute(_SENDERS)},
        lanes=_summed((row.state, row.n) for row in lanes),
        holds=_summed((row.held_by, row.n) for row in lanes if row.held_by is not None),
        workers=await how_many_are_there(session),
        oldest_due_seconds=(await session.execute(_OLDEST_DUE)).scalar_one(),
    )


def _emails(
    campaigns: Mapping[str, Row[Any]], single: Mapping[str, int], counted: Mapping[str, int]
) -> dict[str, int]:
    draft = campaigns.get(CampaignState.DRAFT)
    drafts = 0 if draft is None else draft.total - draft.sent - draft.failed - draft.cancelled
    ended = {name: sum(getattr(row, name) for row in campaigns.values()) for name in ENDS}
    total = sum(row.total for row in campaigns.values())
    waiting = total - sum(ended.values()) - sum(counted.values()) - drafts
    emails = Counter({"draft": drafts, "scheduled": max(0, waiting), **ended, **counted})
    for state, n in single.items():
        emails["in_flight" if state in IN_FLIGHT else state] += n
    return dict(emails)


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    summed: Counter[str] = Counter()
    for name, n in pairs:
        summed[name] += n
    return dict(summed)
