"""Campaigns: create, change, launch, pause, resume, cancel.

A campaign is a draft until it is launched; from then on its content stands, while its pace and its
start may still be changed. Every command is one transaction, and what must follow it (the lane's
wake-up) is signalled inside it.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

from paceline import clock
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignEvent, CampaignState, campaign_after
from paceline.errors import Conflict, NotFound
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import pieces
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.attachments import inline_names
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services import campaign_rules, in_pieces
from paceline.services.campaign_rules import CampaignPatch, NewCampaign
from paceline.services.campaign_views import view_of
from paceline.services.inline_recipients import add_inline, read_inline
from paceline.services.message_notes import notes_on
from paceline.services.ports import Bell, Settle
from paceline.services.rendering import fields_of_subject
from paceline.services.unset import changes_of
from paceline.services.validation import Problems
from paceline.services.versions import ANY, Only, version_of_campaign
from paceline.services.views import CampaignView, CreatedCampaign

__all__ = ["CampaignPatch", "Campaigns", "NewCampaign"]


class Campaigns:
    """The campaigns of an owner."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell

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
            sender = await sender_store.sender(session, owner_id, new.sender_id)
            if sender is None:
                problems.add("sender_id", "is none of your senders")
            problems.raise_if_any()
            await store.insert_campaign(session, id=campaign_id, owner_id=owner_id, **values)
            record = _existing(await store.campaign(session, owner_id, campaign_id))
            report = await add_inline(session, record, recipients) if recipients else None
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
        await self._move_beforehand(owner_id, campaign_id, only, right_away=right_away)
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            notes = await notes_on(
                record.subject,
                record.text_body,
                record.html_body,
                fields=await store.fields_of_some(session, campaign_id),
                inline=await inline_names(session, campaign_id),
            )
            await let_go(session, record, right_away=right_away)
            view = await _settled(session, owner_id, campaign_id, settle, notes=notes)
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
            return await _settled(session, owner_id, campaign_id, settle)

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
            await store.change_campaign(session, owner_id, campaign_id, {"state": state})
            view = await _settled(session, owner_id, campaign_id, settle)
            await signal(session, record.sender_id, clock.now())
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
        held = await self._hold_still(owner_id, campaign_id, only)
        await in_pieces.call_back(self._database, held)
        async with self._database.transaction() as session:
            # Paused by ourselves meanwhile, it is another version.
            record = await _turn(session, owner_id, campaign_id)
            state = campaign_after(CampaignState(record.state), CampaignEvent.CANCEL)
            await pieces.call_back(session, record.sender_id, campaign_id)
            changes = {"state": state, "finished_at": clock.now()}
            # What is left, and what comes back to it, is cancelled by the ledger or the keeper.
            await store.change_campaign(session, owner_id, campaign_id, changes)
            return await _settled(session, owner_id, campaign_id, settle)

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
            if record.total <= pieces.PIECE:
                await store.delete_campaign(session, owner_id, campaign_id)
                return
            gone = {"discarded_at": clock.now()}  # for everybody, from now on
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
        resumed: dict[str, object] = {}
        if "start_at" in changes:
            held = await self._held_to_move(owner_id, campaign_id, changes, only)
            if held is not None:
                # Held by ourselves meanwhile, it is another version.
                only, changes["start_at"] = ANY, changes["start_at"] or clock.now()
                await in_pieces.move(self._database, held, changes["start_at"])
                resumed = {"state": held.state}
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            campaign_rules.refuse_late_changes(record, changes)
            await campaign_rules.check_changes(session, record, changes)
            if "start_at" in changes and record.launched_at is not None:
                changes["start_at"] = changes["start_at"] or clock.now()
                await store.reschedule_all(
                    session, record.sender_id, campaign_id, changes["start_at"]
                )
            columns = campaign_rules.columns(changes)
            await store.change_campaign(session, owner_id, campaign_id, columns | resumed)
            view = await view_of(session, owner_id, campaign_id)
            await signal(session, record.sender_id, clock.now())
        await self._bell.ring([record.sender_id])
        await self._say_anew(record, changes.get("subject", record.subject))
        return view

    async def _held_to_move(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, changes: dict[str, Any], only: Only
    ) -> CampaignRecord | None:
        """A large campaign under way, as it was, held while its emails are moved; else None.

        Stopped half-way it stays paused, which everybody sees; asked again, it goes on.
        """
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            changes = dict(changes)
            campaign_rules.refuse_late_changes(record, changes)
            await campaign_rules.check_changes(session, record, changes)
            small = record.total <= pieces.PIECE
            if small or record.launched_at is None or "start_at" not in changes:
                return None
            if record.state == CampaignState.ACTIVE:
                paused = {"state": CampaignState.PAUSED}
                await store.change_campaign(session, owner_id, campaign_id, paused)
            return record

    async def _move_beforehand(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, only: Only, *, right_away: bool
    ) -> None:
        """Give a large draft's emails their time in pieces, so that the launch itself is short."""
        now = clock.now()
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            if record.total <= pieces.PIECE or record.state != CampaignState.DRAFT:
                return
            planned = campaign_rules.planned_start(record, now=now, right_away=right_away)
            due = await store.due_range(session, record.sender_id, record.id)
        if due is not None and campaign_rules.must_move(due, planned, now=now):
            await in_pieces.move(self._database, record, planned or now)

    async def _say_anew(self, before: CampaignRecord, subject: str) -> None:
        """Let the recipients be found by what the new subject takes from their fields."""
        names = fields_of_subject(subject)
        if before.total == 0 or names == fields_of_subject(before.subject):
            return
        await in_pieces.say_anew(self._database, before.id, names)

    async def _hold_still(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, only: Only
    ) -> CampaignRecord:
        """Pause first, in a moment, so that nothing is claimed while a million are changed."""
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id, only)
            if record.state == CampaignState.ACTIVE:
                paused = {"state": CampaignState.PAUSED}
                await store.change_campaign(session, owner_id, campaign_id, paused)
            return record


async def let_go(session: Session, record: CampaignRecord, *, right_away: bool = False) -> None:
    """Launch it within the caller's transaction, which has its turn; the caller rings."""
    state = campaign_after(CampaignState(record.state), CampaignEvent.LAUNCH)
    if record.total == 0:
        raise Conflict("a campaign without recipients cannot be launched: add some first")
    now = clock.now()
    planned = campaign_rules.planned_start(record, now=now, right_away=right_away)
    start_at = planned or now
    due = await store.due_range(session, record.sender_id, record.id)
    if due is not None and campaign_rules.must_move(due, planned, now=now):
        await store.reschedule_all(session, record.sender_id, record.id, start_at)
    changes = {"state": state, "launched_at": now, "start_at": start_at}
    await store.change_campaign(session, record.owner_id, record.id, changes)
    await signal(session, record.sender_id, start_at)


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
    await store.take_turns(session, campaign_id)
    record = _existing(await store.campaign(session, owner_id, campaign_id))
    only.check(version_of_campaign(record))
    return record


def _existing(record: CampaignRecord | None) -> CampaignRecord:
    if record is None:
        raise NotFound("there is no such campaign")
    return record
