"""What comes in and what goes out, as the OpenAPI document describes it.

Types are taken strictly (`"5"` is no number) and unknown names are refused, so that a misspelt
field is an error rather than a silence. What the values must be like is the services' to say.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr

from paceline.delivery import Phase, Security
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import (
    CampaignState,
    DoubtPolicy,
    FailureReason,
    JobState,
    SenderState,
)
from paceline.services.emails import Outcome, Resolution

T = TypeVar("T")

_MAX_SAFE = 2**53 - 1  # JSON numbers beyond it do not survive everywhere


def _read_instant(value: object) -> object:
    """RFC 3339 with an offset; numbers and bare dates are not guessed at."""
    if not isinstance(value, str):
        raise ValueError("must be text such as 2026-11-25T10:00:00+01:00")
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("is no instant; an example is 2026-11-25T10:00:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError("give an offset, e.g. 2026-11-25T10:00:00+01:00")
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError("is out of range") from None


Instant = Annotated[datetime, BeforeValidator(_read_instant)]
Number = Annotated[int, Field(strict=True, ge=-_MAX_SAFE, le=_MAX_SAFE)]
Value = (
    StrictStr
    | StrictBool
    | Annotated[int, Field(strict=True, ge=-_MAX_SAFE, le=_MAX_SAFE)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
)


class Given(BaseModel):
    """Base of what comes in."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The fields that the caller wrote; a patch leaves the others alone."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Shown(BaseModel):
    """Base of what goes out, read from the services' views."""

    model_config = ConfigDict(from_attributes=True)


class PageOut(Shown, Generic[T]):
    """A list: some items, and the cursor for the next ones (null: these were the last)."""

    items: list[T]
    next_cursor: str | None


class SenderIn(Given):
    """A new sender."""

    name: StrictStr
    from_address: StrictStr
    from_name: StrictStr | None = None
    smtp_host: StrictStr
    smtp_port: Number
    smtp_security: Security
    smtp_username: StrictStr | None = None
    smtp_password: StrictStr | None = Field(default=None, json_schema_extra={"writeOnly": True})
    hourly_limit: Number | None = None
    min_delay_ms: Number = 0
    max_connections: Number = 4


class SenderPatchIn(Given):
    """What is to change of a sender. `state`: active or paused."""

    name: StrictStr = ""
    from_address: StrictStr = ""
    from_name: StrictStr | None = None
    smtp_host: StrictStr = ""
    smtp_port: Number = 0
    smtp_security: Security = Security.STARTTLS
    smtp_username: StrictStr | None = None
    smtp_password: StrictStr | None = Field(default=None, json_schema_extra={"writeOnly": True})
    hourly_limit: Number | None = None
    min_delay_ms: Number = 0
    max_connections: Number = 0
    state: SenderState = SenderState.ACTIVE


class SenderOut(Shown):
    """A sender; whether it has a password is told, the password is not."""

    id: uuid.UUID
    name: str
    from_address: str
    from_name: str | None
    smtp_host: str
    smtp_port: int
    smtp_security: Security
    smtp_username: str | None
    smtp_password_set: bool
    hourly_limit: int | None
    min_delay_ms: int
    max_connections: int
    state: SenderState
    state_reason: str | None
    resting_until: datetime | None
    created_at: datetime
    updated_at: datetime


class CheckOut(Shown):
    """Whether the server can be reached and logged in to."""

    ok: bool
    phase: Phase
    detail: str
    extensions: tuple[str, ...]


class TestIn(Given):
    """Where a test message is to go."""

    to: StrictStr


class TestOut(Shown):
    """Whether the server took it."""

    ok: bool
    detail: str
    message_id: str


class RecipientIn(Given):
    """One recipient; `fields` are what the message may use beside `email` and `name`."""

    email: StrictStr
    name: StrictStr | None = None
    fields: dict[str, Value | None] = Field(default_factory=dict)


class RecipientsIn(Given):
    """Recipients to be added."""

    recipients: list[RecipientIn]


class CampaignIn(Given):
    """A new campaign; it begins as a draft. `start_at` null: as soon as it is launched."""

    name: StrictStr | None = None
    sender_id: uuid.UUID
    subject: StrictStr
    text: StrictStr | None = None
    html: StrictStr | None = None
    start_at: Instant | None = None
    time_zone: StrictStr = "UTC"
    min_delay_ms: Number = 0
    hourly_limit: Number | None = None
    doubt_policy: DoubtPolicy = DoubtPolicy.HOLD
    recipients: list[RecipientIn] = Field(default_factory=list)


class CampaignPatchIn(Given):
    """What is to change of a campaign. Subject, text and html only while it is a draft."""

    name: StrictStr = ""
    subject: StrictStr = ""
    text: StrictStr | None = None
    html: StrictStr | None = None
    start_at: Instant | None = None
    time_zone: StrictStr = "UTC"
    min_delay_ms: Number = 0
    hourly_limit: Number | None = None
    doubt_policy: DoubtPolicy = DoubtPolicy.HOLD


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
    """A campaign."""

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
    state: CampaignState
    counts: CountsOut
    total: int
    created_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None
    held_by: HeldBy | None
    release_at: datetime | None


class RefusedRowOut(Shown):
    """A row that was not taken. `line` is where it begins, or its place in the list."""

    line: int
    value: str
    reason: str


class ReportOut(Shown):
    """What became of each row: rows = accepted + duplicates + suppressed + the invalid ones."""

    rows: int
    accepted: int
    duplicates: int
    suppressed: int
    invalid: tuple[RefusedRowOut, ...]
    notes: tuple[str, ...]


class CreatedCampaignOut(CampaignOut):
    """A new campaign, and what became of the recipients that came with it."""

    report: ReportOut | None = None


class EmailIn(Given):
    """One email to one person. `scheduled_at` null: now."""

    sender_id: uuid.UUID
    to: StrictStr
    to_name: StrictStr | None = None
    subject: StrictStr
    text: StrictStr | None = None
    html: StrictStr | None = None
    scheduled_at: Instant | None = None


class EmailPatchIn(Given):
    """When an email is to go instead."""

    scheduled_at: Instant


class ResolveIn(Given):
    """How doubt is settled: it was `sent`, or `resend` it."""

    resolution: Resolution


class EmailOut(Shown):
    """An email. The last three tell, while it waits, for what and until when."""

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
    held_by: HeldBy | None
    release_at: datetime | None
    estimated_send_at: datetime | None


class CancelledOut(EmailOut):
    """What came of calling an email back."""

    result: Outcome


class AttemptOut(Shown):
    """Evidence of one attempt."""

    attempt: int
    outcome: str
    phase: str | None
    reply_code: int | None
    reply_enhanced: str | None
    reply_text: str | None
    dot_at: datetime | None
    ended_at: datetime | None


class EmailDetailOut(EmailOut):
    """An email with its content and its history, the oldest attempt first."""

    text: str | None
    html: str | None
    fields: dict[str, Any]
    attempts: tuple[AttemptOut, ...]


class SuppressionsIn(Given):
    """Addresses that must not be mailed."""

    addresses: list[StrictStr]


class AddedOut(Shown):
    """How many were not on the list yet."""

    added: int


class SuppressionOut(Shown):
    """One address that must not be mailed."""

    address: str = Field(validation_alias="address_key")
    reason: str
    created_at: datetime


class ApiKeyOut(Shown):
    """An API key, as far as it may be shown."""

    id: uuid.UUID
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
