"""Senders, their keys and records, and how checks of them ended."""

from __future__ import annotations

import uuid
from datetime import datetime

from paceline.api.outgoing.base import Shown
from paceline.delivery import Auth, DkimAlgorithm, Phase, Security
from paceline.domain.lifecycle import CampaignState, SenderState
from paceline.domain.mail_records import Grade


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
