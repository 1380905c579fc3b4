"""Campaigns: create, change, launch, pause, resume, cancel.

A campaign is a draft until it is launched; from then on its content stands, while its pace and its
start may still be changed. Every command is one transaction, and what must follow it (the lane's
wake-up) is signalled inside it. Of a large campaign the emails follow in pieces (`in_pieces`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from paceline.auth.auditing import note
from paceline.domain.acts import Act
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignEvent, CampaignState, campaign_after
from paceline.errors import Conflict, NotFound
from paceline.observability.tracing import causes
from paceline.persistence import moments
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.moments import NOW
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import pieces
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.attachments import CAMPAIGN_FILES
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services import campaign_rules, in_pieces
from paceline.services.attachments import drop_unshown, inline_names
from paceline.services.campaign_rules import CampaignPatch, NewCampaign
from paceline.services.campaign_views import view_of
from paceline.services.inline_recipients import add_inline, read_inline
from paceline.services.message_notes import notes_on
from paceline.services.ports import Bell, Settle
from paceline.services.quotas import Quotas
from paceline.services.rendering import fields_of_subject
from paceline.services.unset import changes_of
from paceline.services.validation import Problems
from paceline.services.versions import ANY, Only, version_of_campaign
from paceline.services.views import CampaignView, CreatedCampaign

__all__ = ["CampaignPatch", "Campaigns", "NewCampaign"]


class Campaigns:
    """The campaigns of an owner."""

    def __init__(self, database: Database, bell: Bell, quotas: Quotas) -> None:
        self._database = database
        self._bell = bell
        self._quotas = quotas

    async def create(
        self,
        owner_id: uuid.UUID,
        new: NewCampaign,
        *,
        reserved_id: uuid.UUID | None = None,
        settle: Settle[CreatedCampaign] | None = None,
    ) -> CreatedCampaign:
        """Store a draft with its recipients, if any; all of it or nothing.

        Under an id that was reserved for it, it is made only once, however often it is asked for.
        Raises `InvalidInput` with everything that is wrong, recipients included.
        """
        problems = Problems()
        values = campaign_rules.checked(problems, new)
        recipients = await asyncio.to_thread(read_inline, problems, new)
        campaign_id = reserved_id or new_id()
        async with self._database.transaction() as session:
            if reserved_id and await is_there(session, owner_id, reserved_id):
                view = await view_of(session, owner_id, campaign_id)
                return CreatedCampaign(campaign=view, report=None)
            sender = await sender_store.sender(session, owner_id, new.sender_id, keep=True)
            if sender is None:
                problems.add("sender_id", "is none of your senders")
            problems.raise_if_any()
            await store.insert_campaign(session, id=campaign_id, owner_id=owner_id, **values)
            record = _existing(await store.campaign(session, owner_id, campaign_id))
            report = await add_inline(session, record, recipients) if recipients else None
            if report is not None:
                await self._quotas.take(session, owner_id, emails=report.accepted)
            created = CreatedCampaign(
                campaign=await view_of(session, owner_id, campaign_id), report=report
            )
            if settle is not None:
                await settle(session, created)
            return created

    async def launch(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        *,
        right_away: bool = False,
        only: Only = ANY,
        settle: Settle[CampaignView] | None = None,
    ) -> CampaignView:
        """Let a draft go at its time, or `right_away` whatever its start was.

        Raises `Conflict` when it has no recipients, or when its start was missed.
        """
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            # A picture put into a text that was never saved would go along, shown nowhere.
            await drop_unshown(session, CAMPAIGN_FILES, campaign_id, record.html_body)
            files = await CAMPAIGN_FILES.all_of(session, campaign_id)
            fields = await store.fields_of_some(session, campaign_id)
            async with thinking(session):
                notes = await notes_on(
                    record.subject,
                    record.text_body,
                    record.html_body,
                    fields=fields,
                    inline=inline_names(files),
                    files=[file.file_name for file in files],
                )
            await let_go(session, record, right_away=right_away)
            view = await _settled(session, owner_id, campaign_id, settle, notes=notes)
        if record.total > pieces.PIECE:
            await in_pieces.move(self._database, campaign_id)
        await self._bell.ring([record.sender_id])
        return view

    async def pause(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        *,
        only: Only = ANY,
        settle: Settle[CampaignView] | None = None,
    ) -> CampaignView:
        """Claim nothing more of it. What is on its way arrives."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            state = campaign_after(CampaignState(record.state), CampaignEvent.PAUSE)
            await store.change_campaign(session, owner_id, campaign_id, {"state": state})
            await _noted(session, record, Act.PAUSED)
            view = await _settled(session, owner_id, campaign_id, settle)
        await self._bell.ring([record.sender_id])  # what its lane sleeps for is not to come
        return view

    async def resume(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        *,
        only: Only = ANY,
        settle: Settle[CampaignView] | None = None,
    ) -> CampaignView:
        """Go on where it stopped."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            state = campaign_after(CampaignState(record.state), CampaignEvent.RESUME)
            await signal(session, record.sender_id)
            await store.change_campaign(session, owner_id, campaign_id, {"state": state})
            await _noted(session, record, Act.RESUMED)
            view = await _settled(session, owner_id, campaign_id, settle)
        await self._bell.ring([record.sender_id])
        return view

    async def cancel(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        *,
        only: Only = ANY,
        settle: Settle[CampaignView] | None = None,
    ) -> CampaignView:
        """End it: whatever still waits is never sent. What is on its way arrives."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            state = campaign_after(CampaignState(record.state), CampaignEvent.CANCEL)
            is_small = record.total <= pieces.PIECE
            if is_small:
                await pieces.call_back(session, record.sender_id, campaign_id)
            # First of all, so that nobody launches or resumes what is half cancelled. What is left,
            # and what comes back to it, is cancelled by the ledger or the keeper.
            changes = {"state": state, "finished_at": NOW, "moving_to": None}
            await store.change_campaign(session, owner_id, campaign_id, changes)
            await _noted(session, record, Act.CANCELLED)
            view = await _settled(session, owner_id, campaign_id, settle)
        if not is_small:
            await in_pieces.call_back(self._database, record.sender_id, campaign_id)
            view = await self._seen(owner_id, campaign_id)
        await self._bell.ring([record.sender_id])  # what its lane sleeps for is not to come
        return view

    async def discard(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, *, only: Only = ANY
    ) -> None:
        """Throw a draft away, recipients and all. Raises `Conflict` once it has been launched."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            if record.state != CampaignState.DRAFT:
                raise Conflict(
                    f"only a draft can be thrown away; this campaign is {record.state}: cancel it"
                )
            await _noted(session, record, Act.DISCARDED)
            if record.total <= pieces.PIECE:
                await store.delete_campaign(session, owner_id, campaign_id)
                return
            gone = {"discarded_at": NOW}  # for everybody, from now on
            await store.change_campaign(session, owner_id, campaign_id, gone)
        await in_pieces.clear(self._database, campaign_id)

    async def patch(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        patch: CampaignPatch,
        *,
        only: Only = ANY,
    ) -> CampaignView:
        """Change it, also while it runs. Raises `InvalidInput`; `Conflict` when it is too late."""
        changes = changes_of(patch)
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            campaign_rules.refuse_late_changes(record, changes)
            await campaign_rules.check_changes(session, record, changes)
            columns, told = campaign_rules.columns(changes), campaign_rules.told(changes)
            if "start_at" in changes and record.launched_at is not None:
                start_at = changes["start_at"] or await moments.now(session)
                columns |= await _moved(session, record, start_at)
                told |= {"start_at": start_at, "start_was": record.start_at}
            await signal(session, record.sender_id)
            await store.change_campaign(session, owner_id, campaign_id, columns)
            if changes:
                await _noted(session, record, Act.CHANGED, told)
            view = await view_of(session, owner_id, campaign_id)
        if record.moving_to is not None or "moving_to" in columns:
            await in_pieces.move(self._database, campaign_id)
            view = await self._seen(owner_id, campaign_id)
        await self._bell.ring([record.sender_id])
        await self._say_anew(record, changes.get("subject", record.subject))
        return view

    async def _seen(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignView:
        async with self._database.transaction() as session:
            return await view_of(session, owner_id, campaign_id)

    async def _say_anew(self, before: CampaignRecord, subject: str) -> None:
        """Let the recipients be found by what the new subject takes from their fields."""
        names = fields_of_subject(subject)
        if before.total == 0 or names == fields_of_subject(before.subject):
            return
        await in_pieces.say_anew(self._database, before.id, names)


async def let_go(
    session: Session,
    record: CampaignRecord,
    *,
    right_away: bool = False,
    test_to: str | None = None,
) -> None:
    """Launch it within the caller's transaction, which has its turn; the caller rings.

    `test_to`: it is a test, to that address.
    """
    state = campaign_after(CampaignState(record.state), CampaignEvent.LAUNCH)
    if record.total == 0:
        raise Conflict("a campaign without recipients cannot be launched: add some first")
    now = await moments.now(session)
    planned = campaign_rules.planned_start(record, now=now, right_away=right_away)
    start_at = planned or now
    changes: dict[str, object] = {"state": state, "launched_at": now, "start_at": start_at}
    due = await store.due_range(session, record.sender_id, record.id)
    if due is not None and campaign_rules.must_move(due, planned, now=now):
        changes |= await _moved(session, record, start_at)
    await signal(session, record.sender_id, start_at)
    await store.change_campaign(session, record.owner_id, record.id, changes)
    causes(record.id)
    if test_to is not None:
        await _noted(session, record, Act.TESTED, {"to": test_to})
    else:
        await _noted(session, record, Act.LAUNCHED, {"start_at": start_at})


async def _noted(
    session: Session, record: CampaignRecord, act: Act, detail: Mapping[str, object] | None = None
) -> None:
    told = {"id": record.id, "emails": record.total, **(detail or {})}
    await note(session, record.owner_id, act, record.name, told)


async def _moved(session: Session, record: CampaignRecord, start_at: datetime) -> dict[str, object]:
    """Move a campaign's emails to its start; what of the campaign is to be changed for it.

    A large one's follow in pieces. Until all have moved, nothing of it is claimed.
    """
    if record.total > pieces.PIECE:
        return {"start_at": start_at, "moving_to": start_at}
    await store.reschedule_all(session, record.sender_id, record.id, start_at)
    return {"start_at": start_at}


async def is_there(session: Session, owner_id: uuid.UUID, reserved_id: uuid.UUID) -> bool:
    """Whether a request under this id got so far before; one that still does is waited for."""
    await store.take_turns(session, reserved_id)
    return await store.campaign(session, owner_id, reserved_id) is not None


async def _settled(
    session: Session,
    owner_id: uuid.UUID,
    campaign_id: uuid.UUID,
    settle: Settle[CampaignView] | None,
    *,
    notes: tuple[str, ...] = (),
) -> CampaignView:
    view = await view_of(session, owner_id, campaign_id)
    view = replace(view, notes=notes or view.notes)
    if settle is not None:
        await settle(session, view)
    return view


async def _turn(
    session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID, only: Only = ANY
) -> CampaignRecord:
    """The campaign, with every other command about it kept waiting.

    Raises `NotFound`, and `Outdated` where it is not one of the versions that were meant.
    """
    await store.take_turns(session, campaign_id, patient=False)
    record = _existing(await store.campaign(session, owner_id, campaign_id))
    only.check(version_of_campaign(record))
    return record


def _existing(record: CampaignRecord | None) -> CampaignRecord:
    if record is None:
        raise NotFound("there is no such campaign")
    return record
