"""A campaign in one go: message, recipients and launch, all of it or nothing; and back again.

What fails half-way leaves no draft, not even when the process dies; and under an id that was
reserved for it, it is scheduled once, however often it is asked for.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from paceline.auth.auditing import note
from paceline.domain.acts import Act
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignState
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices
from paceline.errors import InvalidInput
from paceline.persistence import moments
from paceline.persistence.database import Database
from paceline.persistence.moments import NOW
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.attachments import CAMPAIGN_FILES, DRAFT_FILES
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services import campaign_rules, campaigns, in_pieces
from paceline.services.attachments import going_along, views_of
from paceline.services.campaign_rules import NewCampaign
from paceline.services.campaign_views import view_of
from paceline.services.drafts import reopen
from paceline.services.imports import IN_MEMORY_OCTETS, receive, store_file
from paceline.services.inline_recipients import add_inline, read_inline
from paceline.services.ports import Bell, Settle
from paceline.services.quotas import Quotas
from paceline.services.validation import Problems
from paceline.services.views import CampaignView, ImportReport

MAX_PIECES_UNDONE = 250  # of a campaign that is taken back: more than an upload may hold

_Fill = Callable[[Session, CampaignRecord], Awaitable[ImportReport]]
"""Puts the recipients into a new campaign, within the transaction that launches it."""


class Scheduling:
    """Schedules campaigns whose list comes along."""

    def __init__(
        self, database: Database, bell: Bell, quotas: Quotas, those_there: campaigns.Campaigns
    ) -> None:
        self._database = database
        self._bell = bell
        self._quotas = quotas
        self._those_there = those_there

    async def schedule(
        self,
        owner_id: uuid.UUID,
        new: NewCampaign,
        chunks: AsyncIterator[bytes],
        *,
        choices: Choices = NOTHING_CHOSEN,
        reserved_id: uuid.UUID | None = None,
        settle: Settle[uuid.UUID] | None = None,
        files_of: uuid.UUID | None = None,
    ) -> uuid.UUID:
        """The id of the campaign, which is launched. Raises `InvalidInput`: nothing is stored.

        `files_of` is the owner's draft whose files go along.
        """
        checked = await asyncio.to_thread(_checked, new)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as spool:
            await receive(chunks, spool)

            async def fill(session: Session, record: CampaignRecord) -> ImportReport:
                report = await store_file(session, record, spool, choices)
                if not report.accepted:
                    raise InvalidInput.of("file", "holds no recipient that may be mailed")
                return report

            return await self._launched(
                owner_id, checked, fill, reserved_id or new_id(), settle=settle, files_of=files_of
            )

    async def schedule_inline(
        self,
        owner_id: uuid.UUID,
        new: NewCampaign,
        *,
        reserved_id: uuid.UUID | None = None,
        files_of: uuid.UUID | None = None,
        test_to: str | None = None,
    ) -> uuid.UUID:
        """The same for recipients that came as values. Raises `Conflict` too, with nobody left.

        `test_to`: it is a test, to that address; which is all that is different in the audit log.
        """
        checked = await asyncio.to_thread(_checked, new)
        recipients = await asyncio.to_thread(read_inline, checked.problems, new)

        async def fill(session: Session, record: CampaignRecord) -> ImportReport:
            return await add_inline(session, record, recipients)

        return await self._launched(
            owner_id,
            checked,
            fill,
            reserved_id or new_id(),
            files_of=files_of,
            test_to=test_to,
        )

    async def _launched(
        self,
        owner_id: uuid.UUID,
        checked: _Checked,
        fill: _Fill,
        campaign_id: uuid.UUID,
        *,
        settle: Settle[uuid.UUID] | None = None,
        files_of: uuid.UUID | None,
        test_to: str | None = None,
    ) -> uuid.UUID:
        async with self._database.transaction() as session:
            if not await campaigns.is_there(session, owner_id, campaign_id):
                record = await _stored(session, owner_id, campaign_id, checked)
                async with thinking(session):
                    report = await fill(session, record)
                await self._quotas.take(session, owner_id, emails=report.accepted)
                await self._take_along(session, record, files_of)
                launched = await _record(session, record)
                await campaigns.let_go(session, launched, test_to=test_to)
                if settle is not None:
                    await settle(session, campaign_id)
        await self._bell.ring([checked.values["sender_id"]])
        return campaign_id

    async def undo(
        self, owner_id: uuid.UUID, draft_id: uuid.UUID, campaign_id: uuid.UUID
    ) -> CampaignView:
        """Make what this draft was scheduled as a draft again; as it was left, if that is too late.

        Where nothing has left and nothing is on its way (`counts.beyond_recall`), the draft is one
        again, and the campaign is gone, but for the audit log. Otherwise it is cancelled. Raises
        `NotFound`.
        """
        async with self._database.transaction() as session:
            view = await view_of(session, owner_id, campaign_id)
        if view.state in (CampaignState.ACTIVE, CampaignState.PAUSED):
            view = await self._those_there.cancel(owner_id, campaign_id)
        if view.state is CampaignState.CANCELLED:
            await in_pieces.call_back(
                self._database, view.sender_id, campaign_id, most=MAX_PIECES_UNDONE
            )
        async with self._database.transaction() as session:
            await store.take_turns(session, campaign_id, patient=False)
            view = await view_of(session, owner_id, campaign_id)
            if view.counts.beyond_recall:
                return view
            await reopen(session, owner_id, draft_id, campaign_id)
            # Then it is certain that nobody holds an email of it, or will. Else it is still in the
            # lists, as cancelled: what is on its way back at this moment follows.
            is_certain = view.counts.cancelled == view.total
            if is_certain:
                told = {"id": campaign_id, "emails": view.total}
                await note(session, owner_id, Act.UNDONE, view.name, told)
                gone = {"discarded_at": NOW}
                await store.change_campaign(session, owner_id, campaign_id, gone)
        if is_certain:
            await in_pieces.clear(self._database, campaign_id)
        return view

    async def _take_along(
        self, session: Session, record: CampaignRecord, files_of: uuid.UUID | None
    ) -> None:
        if files_of is not None:
            there = await views_of(session, DRAFT_FILES, files_of)
            only = [file.id for file in going_along(there, record.html_body)]
            octets = await DRAFT_FILES.copy_to(
                CAMPAIGN_FILES, session, files_of, record.id, only=only
            )
            await self._quotas.take(session, record.owner_id, octets=octets)


@dataclass(frozen=True, slots=True)
class _Checked:
    """The columns of a new campaign, and what is wrong with it so far."""

    values: dict[str, Any]
    problems: Problems
    begins_in: timedelta | None


def _checked(new: NewCampaign) -> _Checked:
    problems = Problems()
    values = campaign_rules.checked(problems, new)
    if not new.recipients:  # who reads those compiles the message as well
        problems.template(new.subject, new.text, new.html)
    return _Checked(values, problems, new.begins_in)


async def _stored(
    session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID, checked: _Checked
) -> CampaignRecord:
    values, problems = checked.values, checked.problems
    if await sender_store.sender(session, owner_id, values["sender_id"], keep=True) is None:
        problems.add("sender_id", "is none of your senders")
    problems.raise_if_any()
    if checked.begins_in is not None:
        values = {**values, "start_at": await moments.now(session) + checked.begins_in}
    await store.insert_campaign(session, id=campaign_id, owner_id=owner_id, **values)
    record = await store.campaign(session, owner_id, campaign_id)
    assert record is not None, "it was stored a moment ago, in this transaction"
    return record


async def _record(session: Session, record: CampaignRecord) -> CampaignRecord:
    """The same with the counters as the import left them."""
    now = await store.campaign(session, record.owner_id, record.id)
    assert now is not None, "it was stored a moment ago, in this transaction"
    return now
