"""May this sender send now? The rules that need no counter, decided for one moment.

Counters (hourly limits, minimum gaps) live in Redis and are asked after this gate has opened. The
lane, the API's "why not yet?" and any forecast call the same functions.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paceline.domain.lifecycle import CampaignState, JobState, SenderState


class HeldBy(StrEnum):
    """What an email that has not gone out is waiting for."""

    CAMPAIGN_DRAFT = "campaign_draft"
    CAMPAIGN_PAUSED = "campaign_paused"
    SENDER_PAUSED = "sender_paused"
    SENDER_BROKEN = "sender_broken"
    HOST_RESTING = "host_resting"
    SCHEDULE = "schedule"
    RETRY = "retry"
    MIN_DELAY = "min_delay"
    HOURLY_LIMIT = "hourly_limit"
    CAMPAIGN_HOURLY_LIMIT = "campaign_hourly_limit"
    SERVER_SILENT = "server_silent"  # it is on its way, and its server takes long to answer
    NO_WORKER = "no_worker"  # its time has come, and no worker process lives
    LIMITS_UNAVAILABLE = "limits_unavailable"  # Redis does not answer, or refuses writes


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderStanding:
    """What the gate needs to know of a sender."""

    state: SenderState
    resting_until: datetime | None  # its server is away, or refuses mail for now


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The waiting emails of one campaign (None: single emails), as far as a lane looks ahead."""

    campaign_id: uuid.UUID | None
    due: int  # may be capped by the reader
    next_due_at: datetime | None  # the earliest, due or not; None: nothing waits
    hourly_limit: int | None
    min_delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing may go before `until`. None: only a signal ends this wait (new work, a decision)."""

    until: datetime | None
    held_by: HeldBy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """These have emails that are due."""

    demands: tuple[Demand, ...]


def judge(sender: SenderStanding, demands: Sequence[Demand], *, now: datetime) -> Go | Wait:
    """Decide for one sender at one moment."""
    if sender.state is not SenderState.ACTIVE:
        return Wait(until=None, held_by=_held_by_state(sender.state))
    if sender.resting_until is not None and sender.resting_until > now:
        return Wait(until=sender.resting_until, held_by=HeldBy.HOST_RESTING)
    due = tuple(demand for demand in demands if demand.due > 0)
    if due:
        return Go(demands=due)
    upcoming = [demand.next_due_at for demand in demands if demand.next_due_at is not None]
    if not upcoming:
        return Wait(until=None, held_by=None)
    return Wait(until=min(upcoming), held_by=HeldBy.SCHEDULE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One waiting email and all that may hold it, for "why not yet?"."""

    job_state: JobState
    due_at: datetime
    campaign_state: CampaignState | None
    sender: SenderStanding
    lane_held_by: HeldBy | None  # what the lane met when it last looked
    lane_wake_at: datetime | None


_LANE_LIMITS = frozenset({HeldBy.MIN_DELAY, HeldBy.HOURLY_LIMIT, HeldBy.CAMPAIGN_HOURLY_LIMIT})


def explain(email: Waiting, *, now: datetime) -> Wait | None:
    """What holds this email, and until when as far as it is known; None when nothing does.

    The binding constraint comes first: a person's decision, then its time, then the limits.
    """
    held_by = _held_by_person(email)
    if held_by is not None:
        return Wait(until=None, held_by=held_by)
    resting_until = email.sender.resting_until
    rests_longer = resting_until is not None and resting_until > email.due_at
    if email.due_at > now and not rests_longer:
        retry = email.job_state is JobState.DEFERRED
        return Wait(until=email.due_at, held_by=HeldBy.RETRY if retry else HeldBy.SCHEDULE)
    if resting_until is not None and resting_until > now:
        return Wait(until=resting_until, held_by=HeldBy.HOST_RESTING)
    if email.lane_held_by in _LANE_LIMITS and email.lane_wake_at is not None:
        return Wait(until=max(email.lane_wake_at, now), held_by=email.lane_held_by)
    return None


def _held_by_person(email: Waiting) -> HeldBy | None:
    if email.campaign_state is CampaignState.DRAFT:
        return HeldBy.CAMPAIGN_DRAFT
    if email.campaign_state is CampaignState.PAUSED:
        return HeldBy.CAMPAIGN_PAUSED
    if email.sender.state is not SenderState.ACTIVE:
        return _held_by_state(email.sender.state)
    return None


def _held_by_state(state: SenderState) -> HeldBy:
    return HeldBy.SENDER_BROKEN if state is SenderState.BROKEN else HeldBy.SENDER_PAUSED
