"""What a sender still has to do, and what it did today: its deletion, and its page, ask for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import IN_FLIGHT, WAITING, CampaignState
from paceline.persistence.models import Attempt, Campaign, EmailJob
from paceline.persistence.stores.calling_back import called_back

MAX_CAMPAIGNS = 100
MAX_COUNTED = 10_000  # emails; nobody needs to know more exactly
MAX_SINGLES = 2_000  # called back in one transaction
_OPEN = (CampaignState.DRAFT, CampaignState.ACTIVE, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCampaign:
    """A campaign that is not over. `to_go`: emails with no outcome yet."""

    id: uuid.UUID
    name: str
    state: CampaignState
    to_go: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderWork:
    """What stands in the way of deleting a sender; each figure has an end."""

    campaigns: tuple[OpenCampaign, ...]
    single_emails: int
    on_their_way: int

    def __bool__(self) -> bool:
        return bool(self.campaigns or self.single_emails or self.on_their_way)


async def work_of(session: AsyncSession, sender_id: uuid.UUID) -> SenderWork:
    """The sender's open campaigns, the newest first, and its other emails."""
    rows = await session.execute(
        select(
            Campaign.id,
            Campaign.name,
            Campaign.state,
            (Campaign.total - Campaign.sent - Campaign.failed - Campaign.cancelled).label("to_go"),
        )
        .where(
            Campaign.sender_id == sender_id,
            Campaign.state.in_(_OPEN),
            Campaign.discarded_at.is_(None),
        )
        .order_by(Campaign.id.desc())
        .limit(MAX_CAMPAIGNS)
    )
    campaigns = tuple(
        OpenCampaign(
            id=row.id, name=row.name, state=CampaignState(row.state), to_go=max(row.to_go, 0)
        )
        for row in rows
    )
    singles = and_(EmailJob.campaign_id.is_(None), EmailJob.state.in_(sorted(WAITING)))
    return SenderWork(
        campaigns=campaigns,
        single_emails=await _counted(session, sender_id, singles),
        on_their_way=await _counted(session, sender_id, EmailJob.state.in_(sorted(IN_FLIGHT))),
    )


async def call_back_singles(session: AsyncSession, sender_id: uuid.UUID) -> int:
    """Cancel some of the sender's waiting emails that belong to no campaign; how many."""
    waiting = and_(
        EmailJob.sender_id == sender_id,
        EmailJob.campaign_id.is_(None),
        EmailJob.state.in_(sorted(WAITING)),
    )
    some = select(EmailJob.email_id).where(waiting).limit(MAX_SINGLES).with_for_update()
    changed = (
        update(EmailJob)
        .where(EmailJob.email_id.in_(some), waiting)
        .values(called_back())
        .returning(EmailJob.email_id)
    )
    return len((await session.execute(changed)).all())


async def used_since(session: AsyncSession, sender_id: uuid.UUID, since: datetime) -> int:
    """How many emails of the sender reached the final dot, counted as its hourly limit does."""
    counted = (
        select(Attempt.email_id)
        .where(
            Attempt.sender_id == sender_id,
            Attempt.dot_at >= since,
            or_(
                Attempt.outcome.in_(("sending", "sent", "in_doubt")),
                and_(Attempt.outcome == "rejected", Attempt.phase == "dot"),
            ),
        )
        .limit(MAX_COUNTED)
    )
    return await session.scalar(select(func.count()).select_from(counted.subquery())) or 0


async def _counted(session: AsyncSession, sender_id: uuid.UUID, which: ColumnElement[bool]) -> int:
    some = select(EmailJob.email_id).where(EmailJob.sender_id == sender_id, which)
    counted = select(func.count()).select_from(some.limit(MAX_COUNTED).subquery())
    return await session.scalar(counted) or 0
