"""Why is this not out yet, until when, and when will it be? Asked of the rules that decide it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from paceline.domain.gate import HeldBy, SenderStanding, Waiting, explain
from paceline.domain.lifecycle import IN_FLIGHT, WAITING, CampaignState, JobState, SenderState
from paceline.domain.pacing import HOUR, estimate, hour_of
from paceline.persistence.stores.email_records import EmailRecord

# A server answers within moments, or may take the five to ten minutes of RFC 5321 §4.5.3.2.
SILENT_AFTER = timedelta(seconds=10)

_BY_THE_SERVER = frozenset({HeldBy.HOST_RESTING, HeldBy.SENDER_BROKEN})
_HOURLY = frozenset({HeldBy.HOURLY_LIMIT, HeldBy.CAMPAIGN_HOURLY_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an email waits amidst, as far as somebody has looked.

    `used`: how much of its hourly limit each sender and each campaign has used up. Without Redis,
    which counts them, nothing is sent, and neither is it without a worker.
    """

    used: Mapping[uuid.UUID, int] = field(default_factory=dict)
    limits_answer: bool = True
    is_worked: bool = True


NOT_LOOKED = Surroundings()


class Held(Protocol):
    """A waiting email as far as it matters for what holds it; or the next one of a queue."""

    @property
    def campaign_id(self) -> uuid.UUID | None: ...
    @property
    def campaign_state(self) -> str | None: ...
    @property
    def campaign_hourly_limit(self) -> int | None: ...
    @property
    def sender_id(self) -> uuid.UUID: ...
    @property
    def sender_state(self) -> str: ...
    @property
    def sender_state_reason(self) -> str | None: ...
    @property
    def sender_hourly_limit(self) -> int | None: ...
    @property
    def resting_until(self) -> datetime | None: ...
    @property
    def lane_held_by(self) -> str | None: ...
    @property
    def lane_wake_at(self) -> datetime | None: ...


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


def hold(email: EmailRecord, around: Surroundings, *, ahead: int | None, now: datetime) -> Hold:
    """For one email. `ahead` is how many of its campaign go before it; None: too many to say."""
    if JobState(email.state) in IN_FLIGHT:
        return silence(email.updated_at, now=now) or Hold()
    if JobState(email.state) not in WAITING:
        return Hold()
    held = hold_of_next(email, JobState(email.state), email.due_at, around, now=now)
    knows_when = held.held_by is None or held.release_at is not None
    if ahead is None or not knows_when:
        return held
    at = _estimate(email, around, held.release_at or now, ahead=ahead, now=now)
    return Hold(
        held_by=held.held_by,
        reason=held.reason,
        release_at=held.release_at,
        estimated_send_at=at,
    )


def hold_of_next(
    its: Held, state: JobState, due_at: datetime, around: Surroundings, *, now: datetime
) -> Hold:
    """What holds an email that waits, were it the next one to go."""
    wait = explain(_waiting(its, state, due_at, around), now=now)
    if wait is not None and wait.until is None:
        return Hold(held_by=wait.held_by, reason=_reason(its, wait.held_by))
    if wait is None or wait.until is None or wait.until <= now:
        if not around.is_worked:
            return Hold(held_by=HeldBy.NO_WORKER)
        if not around.limits_answer:
            return Hold(held_by=HeldBy.LIMITS_UNAVAILABLE)
    if wait is None:
        exhausted = _exhausted(its, around)
        return Hold(held_by=exhausted, release_at=hour_of(now) + HOUR if exhausted else None)
    release_at = wait.until
    if wait.held_by in _HOURLY and release_at is not None and release_at > now:
        release_at = hour_of(now) + HOUR  # the lane wakes a hair's breadth later
    return Hold(held_by=wait.held_by, reason=_reason(its, wait.held_by), release_at=release_at)


def silence(since: datetime, *, now: datetime) -> Hold | None:
    """What holds an email that is on its way since then; None: nothing, it moves."""
    if now - since < SILENT_AFTER:
        return None
    said = f"waiting since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return Hold(held_by=HeldBy.SERVER_SILENT, reason=said)


def _waiting(its: Held, state: JobState, due_at: datetime, around: Surroundings) -> Waiting:
    campaign_state = its.campaign_state
    return Waiting(
        job_state=state,
        due_at=due_at,
        campaign_state=None if campaign_state is None else CampaignState(campaign_state),
        sender=SenderStanding(state=SenderState(its.sender_state), resting_until=its.resting_until),
        lane_held_by=_lane_held_by(its, around),
        lane_wake_at=its.lane_wake_at,
    )


def _reason(its: Held, held_by: HeldBy | None) -> str | None:
    return its.sender_state_reason if held_by in _BY_THE_SERVER else None


def _lane_held_by(its: Held, around: Surroundings) -> HeldBy | None:
    if its.lane_held_by is None:
        return None
    held_by = HeldBy(its.lane_held_by)
    # The lane serves all campaigns of its sender; this limit may be another campaign's.
    if held_by is HeldBy.CAMPAIGN_HOURLY_LIMIT:
        used = around.used.get(its.campaign_id) if its.campaign_id is not None else None
        left = _left(its.campaign_hourly_limit, used)
        if left is None or (used is not None and left > 0):
            return None
    return held_by


def _exhausted(its: Held, around: Surroundings) -> HeldBy | None:
    """Whether a limit has run out that the lane has not met yet."""
    if _left(its.sender_hourly_limit, around.used.get(its.sender_id)) == 0:
        return HeldBy.HOURLY_LIMIT
    campaign_used = around.used.get(its.campaign_id) if its.campaign_id is not None else None
    if _left(its.campaign_hourly_limit, campaign_used) == 0:
        return HeldBy.CAMPAIGN_HOURLY_LIMIT
    return None


def _left(limit: int | None, used: int | None) -> int | None:
    return None if limit is None else max(limit - (used or 0), 0)


def _estimate(
    email: EmailRecord, around: Surroundings, release_at: datetime, *, ahead: int, now: datetime
) -> datetime:
    used_by = (email.sender_id, email.campaign_id)
    limits = (email.sender_hourly_limit, email.campaign_hourly_limit)
    left = [
        remaining
        for limit, key in zip(limits, used_by, strict=True)
        if (remaining := _left(limit, around.used.get(key) if key else None)) is not None
    ]
    this_hour = hour_of(release_at) == hour_of(now)
    return estimate(
        release_at=release_at,
        ahead=ahead,
        min_delay_ms=max(email.sender_min_delay_ms, email.campaign_min_delay_ms or 0),
        hourly_limit=min((limit for limit in limits if limit is not None), default=None),
        left_this_hour=min(left) if left and this_hour else None,
    )
