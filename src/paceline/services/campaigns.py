"""Campaigns: create, change, launch, pause, resume, cancel.

A campaign is a draft until it is launched; from then on its content stands, while its pace and its
start may still be changed. Every command is one transaction, and what must follow it (the lane's
wake-up) is signalled inside it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from paceline import clock
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignEvent, CampaignState, DoubtPolicy, campaign_after
from paceline.domain.recipients import RawRecipient
from paceline.errors import Conflict, InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services.campaign_views import view_of
from paceline.services.inline_recipients import add_inline, read_inline
from paceline.services.ports import Bell
from paceline.services.unset import UNSET, Maybe, changes_of
from paceline.services.validation import Problems
from paceline.services.views import CampaignView, CreatedCampaign

# A draft's emails carry the time of their upload. Launched this soon after it, they are left alone:
# moving a million rows by a few minutes is not worth what it costs.
FRESH = timedelta(minutes=10)
_CONTENT = frozenset({"subject", "text", "html"})
_COLUMNS = {"text": "text_body", "html": "html_body"}
_OVER = frozenset({CampaignState.COMPLETED, CampaignState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """A campaign to be created as a draft. `start_at` None: as soon as it is launched."""

    sender_id: uuid.UUID
    name: str | None = None  # the subject, where nobody gave one
    subject: str
    text: str | None = None
    html: str | None = None
    start_at: datetime | None = None
    time_zone: str = "UTC"
    min_delay_ms: int = 0
    hourly_limit: int | None = None
    doubt_policy: DoubtPolicy = DoubtPolicy.HOLD
    recipients: Sequence[RawRecipient] = field(default=())


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


class Campaigns:
    """The campaigns of an owner."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell

    async def create(
        self, owner_id: uuid.UUID, new: NewCampaign, *, reserved_id: uuid.UUID | None = None
    ) -> CreatedCampaign:
        """Store a draft with its recipients, if any; all of it or nothing.

        Under an id that was reserved for it, it is made only once, however often it is asked for.
        Raises `InvalidInput` with everything that is wrong, recipients included.
        """
        problems = Problems()
        values = _checked(problems, new)
        recipients = read_inline(problems, new)
        campaign_id = reserved_id or new_id()
        async with self._database.transaction() as session:
            if reserved_id and await store.campaign(session, owner_id, campaign_id):
                view = await view_of(session, owner_id, campaign_id)
                return CreatedCampaign(campaign=view, report=None)
            sender = await sender_store.sender(session, owner_id, new.sender_id)
            if sender is None:
                problems.add("sender_id", "is none of your senders")
            problems.raise_if_any()
            await store.insert_campaign(session, id=campaign_id, owner_id=owner_id, **values)
            record = _existing(await store.campaign(session, owner_id, campaign_id))
            report = await add_inline(session, record, recipients) if recipients else None
            return CreatedCampaign(
                campaign=await view_of(session, owner_id, campaign_id), report=report
            )

    async def launch(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignView:
        """Let a draft go at its time. Raises `Conflict` when it has no recipients."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id)
            state = campaign_after(CampaignState(record.state), CampaignEvent.LAUNCH)
            if record.total == 0:
                raise Conflict("a campaign without recipients cannot be launched: add some first")
            now = clock.now()
            # A start that passed while it lay in the drawer means: now.
            planned = record.start_at if (record.start_at or now) > now - FRESH else None
            start_at = planned or now
            due = await store.due_range(session, record.sender_id, campaign_id)
            if due is not None and _must_move(due, planned, now=now):
                await store.reschedule_all(session, record.sender_id, campaign_id, start_at)
            changes = {"state": state, "launched_at": now, "start_at": start_at}
            await store.change_campaign(session, owner_id, campaign_id, changes)
            view = await view_of(session, owner_id, campaign_id)
            await signal(session, record.sender_id, start_at)
        await self._bell.ring([record.sender_id])
        return view

    async def pause(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignView:
        """Claim nothing more of it. What is on its way arrives."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id)
            state = campaign_after(CampaignState(record.state), CampaignEvent.PAUSE)
            await store.change_campaign(session, owner_id, campaign_id, {"state": state})
            return await view_of(session, owner_id, campaign_id)

    async def resume(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignView:
        """Go on where it stopped."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id)
            state = campaign_after(CampaignState(record.state), CampaignEvent.RESUME)
            await store.change_campaign(session, owner_id, campaign_id, {"state": state})
            view = await view_of(session, owner_id, campaign_id)
            await signal(session, record.sender_id, clock.now())
        await self._bell.ring([record.sender_id])
        return view

    async def cancel(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignView:
        """End it: whatever still waits is never sent. What is on its way arrives."""
        await self._hold_still(owner_id, campaign_id)
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id)
            state = campaign_after(CampaignState(record.state), CampaignEvent.CANCEL)
            await store.cancel_waiting(session, record.sender_id, campaign_id)
            changes = {"state": state, "finished_at": clock.now()}
            await store.change_campaign(session, owner_id, campaign_id, changes)
            return await view_of(session, owner_id, campaign_id)

    async def patch(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, patch: CampaignPatch
    ) -> CampaignView:
        """Change it, also while it runs. Raises `InvalidInput`; `Conflict` when it is too late."""
        changes = changes_of(patch)
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id)
            _refuse_late_changes(record, changes)
            await _check_changes(session, record, changes)
            if "start_at" in changes and record.launched_at is not None:
                changes["start_at"] = changes["start_at"] or clock.now()
                await store.reschedule_all(
                    session, record.sender_id, campaign_id, changes["start_at"]
                )
            columns = {_COLUMNS.get(name, name): value for name, value in changes.items()}
            await store.change_campaign(session, owner_id, campaign_id, columns)
            view = await view_of(session, owner_id, campaign_id)
            await signal(session, record.sender_id, clock.now())
        await self._bell.ring([record.sender_id])
        return view

    async def _hold_still(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> None:
        """Pause first, in a moment, so that nothing is claimed while a million are cancelled."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id)
            if record.state == CampaignState.ACTIVE:
                paused = {"state": CampaignState.PAUSED}
                await store.change_campaign(session, owner_id, campaign_id, paused)


async def _turn(session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignRecord:
    """The campaign, with every other command about it kept waiting. Raises `NotFound`."""
    await store.take_turns(session, campaign_id)
    return _existing(await store.campaign(session, owner_id, campaign_id))


def _existing(record: CampaignRecord | None) -> CampaignRecord:
    if record is None:
        raise NotFound("there is no such campaign")
    return record


def _checked(problems: Problems, new: NewCampaign) -> dict[str, Any]:
    """The columns of a new campaign; what is wrong goes to `problems`."""
    name = new.name if new.name and new.name.strip() else new.subject[:100]
    problems.hourly_limit("hourly_limit", new.hourly_limit)
    problems.min_delay_ms("min_delay_ms", new.min_delay_ms)
    problems.time_zone("time_zone", new.time_zone)
    return {
        "sender_id": new.sender_id,
        "name": problems.name("name", name, required=new.name is not None),
        "subject": new.subject,
        "text_body": new.text,
        "html_body": new.html,
        "start_at": problems.instant("start_at", new.start_at),
        "time_zone": new.time_zone,
        "min_delay_ms": new.min_delay_ms,
        "hourly_limit": new.hourly_limit,
        "doubt_policy": new.doubt_policy,
    }


def _must_move(due: tuple[datetime, datetime], start_at: datetime | None, *, now: datetime) -> bool:
    first, last = due
    if start_at is not None:
        return first != start_at or last != start_at
    return first < now - FRESH or last > now


def _refuse_late_changes(record: CampaignRecord, changes: dict[str, Any]) -> None:
    if record.state in _OVER and changes.keys() - {"name"}:
        raise Conflict(f"a campaign that is {record.state} cannot be changed any more")
    late = sorted(_CONTENT & changes.keys())
    if late and record.state != CampaignState.DRAFT:
        raise Conflict(
            f"{', '.join(late)} cannot be changed once a campaign has been launched: some of its "
            "recipients may have it already"
        )


async def _check_changes(session: Session, record: CampaignRecord, changes: dict[str, Any]) -> None:
    problems = Problems()
    if "name" in changes:
        changes["name"] = problems.name("name", changes["name"])
    if "start_at" in changes:
        changes["start_at"] = problems.instant("start_at", changes["start_at"])
    if "time_zone" in changes:
        problems.time_zone("time_zone", changes["time_zone"])
    if "min_delay_ms" in changes:
        problems.min_delay_ms("min_delay_ms", changes["min_delay_ms"])
    if "hourly_limit" in changes:
        problems.hourly_limit("hourly_limit", changes["hourly_limit"])
    if _CONTENT & changes.keys():
        await _check_content(session, problems, record, changes)
    problems.raise_if_any()


async def _check_content(
    session: Session, problems: Problems, record: CampaignRecord, changes: dict[str, Any]
) -> None:
    """The new message must suit the recipients that are there already."""
    template = problems.template(
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
