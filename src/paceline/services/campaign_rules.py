"""What makes a campaign acceptable, what may be changed when, and what a launch has to move."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from paceline.domain.bounds import DEFAULT_EXPIRY_HOURS
from paceline.domain.lifecycle import CampaignState, DoubtPolicy
from paceline.domain.recipients import RawRecipient
from paceline.domain.when import EMPTY_IT
from paceline.errors import Conflict, FieldProblem, InvalidInput
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import recipients
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services.row_checks import RowChecks
from paceline.services.unset import UNSET, Maybe
from paceline.services.validation import Problems
from paceline.services.views import CampaignView

# A draft's emails carry the time of their upload. Launched this soon after it, they are left alone:
# moving a million rows by a few minutes is not worth what it costs.
FRESH = timedelta(minutes=10)
# A start this far back was missed, not met late by a long upload: its owner says what is to be.
MISSED = timedelta(hours=1)
MAX_TRIED = 200  # recipients for whom a changed message is made
_CONTENT = frozenset({"subject", "text", "html"})
_COLUMNS = {"text": "text_body", "html": "html_body"}
_OVER = frozenset({CampaignState.COMPLETED, CampaignState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """A campaign to be created as a draft. `start_at` None: as soon as it is launched.

    `begins_in`: of one that is launched with that, so long after it was stored.

    `is_test`: of a message that is being written. It is in no list of campaigns, and no count.
    """

    sender_id: uuid.UUID
    name: str | None = None  # the subject, where nobody gave one
    subject: str
    text: str | None = None
    html: str | None = None
    start_at: datetime | None = None
    begins_in: timedelta | None = None
    time_zone: str = "UTC"
    min_delay_ms: int = 0
    hourly_limit: int | None = None
    doubt_policy: DoubtPolicy = DoubtPolicy.HOLD
    expires_after_hours: int = DEFAULT_EXPIRY_HOURS
    recipients: Sequence[RawRecipient] = field(default=())
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPatch:
    """What is to change. Subject and bodies only while it is a draft."""

    name: Maybe[str] = UNSET
    subject: Maybe[str] = UNSET
    text: Maybe[str | None] = UNSET
    html: Maybe[str | None] = UNSET
    start_at: Maybe[datetime | None] = UNSET
    time_zone: Maybe[str] = UNSET
    min_delay_ms: Maybe[int] = UNSET
    hourly_limit: Maybe[int | None] = UNSET
    doubt_policy: Maybe[DoubtPolicy] = UNSET
    expires_after_hours: Maybe[int] = UNSET


def name_of(new: NewCampaign) -> str:
    """What it is called: by its subject, if nobody gave it a name."""
    return new.name if new.name and new.name.strip() else new.subject[:100]


def checked(problems: Problems, new: NewCampaign) -> dict[str, Any]:
    """The columns of a new campaign; what is wrong goes to `problems`."""
    problems.hourly_limit("hourly_limit", new.hourly_limit)
    problems.min_delay_ms("min_delay_ms", new.min_delay_ms)
    problems.time_zone("time_zone", new.time_zone)
    problems.expiry("expires_after_hours", new.expires_after_hours)
    return {
        "sender_id": new.sender_id,
        "name": problems.name("name", name_of(new), required=new.name is not None),
        "subject": new.subject,
        "text_body": new.text,
        "html_body": new.html,
        "start_at": problems.instant("start_at", new.start_at),
        "time_zone": new.time_zone,
        "min_delay_ms": new.min_delay_ms,
        "hourly_limit": new.hourly_limit,
        "doubt_policy": new.doubt_policy,
        "expires_after_hours": new.expires_after_hours,
        "is_test": new.is_test,
    }


def wrong_with(new: NewCampaign) -> Sequence[FieldProblem]:
    """All that is wrong with it, as far as can be told without its sender and its recipients."""
    problems = Problems()
    checked(problems, new)
    problems.template(new.subject, new.text, new.html)
    return problems.found


def told(changes: Mapping[str, Any]) -> dict[str, object]:
    """What the audit log says of a change: figures as they are now, of what is written its name."""
    shown = ("start_at", "time_zone", "min_delay_ms", "hourly_limit", "doubt_policy")
    figures = {name: _figure(changes[name]) for name in shown if name in changes}
    return {"changed": ", ".join(sorted(changes)), **figures}


def _figure(value: object) -> object:
    return "none" if value is None else value


def has_missed_start(campaign: CampaignRecord | CampaignView, *, now: datetime) -> bool:
    """Whether its start has passed for so long that a launch asks what is to be."""
    return campaign.start_at is not None and campaign.start_at < now - MISSED


def refuse_missed_start(record: CampaignRecord, *, now: datetime) -> None:
    """Whoever chose nine o'clock did not choose the middle of the night: nothing goes by surprise.

    Raises `Conflict`.
    """
    if has_missed_start(record, now=now):
        raise Conflict(
            f"its start ({record.start_at:%Y-%m-%dT%H:%M}Z) has passed; set another start_at,"
            " or null to begin right away, and launch it then"
        )


def planned_start(record: CampaignRecord, *, now: datetime, right_away: bool) -> datetime | None:
    """When a draft that is launched is to begin; None: now. Raises `Conflict` for a missed start.

    A start that passed while a long list was uploaded means: now.
    """
    if right_away or record.start_at is None:
        return None
    refuse_missed_start(record, now=now)
    return record.start_at if record.start_at > now - FRESH else None


def must_move(due: tuple[datetime, datetime], start_at: datetime | None, *, now: datetime) -> bool:
    first, last = due
    if start_at is not None:
        return first != start_at or last != start_at
    return first < now - FRESH or last > now


def refuse_late_changes(record: CampaignRecord, changes: dict[str, Any]) -> None:
    if record.state in _OVER and changes.keys() - {"name"}:
        raise Conflict(f"a campaign that is {record.state} cannot be changed any more")
    late = sorted(_CONTENT & changes.keys())
    if late and record.state != CampaignState.DRAFT:
        raise Conflict(
            f"{', '.join(late)} cannot be changed once a campaign has been launched: some of its "
            "recipients may have it already"
        )


async def check_changes(session: Session, record: CampaignRecord, changes: dict[str, Any]) -> None:
    problems = Problems()
    if "name" in changes:
        changes["name"] = problems.name("name", changes["name"])
    # Whoever sends back what they were shown changes nothing: it may have passed since.
    if changes.get("start_at") == record.start_at:
        changes.pop("start_at", None)
    if "start_at" in changes:
        changes["start_at"] = problems.instant("start_at", changes["start_at"], passed=EMPTY_IT)
    if "time_zone" in changes:
        problems.time_zone("time_zone", changes["time_zone"])
    if "min_delay_ms" in changes:
        problems.min_delay_ms("min_delay_ms", changes["min_delay_ms"])
    if "hourly_limit" in changes:
        problems.hourly_limit("hourly_limit", changes["hourly_limit"])
    if "expires_after_hours" in changes:
        problems.expiry("expires_after_hours", changes["expires_after_hours"])
    if _CONTENT & changes.keys():
        await _check_content(session, problems, record, changes)
    problems.raise_if_any()


async def _check_content(
    session: Session, problems: Problems, record: CampaignRecord, changes: dict[str, Any]
) -> None:
    """The new message must suit the recipients that are there already."""
    async with thinking(session):
        template = await asyncio.to_thread(
            problems.template,
            changes.get("subject", record.subject),
            changes.get("text", record.text_body),
            changes.get("html", record.html_body),
        )
    if template is None:
        return
    lacking = await store.recipient_lacking(session, record.id, sorted(template.fields - {"email"}))
    if lacking is not None:
        where = f" (line {lacking.line})" if lacking.line else ""
        raise InvalidInput.of(
            min(_CONTENT & changes.keys()),
            f"uses {{{{ {lacking.field} }}}}, which {lacking.address}{where} has no value for",
        )
    first = await recipients.first_of(session, record.id, most=MAX_TRIED)
    async with thinking(session):
        reasons = await asyncio.to_thread(lambda: [*map(RowChecks(template).refusal, first)])
    for recipient, reason in zip(first, reasons, strict=True):
        if reason is not None:
            where = f" (line {recipient.line})" if recipient.line else ""
            why = f"cannot be made for {recipient.address}{where}: {reason}"
            raise InvalidInput.of(min(_CONTENT & changes.keys()), why)


def columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes under the names of the table's columns."""
    return {_COLUMNS.get(name, name): value for name, value in changes.items()}
