"""Emails that people look at: one, or a list. Reads only, always through the owner.

Answers come in the same time whether there are fifty emails or a million: lists walk an index,
and whatever is counted has an end.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE
from paceline.domain.lifecycle import WAITING, CampaignState, EmailList, JobState
from paceline.domain.recipients import Recipient
from paceline.domain.short_lists import Extent
from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import attempts as attempt_store
from paceline.persistence.stores import (
    decisions,
    email_records,
    overview,
    seen,
    whole_lists,
)
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.searches import Search
from paceline.persistence.stores.session import Session
from paceline.services import email_views, paging
from paceline.services.campaign_story import decided_with_all
from paceline.services.lookout import Lookout
from paceline.services.ports import Meter
from paceline.services.rendering import rendered, source_of
from paceline.services.selecting import EmailFilter, selection_of
from paceline.services.views import (
    AttemptView,
    DecisionView,
    EmailDetail,
    EmailView,
    Page,
)
from paceline.services.waiting import Surroundings

_COUNTED: dict[str, Any] = {
    "campaign_id": None,
    "sender_id": None,
    "sort": None,
    "backwards": False,
}


class EmailQueries:
    """Every email that an owner can look at."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self._database = database
        self._lookout = Lookout(database, meter)

    async def email(self, owner_id: uuid.UUID, email_id: uuid.UUID) -> EmailDetail:
        """One email with its content and history. Raises `NotFound`."""
        async with self._database.transaction() as session:
            record = await email_records.email(session, owner_id, email_id)
            if record is None:
                raise NotFound("there is no such email")
            attempts = await attempt_store.attempts(session, email_id)
            said = await attempt_store.dialogues(session, email_id)
            decided = await decisions.decisions(session, email_id)
            ahead = await self._ahead(session, record)
            tried = tuple(
                AttemptView(
                    **attempt, dialogue=tuple(said.get(attempt["attempt"], "").splitlines())
                )
                for attempt in attempts
            )
            alone = [
                DecisionView(what=d.what, by=d.decided_by, at=d.at, detail=d.detail)
                for d in decided
            ]
            of_all = await decided_with_all(session, owner_id, record, tried)
        around = await self._lookout.of([record])
        content = await asyncio.to_thread(rendered, record)
        return EmailDetail(
            email=email_views.view_of(record, around, ahead=ahead),
            created_at=record.created_at,
            campaign_state=CampaignState(record.campaign_state) if record.campaign_state else None,
            text=content.text,
            html=content.html,
            fields=dict(record.fields),
            attempts=tried,
            decisions=tuple(sorted([*of_all, *alone], key=lambda decision: decision.at)),
        )

    async def email_source(self, owner_id: uuid.UUID, email_id: uuid.UUID) -> bytes | None:
        """One email as it goes to the server (`rendering.source_of`). Raises `NotFound`."""
        async with self._database.transaction() as session:
            record = await email_records.email(session, owner_id, email_id)
        if record is None:
            raise NotFound("there is no such email")
        return await asyncio.to_thread(source_of, record)

    async def emails(
        self,
        owner_id: uuid.UUID,
        wanted: EmailFilter,
        *,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
        counted: bool = False,
    ) -> Page[EmailView]:
        """Some emails: on their way, waiting, sent, not sent; those of one campaign in its order.

        What is to be sorted and is not short (`domain/short_lists.py`) comes by its time. The
        extent of the whole list is told where it is `counted`, and where it is to be sorted.
        Raises `InvalidInput`, `NotFound` for somebody else's campaign.
        """
        paging.read(cursor)
        async with self._database.transaction() as session:
            selection = await selection_of(session, owner_id, wanted)
            if selection is None:
                return Page(items=[], next_cursor=None, extent=Extent(0))
            extent, search = None, None
            if selection.search is not None:
                search = Search(session, owner_id, selection.search)
            if wanted.sort is not None:
                extent = await whole_lists.extent(session, owner_id, selection, search)
                if extent.is_short:
                    selection = replace(selection, sort=wanted.sort, backwards=wanted.backwards)
            found = await paging.stretch(
                session,
                owner_id,
                selection,
                cursor=cursor,
                limit=min(limit, MAX_PAGE),
                search=search,
            )
            if counted and (extent is None or not extent.is_exact):
                if cursor is None and found.next_cursor is None:
                    extent = Extent(len(found.records))
                else:
                    kept = await self._kept_count(session, owner_id, wanted)
                    extent = kept or await whole_lists.extent(session, owner_id, selection, search)
        return Page(
            items=await self.views(found.records),
            next_cursor=found.next_cursor,
            previous_cursor=found.previous_cursor,
            extent=extent,
        )

    async def recipient(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, q: str | None = None
    ) -> Recipient | None:
        """The first one of a campaign, or of those whom a search finds. Raises as `emails` does."""
        async with self._database.transaction() as session:
            wanted = EmailFilter(campaign_id=campaign_id, q=q)
            selection = await selection_of(session, owner_id, wanted)
            if selection is None:
                return None
            search = None
            if selection.search is not None:
                search = Search(session, owner_id, selection.search)
            found = await paging.stretch(
                session, owner_id, selection, cursor=None, limit=1, search=search
            )
        for email in found.records:
            return Recipient(
                line=0,
                address=email.address,
                key=email.address_key,
                name=email.name,
                fields=email.fields,  # type: ignore[arg-type]  # as the list had them
            )
        return None

    async def how_many_emails(self, owner_id: uuid.UUID, wanted: EmailFilter) -> Extent:
        """How many emails a list holds, as far as they are counted. Raises as `emails` does."""
        async with self._database.transaction() as session:
            selection = await selection_of(session, owner_id, wanted)
            if selection is None:
                return Extent(0)
            kept = await self._kept_count(session, owner_id, wanted)
            return kept or await whole_lists.extent(session, owner_id, selection)

    async def snapshot(self) -> str:
        """What stands for all emails that can be seen now (`bulk.Command.seen`)."""
        async with self._database.transaction() as session:
            return await seen.snapshot(session)

    async def views(
        self, records: Sequence[EmailRecord], around: Surroundings | None = None
    ) -> list[EmailView]:
        """These as they are shown, in this order."""
        async with self._database.transaction() as session:
            ahead = await self._ranks(session, records)
        around = around or await self._lookout.of(records)
        return [
            email_views.view_of(record, around, ahead=ahead.get(record.id)) for record in records
        ]

    async def _kept_count(
        self, session: Session, owner_id: uuid.UUID, wanted: EmailFilter
    ) -> Extent | None:
        """How many, by counters; None: none is kept of what is wanted."""
        which = next((each for each in EmailList if each.states == wanted.states), None)
        if which is None or replace(wanted, **_COUNTED) != EmailFilter(states=which.states):
            return None
        totals = await overview.totals(
            session, owner_id, campaign_id=wanted.campaign_id, sender_id=wanted.sender_id
        )
        return Extent(totals.of(which))

    async def _ahead(self, session: Session, email: EmailRecord) -> int | None:
        if JobState(email.state) not in WAITING:
            return 0
        return await overview.ahead_of(
            session,
            sender_id=email.sender_id,
            campaign_id=email.campaign_id,
            due_at=email.due_at,
            email_id=email.id,
        )

    async def _ranks(
        self, session: Session, records: Sequence[EmailRecord]
    ) -> dict[uuid.UUID, int | None]:
        """How many go before each: counted for the first of a campaign, then one more for each."""
        next_rank: dict[tuple[uuid.UUID, uuid.UUID | None], int | None] = {}
        ranks: dict[uuid.UUID, int | None] = {}
        for record in records:
            if JobState(record.state) not in WAITING:
                continue
            queue = (record.sender_id, record.campaign_id)
            if queue not in next_rank:
                next_rank[queue] = await self._ahead(session, record)
            rank = next_rank[queue]
            ranks[record.id] = rank
            next_rank[queue] = None if rank is None else rank + 1
        return ranks
