"""How much an owner has stored: what quotas are held against."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Campaign, CampaignAttachment, Email, Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Emails, of campaigns and single ones; octets of attachments and of single emails' bodies."""

    emails: int
    octets: int


async def stored(session: AsyncSession, owner_id: uuid.UUID) -> Stored:
    """Counted: of campaigns by their counters, of single emails one by one."""
    size = func.octet_length  # of a long value it is told by the row, which does not read it
    of_campaigns = select(func.coalesce(func.sum(Campaign.total), 0)).where(
        Campaign.owner_id == owner_id
    )
    of_files = (
        select(func.coalesce(func.sum(size(CampaignAttachment.content)), 0))
        .join(Campaign, Campaign.id == CampaignAttachment.campaign_id)
        .where(Campaign.owner_id == owner_id)
    )
    bodies = func.coalesce(size(Email.text_body), 0) + func.coalesce(size(Email.html_body), 0)
    single = select(func.count(), func.coalesce(func.sum(bodies), 0)).where(
        Email.owner_id == owner_id, Email.campaign_id.is_(None)
    )
    emails = (await session.execute(of_campaigns)).scalar_one()
    files = (await session.execute(of_files)).scalar_one()
    count, octets = (await session.execute(single)).one()
    return Stored(emails=int(emails) + int(count), octets=int(files) + int(octets))


async def count_senders(session: AsyncSession, owner_id: uuid.UUID) -> int:
    """Those that are not deleted."""
    query = select(func.count()).where(Sender.owner_id == owner_id, Sender.deleted_at.is_(None))
    return int((await session.execute(query)).scalar_one())
