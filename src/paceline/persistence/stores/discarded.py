"""Drafts that were thrown away: removed in pieces, and seen by nobody meanwhile."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import array

from paceline.persistence.models import Campaign, EmailJob


def not_thrown_away(owner_id: uuid.UUID) -> ColumnElement[bool]:
    """Whether an email job is none of a draft that was thrown away."""
    gone = select(func.array_agg(Campaign.id)).where(
        Campaign.owner_id == owner_id, Campaign.discarded_at.is_not(None)
    )
    # Asked once per statement, not once per email.
    ids = func.coalesce(gone.scalar_subquery(), array([], type_=EmailJob.campaign_id.type))
    return func.coalesce(EmailJob.campaign_id != func.all_(ids), True)
