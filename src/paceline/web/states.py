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
    FailureReason,
    JobState,
    SenderState,
)
from paceline.domain.mail_records import Grade
from paceline.domain.scopes import Scope
from paceline.services.administration import Standing
from paceline.services.bulk import Action
from paceline.services.queue_watch import ALIVE_WITHIN, LaneStanding, WorkerView
from paceline.services.suppressions import HARD_BOUNCE, IMPORTED, MANUAL
from paceline.services.views import SenderView


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
CAMPAIGN_STATES = tuple((str(key), badge.label) for key, badge in CAMPAIGN_BADGES.items())
CAMPAIGN_AHEAD = Badge("Scheduled", "planned", "ring")

SENDER_BADGES = {
    SenderState.ACTIVE: Badge("Active", "good", "full"),
    SenderState.PAUSED: PAUSED,
    SenderState.BROKEN: Badge("Broken", "bad", "full"),
}

# What holds it is its campaign's or its sender's, but the email's row is where people look for it.
HELD_BADGES = {
    HeldBy.CAMPAIGN_DRAFT: DRAFT,
    HeldBy.CAMPAIGN_PAUSED: PAUSED,
    HeldBy.SENDER_PAUSED: Badge("Sender paused", "quiet", "bars"),
    HeldBy.SENDER_BROKEN: Badge("Sender broken", "bad", "full"),
    HeldBy.HOST_RESTING: Badge("Sender resting", "warn", "half"),
    HeldBy.HOURLY_LIMIT: Badge("At the limit", "warn", "half"),
    HeldBy.CAMPAIGN_HOURLY_LIMIT: Badge("At the limit", "warn", "half"),
    HeldBy.NO_WORKER: Badge("No worker", "bad", "full"),
    HeldBy.LIMITS_UNAVAILABLE: Badge("Held", "bad", "full"),
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
    HeldBy.NO_WORKER: "bad",
    HeldBy.LIMITS_UNAVAILABLE: "bad",
}


def held_tone(held_by: str | None) -> str:
    """The tone in which a reason to wait is told."""
    return "planned" if held_by is None else _HELD_TONES[HeldBy(held_by)]


def email_badge(state: str, held_by: str | None = None) -> Badge:
    """The badge of an email; a waiting one that somebody holds shows that."""
    held = _held(held_by) if JobState(state) in WAITING else None
    return held or EMAIL_BADGES[JobState(state)]


def campaign_badge(
    state: str, *, start_at: datetime | None, now: datetime, held_by: str | None = None
) -> Badge:
    """The badge of a campaign; a launched one that is held, or whose time is to come, says so."""
    held = _held(held_by) if state == CampaignState.ACTIVE else None
    if held is not None:
        return held
    if state == CampaignState.ACTIVE and start_at is not None and start_at > now:
        return CAMPAIGN_AHEAD
    return CAMPAIGN_BADGES[CampaignState(state)]


def sender_badge(sender: SenderView, held_by: str | None = None) -> Badge:
    """The badge of a sender; one that may send, but cannot or is held, says why."""
    return hindrance(sender) or _held(held_by) or SENDER_BADGES[SenderState.ACTIVE]


VERIFIED = Badge("Verified", "good", "full")
UNVERIFIED = Badge("Not verified", "quiet", "ring")
UNREACHED = Badge("Cannot log in", "bad", "full")


def verified_badge(sender: SenderView) -> Badge:
    """Whether its account, as it is now, has taken a log-in."""
    if sender.verified_at is not None:
        return VERIFIED
    check = sender.last_check
    return UNVERIFIED if check is None or check.ok else UNREACHED


def hindrance(sender: SenderView) -> Badge | None:
    """Why nothing would leave by this sender, as far as is known."""
    if sender.state != SenderState.ACTIVE:
        return SENDER_BADGES[sender.state]
    return UNREACHED if verified_badge(sender) is UNREACHED else None


def doubt_about(sender: SenderView) -> str:
    """What is to be known of a sender before it is chosen, in a word or two; "" nothing."""
    badge = hindrance(sender)
    if badge is not None:
        return badge.label.lower()
    return "" if sender.verified_at is not None else "never verified"


GRADE_BADGES = {
    Grade.GOOD: Badge("Good", "good", "full"),
    Grade.WARN: Badge("Better have one", "warn", "half"),
    Grade.BAD: Badge("To be mended", "bad", "full"),
    Grade.UNKNOWN: Badge("No answer", "quiet", "ring"),
}


def grade_badge(grade: str) -> Badge:
    """The badge of a record of DNS."""
    return GRADE_BADGES[Grade(grade)]


def _held(held_by: str | None) -> Badge | None:
    return None if held_by is None else HELD_BADGES.get(HeldBy(held_by))


SCOPE_BADGES = {
    Scope.READ: Badge("Look", "quiet", "ring"),
    Scope.SEND: Badge("Send", "planned", "half"),
    Scope.ADMIN: Badge("Everything", "planned", "full"),
}
EXPIRED = Badge("Expired", "quiet", "ring")

SUPPRESSION_BADGES = {
    HARD_BOUNCE: Badge("Bounced", "bad", "full"),
    MANUAL: Badge("Added", "quiet", "ring"),
    IMPORTED: Badge("Imported", "quiet", "half"),
}
SUPPRESSION_REASONS = tuple((key, badge.label) for key, badge in SUPPRESSION_BADGES.items())

STANDING_BADGES = {
    LaneStanding.STUCK: Badge("Stuck", "bad", "diamond"),
    LaneStanding.AWAKE: Badge("Awake", "active", "breathing"),
    LaneStanding.ASLEEP: Badge("Asleep", "planned", "ring"),
    LaneStanding.PARKED: Badge("Parked", "quiet", "bars"),
}


def scope_badge(scope: str) -> Badge:
    """The badge of what a key may do."""
    return SCOPE_BADGES[Scope(scope)]


def suppression_badge(reason: str) -> Badge:
    """The badge of why an address is suppressed."""
    return SUPPRESSION_BADGES.get(reason) or Badge(reason.replace("_", " "), "quiet", "ring")


PERSON_BADGES = {
    Standing.ACTIVE: Badge("Active", "good", "full"),
    Standing.INVITED: Badge("Invited", "planned", "ring"),
    Standing.KEPT_OUT: Badge("Kept out by the settings", "warn", "half"),
    Standing.DEACTIVATED: Badge("Deactivated", "quiet", "ring"),
}


def person_badge(standing: str) -> Badge:
    """The badge of whether somebody is let in."""
    return PERSON_BADGES[Standing(standing)]


def standing_badge(standing: str) -> Badge:
    """The badge of what a lane is doing."""
    return STANDING_BADGES[LaneStanding(standing)]


def worker_badge(worker: WorkerView) -> Badge:
    """Whether a worker lives, as far as anybody can tell."""
    if worker.sign is None:
        return Badge("Silent", "warn", "diamond")
    if worker.sign.seen_ago > ALIVE_WITHIN:
        return Badge("Silent", "warn", "half")
    return Badge("Alive", "good", "full")


class Tab(NamedTuple):
    """One list of emails: what it is called, and what its time column says."""

    label: str
    time_heading: str


# What can be done to many: verb, question, what follows, icon.
BULK = {
    Action.RESCHEDULE: (
        "Reschedule",
        "Reschedule what is selected?",
        "They go out from this time on, one after the other as the limits allow.",
        "calendar-clock",
    ),
    Action.CANCEL: (
        "Cancel",
        "Cancel what is selected?",
        "What has not left never will. This cannot be undone.",
        "ban",
    ),
    Action.RETRY: (
        "Try again",
        "Try what is selected again?",
        "They go out as soon as the limits allow. Whoever is on your suppression list stays out.",
        "rotate-cw",
    ),
    Action.MARK_SENT: (
        "Mark as sent",
        "Mark what is selected as sent?",
        "Do this if you know that they arrived: they will not be sent again.",
        "check",
    ),
}

FAILURES = {
    FailureReason.HARD_BOUNCE: "Address refused",
    FailureReason.ATTEMPTS_EXHAUSTED: "Out of tries",
    FailureReason.SUPPRESSED: "Suppressed",
    FailureReason.EXPIRED: "Too late",
    FailureReason.REJECTED: "Refused",
}

TABS = {
    EmailList.SCHEDULED: Tab("Scheduled", "Sends at"),
    EmailList.SENT: Tab("Sent", "Sent at"),
    EmailList.FAILED: Tab("Failed", "Failed at"),
    EmailList.IN_DOUBT: Tab("In doubt", "In doubt since"),
    EmailList.CANCELLED: Tab("Cancelled", "Cancelled at"),
}
