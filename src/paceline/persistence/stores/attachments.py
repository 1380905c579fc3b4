"""Files of campaigns. Whose a campaign is, and whether it may still change, is asked before."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import CampaignAttachment


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRecord:
    """A file as stored, without what is in it."""

    id: uuid.UUID
    position: int
    file_name: str
    content_type: str
    content_id: str | None
    octets: int
    created_at: datetime


_COLUMNS = [
    getattr(CampaignAttachment, name) for name in AttachmentRecord.__slots__ if name != "octets"
]
# Read from the row's pointer to the content, not from the content.
_RECORD = select(*_COLUMNS, func.octet_length(CampaignAttachment.content).label("octets"))


async def inline_names(session: AsyncSession, campaign_id: uuid.UUID) -> frozenset[str]:
    """By which the HTML of a campaign may show an image: each one's name and its id."""
    query = select(CampaignAttachment.file_name, CampaignAttachment.content_id).where(
        CampaignAttachment.campaign_id == campaign_id, CampaignAttachment.content_id.is_not(None)
    )
    return frozenset(name for row in await session.execute(query) for name in row)


async def attachments(session: AsyncSession, campaign_id: uuid.UUID) -> list[AttachmentRecord]:
    """All files of a campaign, in their order."""
    query = _RECORD.where(CampaignAttachment.campaign_id == campaign_id)
    rows = await session.execute(query.order_by(CampaignAttachment.position))
    return [AttachmentRecord(**row._mapping) for row in rows]


async def insert_attachment(session: AsyncSession, **values: object) -> None:
    """Store a file."""
    session.add(CampaignAttachment(**values))
    await session.flush()


async def delete_attachment(
    session: AsyncSession, campaign_id: uuid.UUID, attachment_id: uuid.UUID
) -> bool:
    """Remove a file. False when the campaign has no such file."""
    gone = await session.execute(
        delete(CampaignAttachment)
        .where(
            CampaignAttachment.id == attachment_id, CampaignAttachment.campaign_id == campaign_id
        )
        .returning(CampaignAttachment.id)
    )
    return gone.one_or_none() is not None
