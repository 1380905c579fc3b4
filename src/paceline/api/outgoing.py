"""What goes out, as the OpenAPI document describes it: the services' views, field by field.

Written out rather than derived, so that a change inside does not change the API by accident.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import AliasPath, BaseModel, ConfigDict, Field

from paceline.delivery import Auth, DkimAlgorithm, Phase, Security
from paceline.domain.decisions import CampaignDecision, Decision
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import (
    CampaignState,
    DoubtPolicy,
    FailureReason,
    JobState,
    SenderState,
)
from paceline.domain.mail_records import Grade
from paceline.domain.scopes import Scope
from paceline.domain.tables.shape import Becomes
from paceline.services.bulk import NotDone
from paceline.services.emails import Outcome
from paceline.services.status import Activity, NeedKind

T = TypeVar("T")


class Shown(BaseModel):
    """Base of what goes out, read from the services' views."""

    model_config = ConfigDict(from_attributes=True)


class FieldProblemOut(Shown):
    """One thing that is wrong with one field, named as the caller wrote it."""

    field: str
    message: str


class ProblemOut(Shown):
    """What went wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblemOut] = []
    shape: ShapeOut | None = None  # where a question about a table is open
    made: str | None = None  # by the first request under an Idempotency-Key: where that is


class PageOut(Shown, Generic[T]):
    """A list: some items, and the cursors of the next ones and of those before (null: none).

    Lists of emails are walked both ways, all others forwards only.
    """

    items: list[T]
    next_cursor: str | None
    previous_cursor: str | None = None


class DkimOut(Shown):
    """The key that signs a sender's emails, without the key. `is_lost`: nobody can open it any
    more, and nothing is sent until it is deleted."""

    selector: str
    domain: str
    algorithm: DkimAlgorithm
    is_lost: bool


class DkimRecordOut(Shown):
    """The TXT record to publish. `value` is for a zone file, in quoted strings of at most 255
    octets; `text` is the same whole, for forms that cut it themselves."""

    selector: str
    domain: str
    algorithm: DkimAlgorithm
    name: str
    value: str
    text: str


class PresetOut(Shown):
    """How a provider takes mail: what is filled in, and in words what else belongs there. `host` is
    the usual server, `regions` have others. Limits are offered, not enforced."""

    key: str
    name: str
    host: str
    port: int
    security: Security
    auth: Auth
    user_name: str
    user_name_is_address: bool
    credential: str
    credential_url: str | None
    hourly_limit: int | None
    min_delay_ms: int
    limits: str
    regions: dict[str, str]
    token_endpoint: str | None
    scope: str | None


class PresetsOut(Shown):
    """All presets; `guessed` is the key of the one that the given address seems to need."""

    items: tuple[PresetOut, ...]
    guessed: str | None


class RecordVerdictOut(Shown):
    """One record of DNS. `found` is what stands under `name`, `publish` what should."""

    kind: str
    grade: Grade
    name: str
    words: str
    found: tuple[str, ...]
    publish: str | None


class DnsReportOut(Shown):
    """SPF, DKIM and DMARC of a sender's domain."""

    domain: str
    checked_at: datetime
    records: tuple[RecordVerdictOut, ...]


class CheckOut(Shown):
    """Whether the server can be reached and logged in to. `dialogue` is what was said, without
    secrets (`>` ours, `<` the server's); `next_step` says what to do when it did not work."""

    ok: bool
    phase: Phase
    detail: str
    extensions: tuple[str, ...]
    checked_at: datetime
    dialogue: tuple[str, ...]
    next_step: str | None
    next_step_url: str | None


class SenderOut(Shown):
    """A sender; whether it has a password is told, the password is not. `verified_at`: when its
    account, as it is now, last took a log-in that was asked for. `next_step`: what to do where it
    is broken, and that can be told."""

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
    next_step: str | None
    next_step_url: str | None
    resting_until: datetime | None
    dkim: DkimOut | None
    verified_at: datetime | None
    last_check: CheckOut | None
    created_at: datetime
    updated_at: datetime


class OpenCampaignOut(Shown):
    """A campaign that is not over. `to_go`: emails with no outcome yet."""

    id: uuid.UUID
    name: str
    state: CampaignState
    to_go: int


class SenderWorkOut(Shown):
    """What stands in the way of deleting a sender: its open campaigns, single emails that wait, and
    emails on their way. Counting ends at 10,000, listing at 100."""

    campaigns: tuple[OpenCampaignOut, ...]
    single_emails: int
    on_their_way: int


class SenderUseOut(Shown):
    """`this_hour` is what counts against the hourly limit (null: nobody can say now), `today` what
    was sent since `day_began_at`; with `today_is_more` at least so many."""

    hourly_limit: int | None
    this_hour: int | None
    hour_ends_at: datetime
    today: int
    today_is_more: bool
    day_began_at: datetime


class TestOut(Shown):
    """Whether the server took it."""

    ok: bool
    detail: str
    message_id: str


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


class NeedOut(Shown):
    """Something that only a person can mend. `reason`: in the server's words; `count`: emails."""

    kind: NeedKind
    sender_id: uuid.UUID | None
    sender_address: str | None
    reason: str | None
    count: int | None


class StatusOut(Shown):
    """What is so. `at`: when the next email goes, or until when it is held (null: until somebody
    lets it go); `held_by`: by what."""

    activity: Activity
    held_by: HeldBy | None
    reason: str | None
    at: datetime | None
    needs: tuple[NeedOut, ...]


class AllowanceOut(Shown):
    """An hourly limit, and what is used of it in this UTC hour (null: nobody can say)."""

    limit: int
    used: int | None


class SenderStatusOut(Shown):
    """One sender. `hourly` null: it has no hourly limit."""

    sender_id: uuid.UUID
    name: str
    address: str
    state: SenderState
    hourly: AllowanceOut | None
    min_delay_ms: int
    status: StatusOut


class OverviewOut(Shown):
    """What is so, how many emails each list holds, and each sender. `is_worked`: a worker lives;
    `limits_answer`: Redis, which counts the limits, does."""

    status: StatusOut = Field(validation_alias=AliasPath("now", "status"))
    scheduled: int
    sent: int
    failed: int
    in_doubt: int
    cancelled: int
    sent_today: int
    sent_last_hour: int
    is_worked: bool = Field(validation_alias=AliasPath("now", "is_worked"))
    limits_answer: bool = Field(validation_alias=AliasPath("now", "limits_answer"))
    senders: tuple[SenderStatusOut, ...] = Field(validation_alias=AliasPath("now", "senders"))


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
        description="What is likely to be wrong in a draft's message; read before launch",
    )


class RefusedRowOut(Shown):
    """A row that was not taken. `line` is where it begins, or its place in the list."""

    line: int
    value: str
    reason: str


class ColumnOut(Shown):
    """A column of a table: its title ("": it has none), and what it became. `position` counts from
    1; `field` is what a message calls it by."""

    position: int
    title: str
    becomes: Becomes
    field: str | None


class SkippedLineOut(Shown):
    """Something above the header that was not read as a row."""

    line: int
    text: str


class OptionOut(Shown):
    """One answer: `value` is what the parameter takes, `label` what a person reads."""

    value: str
    label: str


class QuestionOut(Shown):
    """Something about a table that may be meant in several ways. `chosen`: the answer that was
    taken (null: nothing is imported before there is one); `parameter`: what changes it."""

    about: str
    text: str
    options: tuple[OptionOut, ...]
    chosen: str | None
    parameter: str


class ShapeOut(Shown):
    """How a table was read. `form`: what it is like, "list" where it is addresses side by side
    (others: lines, html, copy, vcard, ldif). `header_line` null: it has none. `opted_out`: how many
    rows were left out, by what their status said."""

    form: str = "table"
    encoding: str
    delimiter: str
    header_line: int | None
    columns: tuple[ColumnOut, ...]
    skipped: tuple[SkippedLineOut, ...]
    opted_out: dict[str, int]
    questions: tuple[QuestionOut, ...]


class ReportOut(Shown):
    """What became of each row: rows = accepted + duplicates + suppressed + left_out + the invalid
    ones. `shape` tells how a table was read; null for recipients that came as JSON."""

    rows: int
    accepted: int
    duplicates: int
    suppressed: int
    left_out: int
    invalid: tuple[RefusedRowOut, ...]
    left_out_rows: tuple[RefusedRowOut, ...]
    shape: ShapeOut | None
    notes: tuple[str, ...]


class FirstRecipientOut(Shown):
    """A recipient as a table gives it, with the values for the message."""

    line: int
    email: str = Field(validation_alias="address")
    name: str | None
    fields: dict[str, Any]


class PreviewOut(Shown):
    """What an import would do: rows = usable + duplicates + left_out + the invalid ones. Where a
    question of `shape` has nothing chosen, no row was read yet. Suppressed addresses and those that
    a campaign has already are found at the import."""

    rows: int
    usable: int
    duplicates: int
    left_out: int
    invalid: tuple[RefusedRowOut, ...]
    left_out_rows: tuple[RefusedRowOut, ...]
    fields: tuple[str, ...]
    first: tuple[FirstRecipientOut, ...]
    shape: ShapeOut | None
    notes: tuple[str, ...]


class CreatedCampaignOut(CampaignOut):
    """A new campaign, and what became of the recipients that came with it."""

    report: ReportOut | None = None


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
    held_reason: str | None
    release_at: datetime | None
    estimated_send_at: datetime | None


class CancelledOut(EmailOut):
    """What came of calling an email back."""

    result: Outcome


class AttemptOut(Shown):
    """Evidence of one attempt. `dialogue` has the lines of what was said to the server (`> `), what
    it said (`< `) and what happened besides (`* `), without secrets and message: of the last 20
    attempts that came to nothing."""

    attempt: int
    outcome: str
    phase: str | None
    reply_code: int | None
    reply_enhanced: str | None
    reply_text: str | None
    dot_at: datetime | None
    ended_at: datetime | None
    dialogue: tuple[str, ...]


class DecisionOut(Shown):
    """What was decided about an email, or about its campaign while it waited (`campaign_…`), `by`
    whom (null: a rule, which `detail` names). Of what was changed or moved, `detail` has [before,
    after], or null where it is too long to be kept."""

    what: Decision | CampaignDecision
    by: str | None
    at: datetime
    detail: dict[str, Any]


class EmailDetailOut(EmailOut):
    """An email with its content and its history, the oldest first: what was tried, and what people
    and their rules decided about it."""

    text: str | None
    html: str | None
    fields: dict[str, Any]
    attempts: tuple[AttemptOut, ...]
    decisions: tuple[DecisionOut, ...]


class RetryReportOut(Shown):
    """How many failed emails wait again (`dry_run`: would), and how many stay failed, and why:
    `suppressed` by their address, `doubtful` because an attempt has no certain end."""

    retried: int
    suppressed: int
    doubtful: int
    dry_run: bool


class BulkOut(Shown):
    """What was done to how many emails, and to how many nothing, by reason. `complete` false: more
    match, and are done when the same is asked again."""

    done: int
    not_done: dict[NotDone, int]
    complete: bool


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


class AddedOut(Shown):
    """How many were not on the list yet."""

    added: int


class SuppressionOut(Shown):
    """One address that must not be mailed. After a hard bounce, the email's id and the reply."""

    address: str = Field(validation_alias="address_key")
    reason: str
    created_at: datetime
    note: str | None
    added_by: str | None
    reply: str | None
    email_id: uuid.UUID | None


class SuppressionReportOut(Shown):
    """What became of each row of a file: rows = added + known + the invalid ones. `known` were on
    the list already, or further up in the file."""

    rows: int
    added: int
    known: int
    invalid: tuple[RefusedRowOut, ...]
    shape: ShapeOut | None
    notes: tuple[str, ...]


class RemovalOut(Shown):
    """An address that was taken off the list. `detail`: its reason, since when, the note."""

    address: str = Field(validation_alias="subject")
    removed_at: datetime = Field(validation_alias="at")
    removed_by: str = Field(validation_alias="actor")
    detail: dict[str, Any]


class ApiKeyOut(Shown):
    """An API key, as far as it may be shown."""

    id: uuid.UUID
    name: str
    prefix: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    has_expired: bool
