"""Emails, what was tried, and what was decided about them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from paceline.api.outgoing.base import Shown
from paceline.domain.decisions import CampaignDecision, Decision
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import FailureReason, JobState
from paceline.services.bulk import NotDone
from paceline.services.emails import Outcome


class EmailOut(Shown):
    """An email. The last four tell, while it waits, for what, why and until when. Content and
    attempts that are kept no longer tell when they were removed."""

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
    content_removed_at: datetime | None
    attempts_removed_at: datetime | None
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


class BulkOut(Shown):
    """What was done to how many emails, and to how many nothing, by reason. `complete` false: more
    match, and are done when the same is asked again."""

    done: int
    not_done: dict[NotDone, int]
    complete: bool
