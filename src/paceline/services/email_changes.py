"""Changing one email while it waits: its recipient, and what it says, checked as where it was made.

A single email carries its own message. One of a campaign takes its message from it, and has only
its recipient and the values of its merge fields.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paceline.delivery import MessageTemplate
from paceline.domain.addresses import Address
from paceline.domain.decisions import Decision
from paceline.domain.lifecycle import CampaignState
from paceline.domain.recipients import (
    FieldRefusal,
    FieldValue,
    Recipient,
    Refusal,
    read_fields,
    read_name,
    shown,
)
from paceline.errors import Conflict
from paceline.persistence import moments
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores import emails as store
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.emails import JobRecord
from paceline.persistence.stores.recipients import said_of
from paceline.persistence.stores.session import Session
from paceline.persistence.stores.suppressions import is_suppressed
from paceline.services import one_email
from paceline.services.deciding import audited, decided
from paceline.services.one_email import refuse_begun
from paceline.services.rendering import fields_of_subject
from paceline.services.row_checks import RowChecks
from paceline.services.unset import UNSET, Maybe
from paceline.services.validation import Problems

_COLUMNS = {"to": "address", "to_name": "name", "text": "text_body", "html": "html_body"}
_MESSAGE = ("subject", "text", "html")
_BODIES = frozenset({"text_body", "html_body"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailPatch:
    """What is to change of an email that waits. `scheduled_at`: when it is to go; None: now.

    `fields` changes the merge fields that it names, and takes away those that are None.
    """

    to: Maybe[str] = UNSET
    to_name: Maybe[str | None] = UNSET
    subject: Maybe[str] = UNSET
    text: Maybe[str | None] = UNSET
    html: Maybe[str | None] = UNSET
    fields: Maybe[Mapping[str, FieldValue | None]] = UNSET
    scheduled_at: Maybe[datetime | None] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """The columns that differ, the words that it is then found by, and what is told of it."""

    values: Mapping[str, object]
    said: str
    detail: Mapping[str, object]


async def change(
    session: Session, owner_id: uuid.UUID, job: JobRecord, changes: Mapping[str, Any]
) -> int:
    """Change a job that is held still, behind its campaign's turn; by how many octets its bodies
    grow. Raises `InvalidInput`, and `Conflict` once it has begun."""
    refuse_begun(job, "changed")
    record = await one_email.record(session, owner_id, job.email_id)
    read = await _read_change(session, owner_id, record, changes)
    if read is None:
        return 0
    if not await store.change_one(session, owner_id, record.id, read.values, said=read.said):
        raise Conflict("an attempt of it has no certain end: it may have arrived as it was")
    await decided(session, [record.id], Decision.CHANGED, read.detail)
    about = {"changed": ", ".join(sorted(read.detail))}
    await audited(session, owner_id, record, Decision.CHANGED, about)
    return sum(
        _octets(value) - _octets(getattr(record, name))
        for name, value in read.values.items()
        if name in _BODIES
    )


def _octets(body: object) -> int:
    return len(body.encode()) if isinstance(body, str) else 0


async def move(session: Session, owner_id: uuid.UUID, job: JobRecord, at: datetime | None) -> None:
    """Move it to another time; None: now. Raises `Conflict`."""
    at = at or await moments.now(session)
    await _refuse_draft(session, owner_id, job)
    if not await store.reschedule_one(session, owner_id, job.email_id, at):
        refuse_begun(await one_email.job(session, owner_id, job.email_id), "moved")
    if at != job.scheduled_at:
        detail = {"scheduled_at": [job.scheduled_at.isoformat(), at.isoformat()]}
        await decided(session, [job.email_id], Decision.MOVED, detail)
        record = await one_email.record(session, owner_id, job.email_id)
        await audited(session, owner_id, record, Decision.MOVED, {"at": at})


async def _refuse_draft(session: Session, owner_id: uuid.UUID, job: JobRecord) -> None:
    """Where all emails are moved to the campaign's start, this one's own time would be lost."""
    if job.campaign_id is None:
        return
    campaign = await campaign_store.campaign(session, owner_id, job.campaign_id)
    if campaign is not None and campaign.state == CampaignState.DRAFT:
        raise Conflict("launch its campaign first; until then its start is the campaign's")
    if campaign is not None and campaign.moving_to is not None:
        raise Conflict("its campaign is being moved to another start; try again in a minute")


async def _read_change(
    session: Session, owner_id: uuid.UUID, record: EmailRecord, changes: Mapping[str, Any]
) -> _Change | None:
    """What these changes amount to; None: nothing. Raises `InvalidInput`."""
    problems = Problems()
    if record.campaign_id is None:
        values, said = _of_single(problems, record, changes)
    else:
        # A large message takes a moment to compile.
        async with thinking(session):
            values, said = await asyncio.to_thread(_of_campaign, problems, record, changes)
    key = values.get("address_key")
    if isinstance(key, str) and key != record.address_key:
        if await is_suppressed(session, owner_id, key):
            problems.add("to", "is on your suppression list")
        campaign = record.campaign_id
        if campaign and await store.is_in_campaign(session, campaign, key, but=record.id):
            problems.add("to", "gets this campaign already, by another email of it")
    problems.raise_if_any()
    differing = {name: value for name, value in values.items() if getattr(record, name) != value}
    if not differing:
        return None
    return _Change(values=differing, said=said, detail=_told(record, differing))


def _address(problems: Problems, record: EmailRecord, changes: Mapping[str, Any]) -> Address | None:
    if "to" in changes:
        return problems.address("to", changes["to"])
    return Address(record.address, record.address_key)


def _of_single(
    problems: Problems, record: EmailRecord, changes: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    if "fields" in changes:
        problems.add("fields", "belong to a campaign's emails: a single email says all itself")
    address = _address(problems, record, changes)
    now: dict[str, Any] = {
        "name": problems.name("to_name", changes.get("to_name", record.name), required=False),
        "subject": changes.get("subject", record.subject),
        "text_body": changes.get("text", record.text_body) or None,
        "html_body": changes.get("html", record.html_body) or None,
    }
    problems.message(now["subject"], now["text_body"], now["html_body"])
    if address is None:
        return now, ""
    now |= {"address": address.address, "address_key": address.key}
    return now, store.said_of_single(address.key, now["name"], now["subject"])


def _of_campaign(
    problems: Problems, record: EmailRecord, changes: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    for part in _MESSAGE:
        if part in changes:
            problems.add(part, "is its campaign's, the same for all its recipients")
    address = _address(problems, record, changes)
    name, fields = _read(problems, record, changes)
    if address is None or problems.found:
        return {}, ""
    recipient = Recipient(0, address.address, address.key, name, fields)
    _check_message(problems, record, recipient)
    said = said_of(address.key, name, fields, fields_of_subject(record.campaign_subject or ""))
    values = {"address": address.address, "address_key": address.key, "name": name}
    return {**values, "fields": fields}, said


def _read(
    problems: Problems, record: EmailRecord, changes: Mapping[str, Any]
) -> tuple[str | None, dict[str, FieldValue]]:
    """Name and values as an import takes them, each complaint under its own field."""
    name: str | None = None
    fields: dict[str, FieldValue] = {}
    try:
        name = read_name(changes.get("to_name", record.name))
    except Refusal as refusal:
        problems.add("to_name", str(refusal))
    given: dict[str, Any] = {**record.fields, **changes.get("fields", {})}
    try:
        fields = read_fields(given)
    except FieldRefusal as refusal:
        problems.add(f"fields.{refusal.label}", refusal.why)
    except Refusal as refusal:
        problems.add("fields", str(refusal))
    return name, fields


def _check_message(problems: Problems, record: EmailRecord, recipient: Recipient) -> None:
    template = MessageTemplate.compile(
        subject=record.campaign_subject or "",
        text=record.campaign_text,
        html=record.campaign_html,
        accepted=True,
    )
    there = recipient.fields.keys() | {"email"} | ({"name"} if recipient.name else set())
    for missing in sorted(template.fields - there):
        field = "to_name" if missing == "name" else f"fields.{missing}"
        problems.add(field, f"is missing, and the message uses {{{{ {missing} }}}}")
    if not problems.found and (reason := RowChecks(template).refusal(recipient)):
        problems.add("fields", reason)


def _told(record: EmailRecord, differing: Mapping[str, object]) -> dict[str, object]:
    """From what to what, in the words of the API. Of bodies only that they differ."""
    ours = {column: name for name, column in _COLUMNS.items()}
    told: dict[str, object] = {}
    for column, value in differing.items():
        name = ours.get(column, column)
        if column == "fields":
            told |= _told_fields(record.fields, value)
        elif column in _BODIES:
            told[name] = None
        elif column != "address_key":  # which the address says
            told[name] = [_short(getattr(record, column)), _short(value)]
    return told


def _told_fields(before: Mapping[str, object], after: Any) -> dict[str, object]:
    names = sorted({*before, *after})
    return {
        f"fields.{name}": [_short(before.get(name)), _short(after.get(name))]
        for name in names
        if before.get(name) != after.get(name)
    }


def _short(value: object) -> str | None:
    return None if value is None else shown(str(value))
