"""One email as its views need it: content, execution, and what campaign, sender and lane say."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from paceline.persistence.models import Campaign, Email, EmailJob, Lane, Sender

Rows: TypeAlias = Select[*tuple[Any, ...]]
AnySelect = TypeVar("AnySelect", bound=Rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailRecord:
    """An email with its job and what its view needs of campaign, sender and lane."""

    id: uuid.UUID
    campaign_id: uuid.UUID | None
    campaign_name: str | None
    campaign_state: str | None
    campaign_subject: str | None
    campaign_text: str | None
    campaign_html: str | None
    campaign_hourly_limit: int | None
    campaign_min_delay_ms: int | None
    sender_id: uuid.UUID
    sender_address: str
    sender_name: str | None
    sender_state: str
    sender_state_reason: str | None
    sender_hourly_limit: int | None
    sender_min_delay_ms: int
    resting_until: datetime | None
    lane_held_by: str | None
    lane_wake_at: datetime | None
    address: str
    address_key: str
    name: str | None
    fields: dict[str, object]
    subject: str | None
    text_body: str | None
    html_body: str | None
    message_id: str
    created_at: datetime
    state: str
    scheduled_at: datetime
    due_at: datetime
    dated_at: datetime | None
    sent_at: datetime | None
    updated_at: datetime
    attempt: int
    failure_reason: str | None
    reply_code: int | None
    reply_enhanced: str | None
    reply_text: str | None
    edition: int | None
    content_removed_at: datetime | None
    attempts_removed_at: datetime | None


def _own(model: type[Email | EmailJob], *names: str) -> list[InstrumentedAttribute[object]]:
    return [getattr(model, name) for name in names]


# Bodies only where one email is shown: a page of them could weigh a hundred megabytes.
COLUMNS = [
    *_own(
        Email,
        "id",
        "address",
        "address_key",
        "name",
        "fields",
        "subject",
        "message_id",
        "created_at",
    ),
    *_own(EmailJob, "campaign_id", "sender_id", "state", "scheduled_at", "due_at", "dated_at"),
    *_own(EmailJob, "sent_at", "updated_at", "attempt", "failure_reason"),
    *_own(EmailJob, "reply_code", "reply_enhanced", "reply_text", "edition"),
    *_own(EmailJob, "content_removed_at", "attempts_removed_at"),
    Campaign.name.label("campaign_name"),
    Campaign.state.label("campaign_state"),
    Campaign.subject.label("campaign_subject"),
    Campaign.hourly_limit.label("campaign_hourly_limit"),
    Campaign.min_delay_ms.label("campaign_min_delay_ms"),
    Sender.from_address.label("sender_address"),
    Sender.from_name.label("sender_name"),
    Sender.state.label("sender_state"),
    Sender.state_reason.label("sender_state_reason"),
    Sender.hourly_limit.label("sender_hourly_limit"),
    Sender.min_delay_ms.label("sender_min_delay_ms"),
    Sender.resting_until,
    Lane.held_by.label("lane_held_by"),
    func.nullif(Lane.wake_at, literal_column("'infinity'::timestamptz")).label("lane_wake_at"),
]
BODIES = [
    Email.text_body,
    Email.html_body,
    Campaign.text_body.label("campaign_text"),
    Campaign.html_body.label("campaign_html"),
]
NO_BODIES: dict[str, Any] = {
    "text_body": None,
    "html_body": None,
    "campaign_text": None,
    "campaign_html": None,
}


async def email(
    session: AsyncSession, owner_id: uuid.UUID, email_id: uuid.UUID
) -> EmailRecord | None:
    """One of this owner's emails with its bodies, or None."""
    query = joined(select(*COLUMNS, *BODIES)).where(
        EmailJob.email_id == email_id,
        EmailJob.owner_id == owner_id,
        Campaign.discarded_at.is_(None),
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else EmailRecord(**row._mapping)


def joined(query: AnySelect) -> AnySelect:
    """A query over email jobs, with all that `COLUMNS` come from."""
    return (
        query.select_from(EmailJob)
        .join(Email, Email.id == EmailJob.email_id)
        .join(Sender, Sender.id == EmailJob.sender_id)
        .outerjoin(Campaign, Campaign.id == EmailJob.campaign_id)
        .outerjoin(Lane, Lane.sender_id == EmailJob.sender_id)
    )
