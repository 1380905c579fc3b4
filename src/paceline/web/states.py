"""The words and tones of every state, and the tabs that list emails by it.

Derived from `domain/lifecycle.py`; only the tones belong to the dashboard.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import (
    WAITING,
    CampaignState,
    EmailList,
    JobState,
    SenderState,
)


class Badge(NamedTuple):
    """`tone` is a colour role of frontend/app.css; `dot` is the shape beside the word."""

    label: str
    tone: str
    dot: str


EMAIL_BADGES = {
    JobState.SCHEDULED: Badge("Scheduled", "planned", "ring"),
    JobState.CLAIMED: Badge("Sending", "active", "breathing"),
    JobState.SENDING: Badge("Sending", "active", "breathing"),
    JobState.DEFERRED: Badge("Deferred", "warn", "half"),
    JobState.SENT: Badge("Sent", "good", "full"),
    JobState.FAILED: Badge("Failed", "bad", "full"),
    JobState.IN_DOUBT: Badge("In doubt", "doubt", "diamond"),
    JobState.CANCELLED: Badge("Cancelled", "quiet", "ring"),
}
PAUSED = Badge("Paused", "quiet", "bars")
DRAFT = Badge("Draft", "quiet", "ring")

CAMPAIGN_BADGES = {
    CampaignState.DRAFT: DRAFT,
    CampaignState.ACTIVE: Badge("Running", "active", "breathing"),
    CampaignState.PAUSED: PAUSED,
    CampaignState.COMPLETED: Badge("Completed", "good", "full"),
    CampaignState.CANCELLED: Badge("Cancelled", "quiet", "ring"),
}
CAMPAIGN_AHEAD = Badge("Scheduled", "planned", "ring")

SENDER_BADGES = {
    SenderState.ACTIVE: Badge("Active", "good", "full"),
    SenderState.PAUSED: PAUSED,
    SenderState.BROKEN: Badge("Broken", "bad", "full"),
}

# A pause is its campaign's or its sender's, but the email's row is where people look for it.
_HELD_BADGES = {
    HeldBy.CAMPAIGN_DRAFT: DRAFT,
    HeldBy.CAMPAIGN_PAUSED: PAUSED,
    HeldBy.SENDER_PAUSED: PAUSED,
}


# How much a wait asks for somebody's attention.
_HELD_TONES = {
    HeldBy.CAMPAIGN_DRAFT: "quiet",
    HeldBy.CAMPAIGN_PAUSED: "quiet",
    HeldBy.SENDER_PAUSED: "quiet",
    HeldBy.SENDER_BROKEN: "bad",
    HeldBy.HOST_RESTING: "warn",
    HeldBy.SCHEDULE: "planned",
    HeldBy.RETRY: "warn",
    HeldBy.MIN_DELAY: "planned",
    HeldBy.HOURLY_LIMIT: "warn",
    HeldBy.CAMPAIGN_HOURLY_LIMIT: "warn",
    HeldBy.SERVER_SILENT: "warn",
}


def held_tone(held_by: str | None) -> str:
    """The tone in which a reason to wait is told."""
    return "planned" if held_by is None else _HELD_TONES[HeldBy(held_by)]


def email_badge(state: str, held_by: str | None = None) -> Badge:
    """The badge of an email; a waiting one that somebody holds shows that."""
    if held_by is not None and JobState(state) in WAITING:
        held = _HELD_BADGES.get(HeldBy(held_by))
        if held is not None:
            return held
    return EMAIL_BADGES[JobState(state)]


def campaign_badge(state: str, *, start_at: datetime | None, now: datetime) -> Badge:
    """The badge of a campaign; a launched one whose time is still to come says so."""
    if state == CampaignState.ACTIVE and start_at is not None and start_at > now:
        return CAMPAIGN_AHEAD
    return CAMPAIGN_BADGES[CampaignState(state)]


def sender_badge(state: str) -> Badge:
    """The badge of a sender."""
    return SENDER_BADGES[SenderState(state)]


class Tab(NamedTuple):
    """One list of emails: what it is called, and what its time column says."""

    label: str
    time_heading: str


TABS = {
    EmailList.SCHEDULED: Tab("Scheduled", "Sends at"),
    EmailList.SENT: Tab("Sent", "Sent at"),
    EmailList.FAILED: Tab("Failed", "Failed at"),
    EmailList.IN_DOUBT: Tab("In doubt", "In doubt since"),
    EmailList.CANCELLED: Tab("Cancelled", "Cancelled at"),
}
