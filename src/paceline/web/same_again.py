"""The same message to as many people, minutes ago, from another form: meant, or pressed again?

A form's token knows only its own page. This is for two tabs, for Back without scripts, for a page
that a browser restored: it is said, and whoever means it presses once more.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, tzinfo

from paceline.domain.lifecycle import CampaignState
from paceline.services.campaigns import NewCampaign
from paceline.services.queries import Queries
from paceline.services.views import CampaignView
from paceline.web.wording import clock_time

SO_SOON = timedelta(minutes=15)
_NEWEST = 20


async def note_on(
    queries: Queries,
    owner_id: uuid.UUID,
    new: NewCampaign,
    *,
    recipients: int,
    own_id: uuid.UUID | None,
    now: datetime,
    zone: tzinfo,
) -> tuple[str, ...]:
    """What to say before it is scheduled, if anything; the same as long as nothing changes.

    `own_id` is its own: there already where an answer was lost.
    """
    page = await queries.campaigns(owner_id, limit=_NEWEST)
    for campaign in page.items:
        at = campaign.launched_at
        if (
            campaign.id == own_id
            or at is None
            or at < now - SO_SOON
            or not _is_same(campaign, new, recipients)
        ):
            continue
        return (
            f"The same message to as many recipients was scheduled at {clock_time(at, zone)}, as"
            f" “{campaign.name}”: look under Campaigns. Press again only if they are to get it"
            " twice.",
        )
    return ()


def _is_same(campaign: CampaignView, new: NewCampaign, recipients: int) -> bool:
    there = (campaign.sender_id, campaign.subject, campaign.text, campaign.html, campaign.total)
    asked = (new.sender_id, new.subject, new.text, new.html, recipients)
    return there == asked and campaign.state is not CampaignState.CANCELLED
