"""Campaigns, why their emails failed, and who gets the same twice."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import Field

from paceline.api.outgoing.base import AllowanceOut, Shown
from paceline.api.outgoing.status import StatusOut
from paceline.api.outgoing.tables import ReportOut
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import CampaignState, DoubtPolicy, FailureReason


class CountsOut(Shown):
    """A campaign's emails by state."""

    scheduled: int
    claimed: int
    sending: int
    deferred: int
    sent: int
    failed: int
    in_doubt: int
    cancelled: int


class CampaignOut(Shown):
    """A campaign. `held_by`, `held_reason` and `release_at` are those of `status`."""

    id: uuid.UUID
    name: str
    sender_id: uuid.UUID
    sender_address: str
    subject: str
    text: str | None
    html: str | None
    start_at: datetime | None
    time_zone: str
    min_delay_ms: int
    hourly_limit: int | None
    doubt_policy: DoubtPolicy
    expires_after_hours: int
    state: CampaignState
    counts: CountsOut
    total: int
    created_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None
    held_by: HeldBy | None
    held_reason: str | None
    release_at: datetime | None
    status: StatusOut
    hourly: AllowanceOut | None = Field(description="Its own hourly limit; null: it has none")
    sender_hourly: AllowanceOut | None = Field(description="Its sender's")
    notes: tuple[str, ...] = Field(
        default=(),
        description="What is likely to be wrong with a draft's message or files: read it first",
    )


class CreatedCampaignOut(CampaignOut):
    """A new campaign, and what became of the recipients that came with it."""

    report: ReportOut | None = None


class RetryReportOut(Shown):
    """How many failed emails wait again (`dry_run`: would), and how many stay failed, and why:
    `suppressed` by their address, `doubtful` because an attempt has no certain end."""

    retried: int
    suppressed: int
    doubtful: int
    dry_run: bool


class FailedGroupOut(Shown):
    """Failed emails with one reason and one reply; `reply` as the retry of a campaign takes it."""

    reason: FailureReason
    reply: str
    count: int
    example: str | None


class FailuresOut(Shown):
    """Why the emails of a campaign failed, the most frequent reason first."""

    items: tuple[FailedGroupOut, ...]


class RepeatOut(Shown):
    """A campaign that brings recipients of this one the same subject within a day of it."""

    campaign_id: uuid.UUID
    launched_at: datetime
    recipients: int


class RepeatsOut(Shown):
    """Who gets the same subject twice: by campaign, the one with the most of them first."""

    items: tuple[RepeatOut, ...]
