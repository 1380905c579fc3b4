"""How much a sender has been used: in this UTC hour by the counters of its limit, where it has one;
today, and else, by evidence. And which one was used last."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, tzinfo

from paceline import clock
from paceline.domain.pacing import HOUR, hour_of
from paceline.errors import NotFound, OperationalError
from paceline.observability.troubles import of_requests
from paceline.persistence.database import Database
from paceline.persistence.stores import sender_work
from paceline.persistence.stores import senders as store
from paceline.persistence.stores.sender_work import MAX_COUNTED
from paceline.services.ports import Meter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderUse:
    """`this_hour` None: nobody can say. `today_is_more`: counting ended at `today`."""

    hourly_limit: int | None
    this_hour: int | None
    hour_ends_at: datetime
    today: int
    today_is_more: bool
    day_began_at: datetime


class SenderUses:
    """Reads them, for one sender at a time."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self._database = database
        self._meter = meter
        self._trouble = of_requests(log, "senders are shown without their counters")

    async def of(
        self, owner_id: uuid.UUID, sender_id: uuid.UUID, zone: tzinfo | None = None
    ) -> SenderUse:
        """With the day of `zone` (None: UTC). Raises `NotFound`."""
        now = clock.now()
        day = now.astimezone(zone) if zone else now
        began = day.replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._database.transaction() as session:
            sender = await store.sender(session, owner_id, sender_id)
            if sender is None:
                raise NotFound("there is no such sender")
            today = await sender_work.used_since(session, sender_id, began)
            lately = 0
            if not sender.hourly_limit:
                lately = await sender_work.used_since(session, sender_id, hour_of(now))
        return SenderUse(
            hourly_limit=sender.hourly_limit,
            this_hour=await self._this_hour(sender_id) if sender.hourly_limit else lately,
            hour_ends_at=hour_of(now) + HOUR,
            today=today,
            today_is_more=today >= MAX_COUNTED,
            day_began_at=began,
        )

    async def last_used(self, owner_id: uuid.UUID) -> uuid.UUID | None:
        """The sender of the last email that a server took, deleted or not; None: there is none."""
        async with self._database.transaction() as session:
            return await store.last_used(session, owner_id)

    async def _this_hour(self, sender_id: uuid.UUID) -> int | None:
        try:
            used = await self._meter.used_this_hour(senders=[sender_id])
        except OperationalError as error:
            self._trouble.met(error)
            return None
        self._trouble.over()
        return used.get(sender_id, 0)
