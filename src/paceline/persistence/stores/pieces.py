"""What is done to all emails of a campaign, a piece at a time.

A piece is one short statement in a transaction of the caller's: no lock is held for long, no
statement runs into the time limit, and whoever stops half-way goes on where the rows say.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

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
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import WAITING, JobState
from paceline.persistence.database import driver_of
from paceline.persistence.lanes import signal
from paceline.persistence.models import Campaign, Email, EmailJob
from paceline.persistence.searching import mark_of, marked
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores.calling_back import called_back
from paceline.persistence.stores.recipients import said_of

PIECE = 5_000  # emails
MAX_MOVING = 20  # campaigns that are looked at for one whose turn is free

_SAY = """
    UPDATE emails e SET search = array_to_tsvector(string_to_array(s.words, ' '))
      FROM unnest($1::uuid[], $2::text[]) AS s (id, words) WHERE e.id = s.id
"""
FIRST = uuid.UUID(int=0)
# The second says nothing new, but it is what the index on waiting emails asks for.
_UNTRIED = (EmailJob.state == JobState.SCHEDULED, EmailJob.state.in_(sorted(WAITING)))


async def say_values(
    session: AsyncSession, campaign_id: uuid.UUID, names: Sequence[str], *, after: uuid.UUID
) -> uuid.UUID | None:
    """Make what the subject takes from these fields searchable; where the piece ended."""
    piece = (
        select(Email.id, Email.owner_id, Email.address_key, Email.name, Email.fields)
        .where(Email.campaign_id == campaign_id, Email.id > after)
        .order_by(Email.id)
        .limit(PIECE)
    )
    rows = (await session.execute(piece)).all()
    if not rows:
        return None
    async with thinking(session):
        words = await asyncio.to_thread(
            lambda: [
                marked(mark_of(row.owner_id), said_of(row.address_key, row.name, row.fields, names))
                for row in rows
            ]
        )
    driver = await driver_of(session)
    await driver.execute(_SAY, [row.id for row in rows], words)
    last: uuid.UUID = rows[-1].id
    return last


async def call_back(session: AsyncSession, sender_id: uuid.UUID, campaign_id: uuid.UUID) -> int:
    """Cancel some emails that wait; how many there were. See `calling_back`."""
    waiting = EmailJob.state.in_(sorted(WAITING))
    piece = _ids(_of(sender_id, campaign_id, waiting))
    changed = update(EmailJob).where(EmailJob.email_id.in_(piece), waiting).values(called_back())
    return await _count(session, changed)


async def move(session: AsyncSession, campaign_id: uuid.UUID) -> int:
    """Move some emails that nobody has tried yet to where their campaign is moving; how many.

    Whoever calls it has the campaign's turn. When all have moved the campaign is let go again.
    """
    moving = select(Campaign.sender_id, Campaign.moving_to).where(Campaign.id == campaign_id)
    sender_id, start_at = (await session.execute(moving)).one()
    if start_at is None:
        return 0
    # Two ranges of one index: those that have moved already lie between them, and are not read.
    sooner, later = EmailJob.due_at < start_at, EmailJob.due_at > start_at
    moved = 0
    for elsewhere in (sooner, later):
        its = _of(sender_id, campaign_id, *_UNTRIED, elsewhere)
        piece = _ids(its.limit(PIECE - moved))
        changed = (
            update(EmailJob)
            .where(EmailJob.email_id.in_(piece), *_UNTRIED)
            .values(scheduled_at=start_at, due_at=start_at, updated_at=func.clock_timestamp())
        )
        moved += await _count(session, changed)
    if moved < PIECE and not await _is_any(session, sender_id, campaign_id, sooner, later):
        await signal(session, sender_id, start_at)
        await session.execute(
            update(Campaign).where(Campaign.id == campaign_id).values(moving_to=None)
        )
    return moved


async def _is_any(
    session: AsyncSession,
    sender_id: uuid.UUID,
    campaign_id: uuid.UUID,
    *ranges: ColumnElement[bool],
) -> bool:
    """Whether an untried email is due in one of them, also one that was passed over as locked."""
    its = (EmailJob.sender_id == sender_id, EmailJob.campaign_id == campaign_id, *_UNTRIED)
    left = or_(*(select(EmailJob.email_id).where(*its, due).exists() for due in ranges))
    return bool((await session.execute(select(left))).scalar_one())


async def moving(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Some campaigns whose start is being moved, or was when a process stopped."""
    query = select(Campaign.id).where(Campaign.moving_to.is_not(None)).limit(MAX_MOVING)
    return (await session.execute(query)).scalars().all()


async def clear(session: AsyncSession, campaign_id: uuid.UUID) -> int:
    """Remove some emails of a draft that was thrown away, and at the end itself; how many.

    Its total falls with them: that is how much is left.
    """
    piece = (
        select(Email.id)
        .where(Email.campaign_id == campaign_id)
        .order_by(Email.id)
        .limit(PIECE)
        .with_for_update(skip_locked=True)
    )
    cleared = await _count(session, delete(Email).where(Email.id.in_(_ids(piece))))
    gone = Campaign.id == campaign_id, Campaign.discarded_at.is_not(None)
    if cleared:
        left_over = func.greatest(Campaign.total - cleared, 0)
        await session.execute(update(Campaign).where(*gone).values(total=left_over))
    else:
        left = select(Email.id).where(Email.campaign_id == campaign_id).exists()
        await session.execute(delete(Campaign).where(*gone, ~left))
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


def _ids(piece: Select[uuid.UUID]) -> Select[uuid.UUID]:
    """Once and for all: a sub-query that is asked again for each row takes others each time."""
    chosen = piece.cte().prefix_with("MATERIALIZED")
    return select(chosen.c[0])


async def _count(session: AsyncSession, statement: Update | Delete) -> int:
    result = await session.execute(statement)
    assert isinstance(result, CursorResult), "a statement that changes rows counts them"
    return result.rowcount
