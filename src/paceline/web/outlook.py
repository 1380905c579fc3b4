"""When a campaign will be finished: as it stands, and as it would with another start or pace.

By the arithmetic that the lanes are explained by (`domain/pacing.py`), so that what is promised
before a change is what the page says after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import CampaignState, EmailList
from paceline.domain.pacing import HOUR, hour_of
from paceline.services.queries import MAX_HOURS_SENT
from paceline.services.views import CampaignView, Progress, SenderView
from paceline.web.timetable import Pace, Timetable, past_and_future, plan, series

MAX_BARS_SHOWN = MAX_HOURS_SENT * 3 // 2  # a third of them for what is planned
# What start and pace themselves bring about; anything else holds whatever they are.
_ITS_OWN = frozenset({HeldBy.SCHEDULE, HeldBy.MIN_DELAY, HeldBy.CAMPAIGN_HOURLY_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may be changed of a campaign while it runs. `start_at` None: right away."""

    start_at: datetime | None
    min_delay_ms: int
    hourly_limit: int | None

    @classmethod
    def of(cls, campaign: CampaignView) -> Terms:
        """As they are."""
        return cls(
            start_at=campaign.start_at,
            min_delay_ms=campaign.min_delay_ms,
            hourly_limit=campaign.hourly_limit,
        )


def outlook(progress: Progress, sender: SenderView, *, now: datetime) -> Timetable | None:
    """The plan for what is left, if anything is and nobody holds it."""
    campaign = progress.campaign
    # Without a time of release it waits for a person.
    held = campaign.held_by is not None and campaign.release_at is None
    if campaign.state is not CampaignState.ACTIVE or held:
        return None
    return outlook_under(Terms.of(campaign), progress, sender, now=now)


def outlook_under(
    terms: Terms, progress: Progress, sender: SenderView, *, now: datetime
) -> Timetable | None:
    """The plan under these terms, as if nobody held it; None: nothing is left."""
    campaign = replace(
        progress.campaign, min_delay_ms=terms.min_delay_ms, hourly_limit=terms.hourly_limit
    )
    left = campaign.counts.of(EmailList.SCHEDULED)
    if not left:
        return None
    release_at = None if campaign.held_by in _ITS_OWN else campaign.release_at
    start_at = max(now, terms.start_at or now, release_at or now)
    return plan(
        left,
        start_at=start_at,
        pace=pace_of(campaign, sender),
        left_this_hour=_left_in(hour_of(start_at), progress, campaign, sender, now=now),
    )


def pace_of(campaign: CampaignView, sender: SenderView) -> Pace:
    """The stricter of the campaign's and its sender's."""
    own = Pace(min_delay_ms=campaign.min_delay_ms, hourly_limit=campaign.hourly_limit)
    return own.tightened_by(
        Pace(min_delay_ms=sender.min_delay_ms, hourly_limit=sender.hourly_limit)
    )


def _left_in(
    hour: datetime,
    progress: Progress,
    campaign: CampaignView,
    sender: SenderView,
    *,
    now: datetime,
) -> int | None:
    """What the limits still allow in this hour; None: all of it."""
    if hour != hour_of(now):
        return None
    left = []
    if campaign.hourly_limit is not None:
        left.append(campaign.hourly_limit - dict(progress.sent_per_hour).get(hour, 0))
    if sender.hourly_limit is not None:
        used = campaign.sender_hourly.used if campaign.sender_hourly else None
        left.append(sender.hourly_limit - (used or 0))
    return max(0, min(left)) if left else None


def chart_of(
    progress: Progress, ahead: Timetable | None, *, zone: tzinfo, now: datetime
) -> dict[str, object]:
    """Sent and planned by the hour, and the last full hour against what the limits allow."""
    campaign = progress.campaign
    bars = past_and_future(progress.sent_per_hour, ahead, most=MAX_BARS_SHOWN)
    limit = ahead.hourly_limit if ahead else campaign.hourly_limit
    last = hour_of(now) - HOUR
    ran = campaign.start_at is not None and campaign.start_at <= last
    return {
        "series": series(bars, zone),
        "limit": limit or 0,
        "last_hour": dict(progress.sent_per_hour).get(last, 0) if ran and ahead else None,
    }
