"""The same subject, from the same sender, to the same people: which campaigns, and how many."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.stores.campaigns import CampaignRecord

MAX_COMPARED = 50_000  # recipients of the campaign that are looked for in others
MAX_CAMPAIGNS = 20  # others that are looked at, the newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Another campaign, and how many of the recipients got or will get its email."""

    campaign_id: uuid.UUID
    launched_at: datetime
    recipients: int


# Both sides are walked along the unique index on (campaign_id, address_key). Who did not get it
# and will not is free to get it: failed there, or called back before it left.
_REPEATS = text("""
    WITH mine AS MATERIALIZED (
        SELECT address_key FROM emails WHERE campaign_id = :id ORDER BY address_key LIMIT :most),
    others AS MATERIALIZED (
        SELECT id, launched_at, state FROM campaigns
         WHERE owner_id = :owner_id AND sender_id = :sender_id AND subject = :subject
           AND id <> :id AND launched_at IS NOT NULL AND discarded_at IS NULL
           AND start_at BETWEEN :earliest AND :latest
         ORDER BY id DESC LIMIT :most_campaigns)
    SELECT o.id AS campaign_id, o.launched_at, count(*) AS recipients
      FROM others o
      JOIN emails e ON e.campaign_id = o.id
      JOIN mine m ON m.address_key = e.address_key
      JOIN email_jobs j ON j.email_id = e.id
     WHERE CASE WHEN o.state = 'cancelled' THEN j.state IN ('sending', 'sent', 'in_doubt')
                ELSE j.state NOT IN ('failed', 'cancelled') END
     GROUP BY o.id, o.launched_at
     ORDER BY recipients DESC, o.id
""")


async def repeats(
    session: AsyncSession, campaign: CampaignRecord, *, begins: datetime, within: timedelta
) -> list[Repeat]:
    """Launched campaigns that start within so much of this one and share recipients with it."""
    given = {
        "id": campaign.id,
        "owner_id": campaign.owner_id,
        "sender_id": campaign.sender_id,
        "subject": campaign.subject,
        "earliest": begins - within,
        "latest": begins + within,
        "most": MAX_COMPARED,
        "most_campaigns": MAX_CAMPAIGNS,
    }
    rows = await session.execute(_REPEATS, given)
    return [Repeat(**row._mapping) for row in rows]
