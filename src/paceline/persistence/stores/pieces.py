"""What is done to all emails of a campaign, a piece at a time.

A piece is one short statement in a transaction of the caller's: no lock is held for long, no
statement runs into the time limit, and whoever stops half-way goes on where the rows say.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    Select,
    Update,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import WAITING, JobState
from paceline.persistence.models import Campaign, Email, EmailJob
from paceline.persistence.stores.calling_back import called_back
from paceline.persistence.stores.recipients import MAX_SAID

PIECE = 5_000  # emails

_SAY = text("""
    WITH piece AS (
        SELECT id FROM emails WHERE campaign_id = :campaign_id AND id > :after
         ORDER BY id LIMIT :piece),
    said AS (
        UPDATE emails e
           SET subject_values = (
               SELECT nullif(left(string_agg(e.fields ->> f.name, ' '), :most), '')
                 FROM unnest(CAST(:names AS text[])) AS f (name))
          FROM piece p WHERE e.id = p.id
        RETURNING e.id)
    SELECT id FROM said ORDER BY id DESC LIMIT 1
""")
FIRST = uuid.UUID(int=0)


async def say_values(
    session: AsyncSession, campaign_id: uuid.UUID, names: Sequence[str], *, after: uuid.UUID
) -> uuid.UUID | None:
    """Make what the subject takes from these fields searchable; where the piece ended."""
    given = {
        "campaign_id": campaign_id,
        "names": list(names),
        "after": after,
        "piece": PIECE,
        "most": MAX_SAID,
    }
    last: uuid.UUID | None = (await session.execute(_SAY, given)).scalar_one_or_none()
    return last


async def call_back(session: AsyncSession, sender_id: uuid.UUID, campaign_id: uuid.UUID) -> int:
    """Cancel some emails that wait; how many there were. See `calling_back`."""
    waiting = EmailJob.state.in_(sorted(WAITING))
    piece = _of(sender_id, campaign_id, waiting)
    changed = update(EmailJob).where(EmailJob.email_id.in_(piece), waiting).values(called_back())
    return await _count(session, changed)


async def move(
    session: AsyncSession, sender_id: uuid.UUID, campaign_id: uuid.UUID, start_at: datetime
) -> int:
    """Move some emails that nobody has tried yet, and that are due at another time; how many."""
    untried = EmailJob.state == JobState.SCHEDULED
    elsewhere = or_(EmailJob.due_at < start_at, EmailJob.due_at > start_at)
    piece = _of(sender_id, campaign_id, untried, EmailJob.state.in_(sorted(WAITING)), elsewhere)
    changed = (
        update(EmailJob)
        .where(EmailJob.email_id.in_(piece), untried)
        .values(scheduled_at=start_at, due_at=start_at, updated_at=func.clock_timestamp())
    )
    return await _count(session, changed)


async def clear(session: AsyncSession, campaign_id: uuid.UUID) -> int:
    """Remove some emails of a draft that was thrown away, and at the end itself; how many."""
    piece = (
        select(Email.id)
        .where(Email.campaign_id == campaign_id)
        .order_by(Email.id)
        .limit(PIECE)
        .with_for_update(skip_locked=True)
    )
    cleared = await _count(session, delete(Email).where(Email.id.in_(piece)))
    if not cleared:
        left = select(Email.id).where(Email.campaign_id == campaign_id).exists()
        await session.execute(
            delete(Campaign).where(
                Campaign.id == campaign_id, Campaign.discarded_at.is_not(None), ~left
            )
        )
    return cleared


async def thrown_away(session: AsyncSession) -> uuid.UUID | None:
    """A draft that was thrown away and is still there."""
    query = select(Campaign.id).where(Campaign.discarded_at.is_not(None)).limit(1)
    found: uuid.UUID | None = (await session.execute(query)).scalar_one_or_none()
    return found


def _of(
    sender_id: uuid.UUID, campaign_id: uuid.UUID, *conditions: ColumnElement[bool]
) -> Select[uuid.UUID]:
    return (
        select(EmailJob.email_id)
        .where(EmailJob.sender_id == sender_id, EmailJob.campaign_id == campaign_id, *conditions)
        .order_by(EmailJob.due_at, EmailJob.email_id)
        .limit(PIECE)
        .with_for_update(skip_locked=True)  # what is claimed at this moment is on its way
    )


async def _count(session: AsyncSession, statement: Update | Delete) -> int:
    result = await session.execute(statement)
    assert isinstance(result, CursorResult), "a statement that changes rows counts them"
    return result.rowcount
