"""What is held since the database went back: emails in doubt whose last attempt says so.

It is for whoever runs the installation, and so over all owners. Done in pieces, each a transaction
of its own; what is broken off is begun again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

PIECE = 1_000  # emails in one transaction

_HELD = """
      FROM email_jobs j
      JOIN attempts a ON a.email_id = j.email_id AND a.attempt = j.attempt
                     AND a.phase = 'restored' AND a.outcome = 'in_doubt'
      JOIN senders s ON s.id = j.sender_id
      JOIN emails m ON m.id = j.email_id
      LEFT JOIN campaigns c ON c.id = j.campaign_id
     WHERE j.state = 'in_doubt'
"""
_COUNTED = text(f"""
    SELECT c.id AS campaign_id, c.name AS campaign, s.from_address AS sender, count(*) AS emails
    {_HELD} GROUP BY c.id, c.name, s.from_address ORDER BY emails DESC, c.id
""")
_NEXT = text(f"""
    SELECT j.email_id AS id, j.sender_id, j.campaign_id, s.from_address AS sender, m.message_id,
           m.address_key
    {_HELD} AND j.email_id > :after
       AND (CAST(:campaign_id AS uuid) IS NULL OR j.campaign_id = :campaign_id)
       AND (CAST(:sender AS text) IS NULL OR lower(s.from_address) = lower(:sender))
     ORDER BY j.email_id LIMIT :most FOR UPDATE OF j
""")
# What is due later, and nobody touched since all that was due was held.
_LATER = text(f"""
    WITH back AS (SELECT min(a.ended_at) AS at {_HELD})
    SELECT c.id AS campaign_id, c.name AS campaign, s.from_address AS sender, count(*) AS emails,
           min(j.due_at) AS due_at
      FROM email_jobs j
      JOIN back ON j.updated_at < back.at
      JOIN senders s ON s.id = j.sender_id
      LEFT JOIN campaigns c ON c.id = j.campaign_id
     WHERE j.state IN ('deferred', 'scheduled') AND j.due_at > back.at
       AND (j.campaign_id IS NULL OR c.state IN ('active', 'paused', 'completed'))
     GROUP BY c.id, c.name, s.from_address ORDER BY min(j.due_at), c.id
""")  # noqa: S608 - texts of ours
# A campaign is touched even while it is active, so that a completion at that moment is refused.
_RELEASE = text("""
    WITH again AS (
        UPDATE email_jobs j
           SET state = 'deferred', in_doubt_at = NULL, due_at = clock_timestamp(),
               updated_at = clock_timestamp()
         WHERE j.email_id = ANY (:ids) AND j.state = 'in_doubt'
           AND EXISTS (SELECT 1 FROM senders s WHERE s.id = j.sender_id AND s.deleted_at IS NULL)
           AND NOT EXISTS (SELECT 1 FROM campaigns c
                            WHERE c.id = j.campaign_id AND c.state = 'cancelled')
        RETURNING j.email_id, j.sender_id, j.campaign_id),
    reopened AS (
        UPDATE campaigns c SET state = 'active', finished_at = NULL, updated_at = clock_timestamp()
         WHERE c.id IN (SELECT campaign_id FROM again) AND c.state IN ('active', 'completed'))
    SELECT email_id, sender_id FROM again
""")
_DROP = text("""
    UPDATE email_jobs
       SET state = 'failed', failure_reason = 'expired', in_doubt_at = NULL, reply_code = NULL,
           reply_enhanced = NULL, reply_text = 'dropped after the database had gone back',
           updated_at = clock_timestamp()
     WHERE email_id = ANY (:ids) AND state = 'in_doubt'
    RETURNING email_id, sender_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGroup:
    """So many of one campaign (None: single emails) by one sender."""

    campaign_id: uuid.UUID | None
    campaign: str | None
    sender: str
    emails: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterGroup(HeldGroup):
    """Not held: it goes out from `due_at` on."""

    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Of what is held, a campaign's or what comes from an address; both None: all of it."""

    campaign_id: uuid.UUID | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEmail:
    """Where it belongs, and what one is told by in a log or a list."""

    id: uuid.UUID
    sender_id: uuid.UUID
    campaign_id: uuid.UUID | None
    sender: str
    message_id: str
    address_key: str


async def groups(session: AsyncSession) -> list[HeldGroup]:
    """All of them, the largest first."""
    return [HeldGroup(**row._mapping) for row in await session.execute(_COUNTED)]


async def later(session: AsyncSession) -> list[LaterGroup]:
    """What was launched before the database went back and is due after it, the next first.

    Nothing once nothing is held any more.
    """
    return [LaterGroup(**row._mapping) for row in await session.execute(_LATER)]


async def piece(session: AsyncSession, after: uuid.UUID, within: Within) -> list[HeldEmail]:
    """The next of them by id, held still until the transaction ends."""
    bounds = {"campaign_id": within.campaign_id, "sender": within.sender}
    found = await session.execute(_NEXT, {"after": after, "most": PIECE, **bounds})
    return [HeldEmail(**row._mapping) for row in found]


async def release(
    session: AsyncSession, ids: Sequence[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Let them go out now: (email, sender) of those whose sender and campaign still may."""
    return [(r.email_id, r.sender_id) for r in await session.execute(_RELEASE, {"ids": list(ids)})]


async def drop(
    session: AsyncSession, ids: Sequence[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Never send them: (email, sender) of each."""
    return [(r.email_id, r.sender_id) for r in await session.execute(_DROP, {"ids": list(ids)})]
