"""What waits, queue by queue: the emails of one campaign, or the single ones of a sender.

Each queue is one look into an index for the email that goes next, however many stand behind it;
those on their way are few, and have an index of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MAX_QUEUES = 5_000  # looked at for one owner


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRecord:
    """A queue, and all that may hold it. `campaign_id` None: a sender's single emails.

    `state` and `due_at` are those of the email that goes next; None: nothing waits. Of those that
    are on their way: how many, and since when the first and the last of them are.
    """

    campaign_id: uuid.UUID | None
    campaign_name: str | None
    campaign_state: str | None
    campaign_hourly_limit: int | None
    campaign_min_delay_ms: int | None
    sender_id: uuid.UUID
    sender_address: str
    sender_state: str
    sender_state_reason: str | None
    sender_hourly_limit: int | None
    sender_min_delay_ms: int
    sender_host: str
    resting_until: datetime | None
    unreached_since: datetime | None
    lane_held_by: str | None
    lane_wake_at: datetime | None
    state: str | None
    due_at: datetime | None
    on_their_way: int = 0
    first_since: datetime | None = None
    last_since: datetime | None = None


_NEXT = """
    SELECT q.campaign_id, q.campaign_name, q.campaign_state, q.campaign_hourly_limit,
           q.campaign_min_delay_ms, s.id AS sender_id, s.from_address AS sender_address,
           s.state AS sender_state, s.state_reason AS sender_state_reason,
           s.hourly_limit AS sender_hourly_limit, s.min_delay_ms AS sender_min_delay_ms,
           s.smtp_host AS sender_host, s.resting_until, s.unreached_since,
           l.held_by AS lane_held_by,
           nullif(l.wake_at, 'infinity') AS lane_wake_at,
           n.state, coalesce(q.moving_to, n.due_at) AS due_at
      FROM ({queues}) q
      JOIN senders s ON s.id = q.sender_id
      LEFT JOIN lanes l ON l.sender_id = s.id
      LEFT JOIN LATERAL (
           SELECT j.state, j.due_at FROM email_jobs j
            WHERE j.sender_id = q.sender_id AND j.campaign_id {is_its}
              AND j.state IN ('deferred', 'scheduled')
            ORDER BY j.due_at, j.email_id LIMIT 1) n ON true
"""
_CAMPAIGNS = """
    SELECT c.id AS campaign_id, c.name AS campaign_name, c.state AS campaign_state,
           c.sender_id, c.moving_to, c.hourly_limit AS campaign_hourly_limit,
           c.min_delay_ms AS campaign_min_delay_ms
      FROM campaigns c
     WHERE c.owner_id = :owner_id AND c.discarded_at IS NULL AND {which}
"""
_SINGLE = """
    SELECT CAST(NULL AS uuid) AS campaign_id, CAST(NULL AS text) AS campaign_name,
           CAST(NULL AS text) AS campaign_state,
           o.id AS sender_id, CAST(NULL AS timestamptz) AS moving_to,
           CAST(NULL AS int) AS campaign_hourly_limit, CAST(NULL AS int) AS campaign_min_delay_ms
      FROM senders o WHERE o.owner_id = :owner_id AND o.deleted_at IS NULL
"""
_OPEN = "c.state IN ('active', 'paused') ORDER BY c.state, c.id DESC LIMIT :most"
_OF_CAMPAIGNS = text(
    _NEXT.format(queues=_CAMPAIGNS.format(which="c.id = ANY (:ids)"), is_its="= q.campaign_id")
)
_OPEN_CAMPAIGNS = text(
    _NEXT.format(queues=_CAMPAIGNS.format(which=_OPEN), is_its="= q.campaign_id")
)
_SINGLES = text(_NEXT.format(queues=_SINGLE, is_its="IS NULL"))

_ON_THEIR_WAY = text("""
    SELECT campaign_id, sender_id, count(*) AS on_their_way, min(updated_at) AS first_since,
           max(updated_at) AS last_since
      FROM email_jobs
     WHERE state IN ('claimed', 'sending') AND owner_id = :owner_id
     GROUP BY 1, 2
""")
_DRAFTS = text("""
    SELECT EXISTS (SELECT 1 FROM campaigns c
                    WHERE c.owner_id = :owner_id AND c.discarded_at IS NULL
                      AND c.state = 'draft' AND c.total > 0)
""")


async def of_campaigns(
    session: AsyncSession, owner_id: uuid.UUID, campaign_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, QueueRecord]:
    """The queue of each of these campaigns of the owner's."""
    scope = {"owner_id": owner_id, "ids": list(campaign_ids)}
    rows = list(await session.execute(_OF_CAMPAIGNS, scope)) if campaign_ids else []
    under_way = await _on_their_way(session, owner_id)
    return {row.campaign_id: _record(row, under_way) for row in rows}


async def of_owner(session: AsyncSession, owner_id: uuid.UUID) -> list[QueueRecord]:
    """Every queue of campaigns that are under way, and of single emails of each sender."""
    scope = {"owner_id": owner_id, "most": MAX_QUEUES}
    rows = list(await session.execute(_OPEN_CAMPAIGNS, scope))
    rows += await session.execute(_SINGLES, {"owner_id": owner_id})
    under_way = await _on_their_way(session, owner_id)
    return [_record(row, under_way) for row in rows]


async def is_any_drafted(session: AsyncSession, owner_id: uuid.UUID) -> bool:
    """Whether a draft has recipients."""
    return bool((await session.execute(_DRAFTS, {"owner_id": owner_id})).scalar_one())


UnderWay = dict[tuple[uuid.UUID | None, uuid.UUID], dict[str, Any]]


async def _on_their_way(session: AsyncSession, owner_id: uuid.UUID) -> UnderWay:
    rows = await session.execute(_ON_THEIR_WAY, {"owner_id": owner_id})
    found: UnderWay = {}
    for row in rows:
        values = dict(row._mapping)
        found[values.pop("campaign_id"), values.pop("sender_id")] = values
    return found


def _record(row: Any, under_way: UnderWay) -> QueueRecord:
    its = under_way.get((row.campaign_id, row.sender_id), {})
    return QueueRecord(**row._mapping, **its)
