"""Why is this not out yet, until when, and when will it be? Asked of the rules that decide it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from paceline.domain.gate import HeldBy, SenderStanding, Waiting, explain
from paceline.domain.lifecycle import IN_FLIGHT, WAITING, CampaignState, JobState, SenderState
from paceline.domain.pacing import HOUR, estimate, hour_of
from paceline.persistence.stores.email_records import EmailRecord

Usage = Mapping[uuid.UUID, int]
"""How much of its hourly limit each sender and each campaign has used up."""

# A server answers within moments, or may take the five to ten minutes of RFC 5321 §4.5.3.2.
SILENT_AFTER = timedelta(seconds=10)

_BY_THE_SERVER = frozenset({HeldBy.HOST_RESTING, HeldBy.SENDER_BROKEN})
_HOURLY = frozenset({HeldBy.HOURLY_LIMIT, HeldBy.CAMPAIGN_HOURLY_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What an email waits for. All None: for nothing, it goes any moment.

    `reason` is what the mail server said where it is the server that holds it up, or since when it
    has said nothing.
    """

    held_by: HeldBy | None = None
    reason: str | None = None
    release_at: datetime | None = None
    estimated_send_at: datetime | None = None


def hold(email: EmailRecord, usage: Usage, *, ahead: int | None, now: datetime) -> Hold:
    """For one email. `ahead` is how many of its campaign go before it; None: too many to say."""
    if JobState(email.state) in IN_FLIGHT:
        return _on_its_way(email, now=now)
    if JobState(email.state) not in WAITING:
        return Hold()
    release_at, held_by = now, None
    wait = explain(_waiting(email), now=now)
    if wait is not None:
        if wait.until is None:
            return Hold(held_by=wait.held_by, reason=_reason(email, wait.held_by))
        release_at, held_by = wait.until, wait.held_by
        if held_by in _HOURLY and release_at > now:
            release_at = hour_of(now) + HOUR  # the lane wakes a hair's breadth later
    elif exhausted := _exhausted(email, usage):
        release_at, held_by = hour_of(now) + HOUR, exhausted
    if ahead is None:
        return Hold(
            held_by=held_by,
            reason=_reason(email, held_by),
            release_at=release_at if held_by else None,
        )
    return Hold(
        held_by=held_by,
        reason=_reason(email, held_by),
        release_at=release_at if held_by else None,
        estimated_send_at=_estimate(email, usage, release_at, ahead=ahead, now=now),
    )


def _on_its_way(email: EmailRecord, *, now: datetime) -> Hold:
    if now - email.updated_at < SILENT_AFTER:
        return Hold()
    since = email.updated_at.astimezone(UTC)
    return Hold(held_by=HeldBy.SERVER_SILENT, reason=f"waiting since {since:%Y-%m-%d %H:%M:%S} UTC")


def _waiting(email: EmailRecord) -> Waiting:
    campaign_state = email.campaign_state
    return Waiting(
        job_state=JobState(email.state),
        due_at=email.due_at,
        campaign_state=None if campaign_state is None else CampaignState(campaign_state),
        sender=SenderStanding(
            state=SenderState(email.sender_state), resting_until=email.resting_until
        ),
        lane_held_by=_lane_held_by(email),
        lane_wake_at=email.lane_wake_at,
    )


def _reason(email: EmailRecord, held_by: HeldBy | None) -> str | None:
    return email.sender_state_reason if held_by in _BY_THE_SERVER else None


def _lane_held_by(email: EmailRecord) -> HeldBy | None:
    if email.lane_held_by is None:
        return None
    held_by = HeldBy(email.lane_held_by)
    # The lane serves all campaigns of its sender; this limit may be another campaign's.
    if held_by is HeldBy.CAMPAIGN_HOURLY_LIMIT and email.campaign_hourly_limit is None:
        return None
    return held_by


def _exhausted(email: EmailRecord, usage: Usage) -> HeldBy | None:
    """Whether a limit has run out that the lane has not met yet."""
    if _left(email.sender_hourly_limit, usage.get(email.sender_id)) == 0:
        return HeldBy.HOURLY_LIMIT
    campaign_used = usage.get(email.campaign_id) if email.campaign_id is not None else None
    if _left(email.campaign_hourly_limit, campaign_used) == 0:
        return HeldBy.CAMPAIGN_HOURLY_LIMIT
    return None


def _left(limit: int | None, used: int | None) -> int | None:
    return None if limit is None else max(limit - (used or 0), 0)


def _estimate(
    email: EmailRecord, usage: Usage, release_at: datetime, *, ahead: int, now: datetime
) -> datetime:
    used_by = (email.sender_id, email.campaign_id)
    limits = (email.sender_hourly_limit, email.campaign_hourly_limit)
    left = [
        remaining
        for limit, key in zip(limits, used_by, strict=True)
        if (remaining := _left(limit, usage.get(key) if key else None)) is not None
    ]
    this_hour = hour_of(release_at) == hour_of(now)
    return estimate(
        release_at=release_at,
        ahead=ahead,
        min_delay_ms=max(email.sender_min_delay_ms, email.campaign_min_delay_ms or 0),
        hourly_limit=min((limit for limit in limits if limit is not None), default=None),
        left_this_hour=min(left) if left and this_hour else None,
    )
