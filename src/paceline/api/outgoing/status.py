"""What is so, and what needs a person."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import AliasPath, Field

from paceline.api.outgoing.base import AllowanceOut, Shown
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import SenderState
from paceline.services.status import Activity, NeedKind


class NeedOut(Shown):
    """Something that only a person can mend. `reason`: in the server's words; `count`: emails;
    `host`: a server that cannot be reached, `since` when, and `at`: when it is tried again."""

    kind: NeedKind
    sender_id: uuid.UUID | None
    sender_address: str | None
    reason: str | None
    count: int | None
    host: str | None
    since: datetime | None
    at: datetime | None


class StatusOut(Shown):
    """What is so. `at`: when the next email goes, or until when it is held (null: until somebody
    lets it go); `held_by`: by what."""

    activity: Activity
    held_by: HeldBy | None
    reason: str | None
    at: datetime | None
    needs: tuple[NeedOut, ...]


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
    `limits_answer`: Redis, which counts the limits, does; `drafted`: how many of the scheduled
    belong to campaigns that nobody has launched."""

    status: StatusOut = Field(validation_alias=AliasPath("now", "status"))
    scheduled: int
    drafted: int
    sent: int
    failed: int
    in_doubt: int
    cancelled: int
    sent_today: int
    sent_last_hour: int
    is_worked: bool = Field(validation_alias=AliasPath("now", "is_worked"))
    limits_answer: bool = Field(validation_alias=AliasPath("now", "limits_answer"))
    senders: tuple[SenderStatusOut, ...] = Field(validation_alias=AliasPath("now", "senders"))
