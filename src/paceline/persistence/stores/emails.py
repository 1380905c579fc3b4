"""Single emails, and what a person may do to one email of any kind. Always through the owner."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import WAITING, JobState
from paceline.persistence.models import Attempt, Email, EmailJob
from paceline.persistence.searching import column_of
from paceline.persistence.stores.calling_back import called_back
from paceline.persistence.stores.discarded import not_thrown_away


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSingleEmail:
    """An email of its own, outside any campaign."""

    id: uuid.UUID
    owner_id: uuid.UUID
    sender_id: uuid.UUID
    address: str
    address_key: str
    name: str | None
    subject: str
    text_body: str | None
    html_body: str | None
    message_id: str
    scheduled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """Where one email stands."""

    email_id: uuid.UUID
    campaign_id: uuid.UUID | None
    sender_id: uuid.UUID
    state: JobState
    scheduled_at: datetime
    edition: int | None


def said_of_single(key: str, name: str | None, subject: str) -> str:
    """What a single email is found by."""
    return f"{key} {name or ''} {subject}"


async def insert_single(session: AsyncSession, email: NewSingleEmail) -> None:
    """Store an email and its job."""
    values = {name: getattr(email, name) for name in NewSingleEmail.__slots__}
    scheduled_at = values.pop("scheduled_at")
    said = said_of_single(email.address_key, email.name, email.subject)
    session.add(Email(**values, search=column_of(email.owner_id, said)))
    await session.flush()
    session.add(
        EmailJob(
            email_id=email.id,
            owner_id=email.owner_id,
            sender_id=email.sender_id,
            scheduled_at=scheduled_at,
            due_at=scheduled_at,
        )
    )
    await session.flush()


async def job(
    session: AsyncSession, owner_id: uuid.UUID, email_id: uuid.UUID, *, for_update: bool = False
) -> JobRecord | None:
    """Where one of this owner's emails stands, or None. `for_update` keeps it there."""
    query = select(
        EmailJob.email_id,
        EmailJob.campaign_id,
        EmailJob.sender_id,
        EmailJob.state,
        EmailJob.scheduled_at,
        EmailJob.edition,
    ).where(
        EmailJob.email_id == email_id,
        EmailJob.owner_id == owner_id,
        not_thrown_away(owner_id),
    )
    if for_update:
        query = query.with_for_update()
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    return JobRecord(
        email_id=row.email_id,
        campaign_id=row.campaign_id,
        sender_id=row.sender_id,
        state=JobState(row.state),
        scheduled_at=row.scheduled_at,
        edition=row.edition,
    )


async def cancel_one(session: AsyncSession, owner_id: uuid.UUID, email_id: uuid.UUID) -> bool:
    """Cancel an email that waits. One statement, so that either it or the claim wins.

    One that may have left by an earlier attempt does not wait any more either: it is in doubt.
    """
    changed = await session.execute(
        update(EmailJob)
        .where(
            EmailJob.email_id == email_id,
            EmailJob.owner_id == owner_id,
            EmailJob.state.in_(sorted(WAITING)),
        )
        .values(called_back())
        .returning(EmailJob.email_id)
    )
    return changed.one_or_none() is not None


async def change_one(
    session: AsyncSession,
    owner_id: uuid.UUID,
    email_id: uuid.UUID,
    values: Mapping[str, object],
    *,
    said: str,
) -> bool:
    """Change what an email says or to whom, while it waits for its first try; `said`: its words.

    One statement, so that either it or the claim wins. A claim that has read the old content, and
    comes to the job behind this, sees by the edition that it must not take it (sql/claim.sql).
    """
    may_have_left = exists().where(
        Attempt.email_id == EmailJob.email_id, Attempt.outcome.in_(("in_doubt", "sending", "sent"))
    )
    waits = (
        update(EmailJob)
        .where(
            EmailJob.email_id == email_id,
            EmailJob.owner_id == owner_id,
            EmailJob.state == JobState.SCHEDULED,
            ~may_have_left,
        )
        .values(edition=func.coalesce(EmailJob.edition, 0) + 1, updated_at=func.clock_timestamp())
        .returning(EmailJob.email_id, EmailJob.edition)
        .cte("waits")
    )
    changed = await session.execute(
        update(Email)
        .where(Email.id == waits.c.email_id)
        .values(**values, edition=waits.c.edition, search=column_of(owner_id, said))
        .returning(Email.id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None


async def is_in_campaign(
    session: AsyncSession, campaign_id: uuid.UUID, address_key: str, *, but: uuid.UUID
) -> bool:
    """Whether another email of the campaign goes to this address."""
    query = select(
        exists().where(
            Email.campaign_id == campaign_id, Email.address_key == address_key, Email.id != but
        )
    )
    return bool((await session.execute(query)).scalar_one())


async def reschedule_one(
    session: AsyncSession, owner_id: uuid.UUID, email_id: uuid.UUID, scheduled_at: datetime
) -> bool:
    """Move an email that nobody has tried yet."""
    changed = await session.execute(
        update(EmailJob)
        .where(
            EmailJob.email_id == email_id,
            EmailJob.owner_id == owner_id,
            EmailJob.state == JobState.SCHEDULED,
        )
        .values(scheduled_at=scheduled_at, due_at=scheduled_at, updated_at=func.clock_timestamp())
        .returning(EmailJob.email_id)
    )
    return changed.one_or_none() is not None


async def settle_as_sent(session: AsyncSession, owner_id: uuid.UUID, email_id: uuid.UUID) -> None:
    """A person knows that a doubtful email arrived; it left when the doubt began."""
    await session.execute(
        update(EmailJob)
        .where(
            EmailJob.email_id == email_id,
            EmailJob.owner_id == owner_id,
            EmailJob.state == JobState.IN_DOUBT,
        )
        .values(
            state=JobState.SENT,
            sent_at=func.coalesce(EmailJob.in_doubt_at, func.clock_timestamp()),
            in_doubt_at=None,
            updated_at=func.clock_timestamp(),
        )
    )


async def settle_as_unsent(session: AsyncSession, owner_id: uuid.UUID, email_id: uuid.UUID) -> None:
    """A person wants a doubtful email to go out again, now."""
    await session.execute(
        update(EmailJob)
        .where(
            EmailJob.email_id == email_id,
            EmailJob.owner_id == owner_id,
            EmailJob.state == JobState.IN_DOUBT,
        )
        .values(
            state=JobState.DEFERRED,
            due_at=func.clock_timestamp(),
            in_doubt_at=None,
            updated_at=func.clock_timestamp(),
        )
    )
