"""Many emails at once, by their ids: where they are, held still, and changed in one statement."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import JobState
from paceline.persistence.models import EmailJob
from paceline.persistence.stores.calling_back import called_back
from paceline.persistence.stores.discarded import not_thrown_away


async def places(
    session: AsyncSession, owner_id: uuid.UUID, ids: Sequence[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID | None, uuid.UUID]]:
    """(email, campaign, sender) of those that are this owner's."""
    query = select(EmailJob.email_id, EmailJob.campaign_id, EmailJob.sender_id).where(
        EmailJob.email_id.in_(ids), EmailJob.owner_id == owner_id, not_thrown_away(owner_id)
    )
    return [(row.email_id, row.campaign_id, row.sender_id) for row in await session.execute(query)]


async def hold_still(
    session: AsyncSession, owner_id: uuid.UUID, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, JobState]:
    """Where they stand, and will stand until the transaction ends."""
    query = (
        select(EmailJob.email_id, EmailJob.state)
        .where(EmailJob.email_id.in_(ids), EmailJob.owner_id == owner_id)
        .order_by(EmailJob.email_id)
        .with_for_update()
    )
    return {row.email_id: JobState(row.state) for row in await session.execute(query)}


async def states_of(
    session: AsyncSession, owner_id: uuid.UUID, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, JobState]:
    """Where they stand now."""
    query = select(EmailJob.email_id, EmailJob.state).where(
        EmailJob.email_id.in_(ids), EmailJob.owner_id == owner_id
    )
    return {row.email_id: JobState(row.state) for row in await session.execute(query)}


async def cancel(session: AsyncSession, ids: Sequence[uuid.UUID]) -> int:
    """Cancel what is held still and waits. How many may have left, and are in doubt instead."""
    changed = await session.execute(
        update(EmailJob)
        .where(EmailJob.email_id.in_(ids))
        .values(called_back())
        .returning(EmailJob.state)
    )
    return sum(state == JobState.IN_DOUBT for (state,) in changed)


async def reschedule(
    session: AsyncSession, ids: Sequence[uuid.UUID], scheduled_at: datetime
) -> None:
    """Move what is held still and was never tried."""
    await session.execute(
        update(EmailJob)
        .where(EmailJob.email_id.in_(ids))
        .values(scheduled_at=scheduled_at, due_at=scheduled_at, updated_at=func.clock_timestamp())
    )


async def senders_of(
    session: AsyncSession, ids: Sequence[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(email, sender), whoever they belong to."""
    query = select(EmailJob.email_id, EmailJob.sender_id).where(EmailJob.email_id.in_(ids))
    return [(row.email_id, row.sender_id) for row in await session.execute(query)]


async def settle_as_sent(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """A person knows that these, held still and in doubt, arrived: they left when doubt began."""
    await session.execute(
        update(EmailJob)
        .where(EmailJob.email_id.in_(ids))
        .values(
            state=JobState.SENT,
            sent_at=func.coalesce(EmailJob.in_doubt_at, func.clock_timestamp()),
            in_doubt_at=None,
            updated_at=func.clock_timestamp(),
        )
    )
