"""What people look at: campaigns and figures. Reads only, always through the owner.

Answers come in the same time whether there are fifty emails or a million: lists walk an index,
totals are kept, and whatever is counted has an end.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from paceline import clock
from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE
from paceline.domain.lifecycle import EmailList
from paceline.domain.pacing import HOUR, hour_of
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores import (
    lists,
    overview,
    queues,
)
from paceline.persistence.stores import repeats as repeat_store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.campaigns import ALL_CAMPAIGNS, CampaignFilter
from paceline.persistence.stores.queues import QueueRecord
from paceline.persistence.stores.repeats import Asked, Repeat
from paceline.services import campaign_views, next_up, status
from paceline.services.campaigns import NewCampaign
from paceline.services.cursors import pack_id, unpack_id
from paceline.services.email_queries import EmailQueries
from paceline.services.lookout import Lookout
from paceline.services.ports import Meter
from paceline.services.views import (
    CampaignView,
    EmailView,
    Overview,
    Page,
    Progress,
    Summary,
)
from paceline.services.waiting import Surroundings

PROGRESS_HOURS = 48
MAX_HOURS_SENT = 24  # of these, with something sent in them
MAX_SENDERS_SHOWN = 200
SAME_DAY = timedelta(hours=23)  # not quite a day: what goes out daily is no repeat


class Queries:
    """Campaigns and figures that an owner can look at."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self._database = database
        self._lookout = Lookout(database, meter)
        self._emails = EmailQueries(database, meter)

    async def campaign(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignView:
        """One campaign. Raises `NotFound`."""
        async with self._database.transaction() as session:
            record = await campaign_store.campaign(session, owner_id, campaign_id)
        if record is None:
            raise NotFound("there is no such campaign")
        around = await self._lookout.at([record.sender_id], [record.id])
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
        around = await self._lookout.at({r.sender_id for r in records}, [r.id for r in records])
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
            asked = _asked(owner_id, record.sender_id, record.subject, record.start_at, record.id)
            if not await repeat_store.is_any(session, asked):
                return []
            return await repeat_store.of_campaign(session, asked)

    async def repeats_of_list(
        self,
        owner_id: uuid.UUID,
        new: NewCampaign,
        keys: Callable[[], Awaitable[Sequence[str]]],
        *,
        own_id: uuid.UUID | None,
    ) -> list[Repeat]:
        """The same before it is a campaign. The list is read only if another has its subject.

        `own_id` is left out: its own, which is there already where an answer was lost.
        """
        asked = _asked(owner_id, new.sender_id, new.subject, new.start_at, own_id)
        async with self._database.transaction() as session:
            if not await repeat_store.is_any(session, asked):
                return []
        found = await keys()
        async with self._database.transaction() as session:
            return await repeat_store.of_list(session, asked, found)

    async def campaign_progress(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> Progress:
        """One campaign and its pace in its last hours, of the last two days it ran. Raises
        `NotFound`."""
        view = await self.campaign(owner_id, campaign_id)
        last = hour_of(view.finished_at or clock.now())
        async with self._database.transaction() as session:
            per_hour = await overview.sent_per_hour(
                session,
                campaign_id,
                since=last - PROGRESS_HOURS * HOUR,
                until=last,
                most=MAX_HOURS_SENT,
            )
        return Progress(campaign=view, sent_per_hour=per_hour)

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
        return seen, sorted(await self._emails.views(records, around), key=next_up.expected)[:limit]

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
        around = await self._lookout.at(theirs | {sender.id for sender in senders}, limited)
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
            drafted=totals.drafted,
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


def _of_queues(waiting: Sequence[QueueRecord]) -> tuple[set[uuid.UUID], list[uuid.UUID]]:
    """Their senders, and the campaigns among them that have an hourly limit."""
    limited = [q.campaign_id for q in waiting if q.campaign_id and q.campaign_hourly_limit]
    return {queue.sender_id for queue in waiting}, limited


def _asked(
    owner_id: uuid.UUID,
    sender_id: uuid.UUID,
    subject: str,
    start_at: datetime | None,
    own_id: uuid.UUID | None,
) -> Asked:
    begins = max(start_at or clock.now(), clock.now())
    return Asked(
        owner_id=owner_id,
        sender_id=sender_id,
        subject=subject,
        earliest=begins - SAME_DAY,
        latest=begins + SAME_DAY,
        own_id=own_id,
    )
