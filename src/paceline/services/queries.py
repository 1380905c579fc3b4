"""What people look at: campaigns, emails, figures. Reads only, always through the owner.

Answers come in the same time whether there are fifty emails or a million: lists walk an index,
totals are kept, and whatever is counted has an end.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from paceline import clock
from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE
from paceline.domain.lifecycle import WAITING, CampaignState, EmailList, JobState
from paceline.domain.pacing import HOUR, hour_of
from paceline.domain.short_lists import Extent
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.errors import NotFound, OperationalError
from paceline.persistence import workers
from paceline.persistence.database import Database
from paceline.persistence.stores import attempts as attempt_store
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores import (
    decisions,
    email_records,
    lists,
    overview,
    queues,
    seen,
    whole_lists,
)
from paceline.persistence.stores import repeats as repeat_store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.campaigns import ALL_CAMPAIGNS, CampaignFilter
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.queues import QueueRecord
from paceline.persistence.stores.repeats import Repeat
from paceline.persistence.stores.searches import Search
from paceline.persistence.stores.session import Session
from paceline.services import campaign_views, email_views, next_up, paging, status
from paceline.services.campaign_story import decided_with_all
from paceline.services.cursors import pack_id, unpack_id
from paceline.services.ports import Meter
from paceline.services.rendering import rendered, source_of
from paceline.services.selecting import EmailFilter, selection_of
from paceline.services.views import (
    AttemptView,
    CampaignView,
    DecisionView,
    EmailDetail,
    EmailView,
    Overview,
    Page,
    Progress,
    Summary,
)
from paceline.services.waiting import NOT_LOOKED, Surroundings

PROGRESS_HOURS = 48
_COUNTED: dict[str, Any] = {
    "campaign_id": None,
    "sender_id": None,
    "sort": None,
    "backwards": False,
}
METER_SECONDS = 2.0  # that Redis may take to say what the counters hold
MAX_SENDERS_SHOWN = 200
SAME_DAY = timedelta(hours=23)  # not quite a day: what goes out daily is no repeat

__all__ = [
    "CampaignFilter",
    "EmailDetail",
    "EmailFilter",
    "EmailView",
    "Overview",
    "Page",
    "Queries",
]

log = logging.getLogger(__name__)


class Queries:
    """Everything an owner can look at."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self._database = database
        self._meter = meter

    async def campaign(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignView:
        """One campaign. Raises `NotFound`."""
        async with self._database.transaction() as session:
            record = await campaign_store.campaign(session, owner_id, campaign_id)
        if record is None:
            raise NotFound("there is no such campaign")
        around = await self._look_around([record.sender_id], [record.id])
        async with self._database.transaction() as session:
            return await campaign_views.view_of(session, owner_id, campaign_id, around)

    async def campaigns(
        self,
        owner_id: uuid.UUID,
        wanted: CampaignFilter = ALL_CAMPAIGNS,
        *,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[CampaignView]:
        """Some campaigns, the newest first. Raises `InvalidInput` for a foreign cursor."""
        limit = min(limit, MAX_PAGE)
        before = unpack_id(cursor)
        async with self._database.transaction() as session:
            records = await campaign_store.campaigns(
                session, owner_id, wanted, before=before, limit=limit + 1
            )
        more = len(records) > limit
        records = records[:limit]
        around = await self._look_around({r.sender_id for r in records}, [r.id for r in records])
        async with self._database.transaction() as session:
            items = await campaign_views.views_of(session, owner_id, records, around)
        return Page(items=items, next_cursor=pack_id(items[-1].id) if more else None)

    async def how_many_campaigns(
        self, owner_id: uuid.UUID, wanted: CampaignFilter = ALL_CAMPAIGNS
    ) -> int:
        """How many campaigns there are, or match."""
        async with self._database.transaction() as session:
            return await campaign_store.how_many(session, owner_id, wanted)

    async def fields_of_campaign(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID
    ) -> tuple[str, ...]:
        """What its message may take from its recipients, as far as the first of them tell."""
        async with self._database.transaction() as session:
            if await campaign_store.campaign(session, owner_id, campaign_id) is None:
                raise NotFound("there is no such campaign")
            found = await campaign_store.fields_of_some(session, campaign_id)
        return (*ALWAYS_AVAILABLE, *sorted(found - set(ALWAYS_AVAILABLE)))

    async def being_cleared(self, owner_id: uuid.UUID) -> int:
        """How many emails of drafts that were thrown away are still to be removed."""
        async with self._database.transaction() as session:
            return await campaign_store.being_cleared(session, owner_id)

    async def repeats(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> list[Repeat]:
        """Who of a campaign gets its subject twice within a day, by the other campaign.

        Raises `NotFound`.
        """
        async with self._database.transaction() as session:
            record = await campaign_store.campaign(session, owner_id, campaign_id)
            if record is None:
                raise NotFound("there is no such campaign")
            begins = max(record.start_at or clock.now(), clock.now())
            return await repeat_store.repeats(session, record, begins=begins, within=SAME_DAY)

    async def campaign_progress(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> Progress:
        """One campaign and its pace over the last two days it ran. Raises `NotFound`."""
        view = await self.campaign(owner_id, campaign_id)
        last = hour_of(view.finished_at or clock.now())
        async with self._database.transaction() as session:
            per_hour = await overview.sent_per_hour(
                session, campaign_id, last - PROGRESS_HOURS * HOUR, last
            )
        return Progress(campaign=view, sent_per_hour=per_hour)

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
        around = await self._around([record])
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
            items=await self._views(found.records),
            next_cursor=found.next_cursor,
            previous_cursor=found.previous_cursor,
            extent=extent,
        )

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

    async def is_any_launched(self, owner_id: uuid.UUID, sender_ids: Collection[uuid.UUID]) -> bool:
        """Whether a campaign of one of these senders was ever launched."""
        async with self._database.transaction() as session:
            return await campaign_store.is_any_launched(session, owner_id, sender_ids)

    async def overview(self, owner_id: uuid.UUID) -> Overview:
        """An owner's figures at a glance."""
        return (await self._seen(owner_id))[0]

    async def glance(self, owner_id: uuid.UUID, *, limit: int) -> tuple[Overview, list[EmailView]]:
        """The same, and the waiting emails that are expected to go first; behind them those without
        a time."""
        seen, waiting, around = await self._seen(owner_id)
        soonest = next_up.soonest(waiting, around, now=clock.now(), most=limit)
        async with self._database.transaction() as session:
            records = await lists.first_of_queues(
                session, owner_id, [(q.sender_id, q.campaign_id) for q in soonest], limit=limit
            )
        return seen, sorted(await self._views(records, around), key=next_up.expected)[:limit]

    async def _seen(self, owner_id: uuid.UUID) -> tuple[Overview, list[QueueRecord], Surroundings]:
        now = clock.now()
        async with self._database.transaction() as session:
            totals = await overview.totals(session, owner_id)
            waiting = await queues.of_owner(session, owner_id)
            is_any_drafted = await queues.is_any_drafted(session, owner_id)
            senders = await sender_store.senders(
                session, owner_id, before=None, limit=MAX_SENDERS_SHOWN
            )
        theirs, limited = _of_queues(waiting)
        around = await self._look_around(theirs | {sender.id for sender in senders}, limited)
        seen = Overview(
            scheduled=totals.of(EmailList.SCHEDULED),
            sent=totals.sent,
            failed=totals.failed,
            in_doubt=totals.in_doubt,
            cancelled=totals.cancelled,
            now=status.of_all(
                senders,
                waiting,
                around,
                in_doubt=totals.in_doubt,
                is_any_drafted=is_any_drafted,
                now=now,
            ),
            campaigns=status.campaigns_limited(waiting, around),
        )
        return seen, waiting, around

    async def summary(self, owner_id: uuid.UUID) -> Summary:
        """The same, with how many were sent of late: a hundred thousand are counted for it."""
        now = clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        seen = await self.overview(owner_id)
        async with self._database.transaction() as session:
            return Summary(
                **{each.name: getattr(seen, each.name) for each in fields(seen)},
                sent_today=await overview.sent_since(session, owner_id, midnight),
                sent_last_hour=await overview.sent_since(session, owner_id, now - HOUR),
            )

    async def _views(
        self, records: Sequence[EmailRecord], around: Surroundings | None = None
    ) -> list[EmailView]:
        async with self._database.transaction() as session:
            ahead = await self._ranks(session, records)
        around = around or await self._around(records)
        return [
            email_views.view_of(record, around, ahead=ahead.get(record.id)) for record in records
        ]

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

    async def _around(self, records: Sequence[EmailRecord]) -> Surroundings:
        waiting = [record for record in records if JobState(record.state) in WAITING]
        senders = {record.sender_id for record in waiting}
        campaigns = {r.campaign_id for r in waiting if r.campaign_hourly_limit is not None}
        return await self._look_around(senders, [c for c in campaigns if c is not None])

    async def _look_around(
        self, senders: Collection[uuid.UUID], campaigns: Collection[uuid.UUID]
    ) -> Surroundings:
        if not senders and not campaigns:
            return NOT_LOOKED
        async with self._database.transaction() as session:
            is_worked = await workers.is_any_there(session)
        try:
            async with asyncio.timeout(METER_SECONDS):
                used = await self._meter.used_this_hour(
                    senders=list(senders), campaigns=list(campaigns)
                )
        except (OperationalError, TimeoutError) as error:
            # A page without today's counters is better than no page.
            log.warning("hourly counters unread: %s", str(error) or "no answer")
            return Surroundings(limits_answer=False, is_worked=is_worked)
        return Surroundings(used=used, is_worked=is_worked)


def _of_queues(waiting: Sequence[QueueRecord]) -> tuple[set[uuid.UUID], list[uuid.UUID]]:
    """Their senders, and the campaigns among them that have an hourly limit."""
    limited = [q.campaign_id for q in waiting if q.campaign_id and q.campaign_hourly_limit]
    return {queue.sender_id for queue in waiting}, limited
