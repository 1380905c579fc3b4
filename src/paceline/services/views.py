"""What the use cases answer with: plain frozen values, the same for the API and the dashboard."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from paceline.delivery import Auth, DkimAlgorithm, Security
from paceline.domain.decisions import CampaignDecision, Decision
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import (
    CampaignState,
    DoubtPolicy,
    EmailList,
    FailureReason,
    JobState,
    SenderState,
)
from paceline.domain.recipients import Recipient, RefusedRow
from paceline.domain.short_lists import Extent
from paceline.domain.tables.shape import Shape
from paceline.services.sender_checks import CheckReport
from paceline.services.status import Allowance, CampaignAllowance, OwnerStatus, Status

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items, where the next ones begin (None: these were the last), and those before them.

    `previous_cursor` None: these were the first, or the list is walked one way only. `extent`: of
    the whole list, where it was counted to be sorted.
    """

    items: list[T]
    next_cursor: str | None
    previous_cursor: str | None = None
    extent: Extent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimView:
    """The key that signs a sender's emails, as far as it may be shown."""

    selector: str
    domain: str
    algorithm: DkimAlgorithm
    is_lost: bool  # nobody can open it any more: nothing is sent until it is dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderView:
    """A sender. Whether it has a password is told; the password is not. `dkim` None: unsigned.

    `verified_at` is when the account, as it is now, last took a log-in that was asked for.
    """

    version: str
    id: uuid.UUID
    name: str
    from_address: str
    from_name: str | None
    smtp_host: str
    smtp_port: int
    smtp_security: Security
    smtp_auth: Auth
    smtp_username: str | None
    smtp_password_set: bool
    smtp_oauth_set: bool
    hourly_limit: int | None
    min_delay_ms: int
    max_connections: int
    state: SenderState
    state_reason: str | None
    next_step: str | None  # where it is broken and that can be told
    next_step_url: str | None
    resting_until: datetime | None
    dkim: DkimView | None
    verified_at: datetime | None
    last_check: CheckReport | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A campaign's emails by state."""

    scheduled: int
    claimed: int
    sending: int
    deferred: int
    sent: int
    failed: int
    in_doubt: int
    cancelled: int

    def of(self, which: EmailList) -> int:
        """How many one list holds."""
        return sum(int(getattr(self, state)) for state in which.states)

    @property
    def beyond_recall(self) -> int:
        """Those that have left, or may be leaving."""
        return self.claimed + self.sending + self.sent + self.failed + self.in_doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """A campaign. `status` tells what is so with it, and why its next email is not out yet."""

    version: str
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
    counts: Counts
    total: int
    created_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None
    status: Status
    hourly: Allowance | None  # None: it has no hourly limit of its own
    sender_hourly: Allowance | None
    notes: tuple[str, ...] = ()  # about its message, while it is a draft and when it is launched

    @property
    def held_by(self) -> HeldBy | None:
        """What its next email waits for."""
        return self.status.held_by

    @property
    def held_reason(self) -> str | None:
        """What the mail server said, or since when it says nothing, where it holds things up."""
        return self.status.reason

    @property
    def release_at(self) -> datetime | None:
        """Until when, as far as it is known."""
        return self.status.at


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionReport:
    """What became of each row of a file: rows = added + known + the invalid ones.

    `known` were on the list already, or further up in the file.
    """

    rows: int
    added: int
    known: int
    invalid: tuple[RefusedRow, ...] = ()
    shape: Shape | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of each row.

    rows == accepted + duplicates + suppressed + len(invalid) + left_out.
    """

    rows: int
    accepted: int
    duplicates: int
    suppressed: int
    invalid: tuple[RefusedRow, ...]
    left_out: int = 0  # who has opted out, bounced or never agreed, as the table says
    left_out_rows: tuple[RefusedRow, ...] = ()  # the first of them, with the reason
    shape: Shape | None = None  # how the file was read; None for recipients that came as values
    notes: tuple[str, ...] = ()  # what else the uploader should know about that


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What an upload would do, as far as the file alone can tell.

    Where `shape` has open questions nothing was read yet, and an import would be refused.
    """

    rows: int
    usable: int
    duplicates: int  # within the file
    invalid: tuple[RefusedRow, ...]
    fields: tuple[str, ...]  # what a message may use
    first: tuple[Recipient, ...]
    left_out: int = 0
    left_out_rows: tuple[RefusedRow, ...] = ()
    suppressed: tuple[RefusedRow, ...] = ()  # where its reader was told who is; the first of them
    suppressed_count: int = 0
    shape: Shape | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedCampaign:
    """A new campaign, and what became of the recipients that came with it."""

    campaign: CampaignView
    report: ImportReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailView:
    """One email. The last four tell, while it waits, for what, why and until when."""

    version: str
    id: uuid.UUID
    campaign_id: uuid.UUID | None
    campaign_name: str | None
    sender_id: uuid.UUID
    sender_address: str
    to: str
    to_name: str | None
    subject: str
    state: JobState
    scheduled_at: datetime
    due_at: datetime
    sent_at: datetime | None
    updated_at: datetime
    attempt: int
    message_id: str
    failure_reason: FailureReason | None
    reply_code: int | None
    reply_enhanced: str | None
    reply_text: str | None
    content_removed_at: datetime | None = None  # kept no longer; so are its attempts
    attempts_removed_at: datetime | None = None
    held_by: HeldBy | None = None
    held_reason: str | None = None
    release_at: datetime | None = None
    estimated_send_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """Evidence of one attempt. `dialogue`: lines of what was said, where it did not end well."""

    attempt: int
    outcome: str
    phase: str | None
    reply_code: int | None
    reply_enhanced: str | None
    reply_text: str | None
    dot_at: datetime | None
    ended_at: datetime | None
    dialogue: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """What was decided about one email, or about its campaign while it waited. `by` None: a rule,
    which `detail` names.

    `detail` has, by the names of the API, [before, after] of what was changed or moved; None where
    it is too long to be kept.
    """

    what: Decision | CampaignDecision
    by: str | None
    at: datetime
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailDetail:
    """One email with its content as it is sent, and its history, the oldest attempt first.

    `campaign_state` None: it is a single email.
    """

    email: EmailView
    created_at: datetime
    campaign_state: CampaignState | None
    text: str | None
    html: str | None
    fields: dict[str, object]
    attempts: tuple[AttemptView, ...]
    decisions: tuple[DecisionView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """An owner's figures at a glance, with a count for each `EmailList`; and what is so now.

    `campaigns`: those that are running under an hourly limit of their own. `drafted`: how many of
    the scheduled belong to campaigns that nobody has launched.
    """

    scheduled: int
    sent: int
    failed: int
    in_doubt: int
    cancelled: int
    now: OwnerStatus
    campaigns: tuple[CampaignAllowance, ...] = ()
    drafted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Overview):
    """The same with how many were sent since midnight UTC, and within the last hour."""

    sent_today: int
    sent_last_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A campaign with its recent pace: how many were sent in each UTC hour, the oldest first."""

    campaign: CampaignView
    sent_per_hour: list[tuple[datetime, int]]
