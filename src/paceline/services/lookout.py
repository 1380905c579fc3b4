"""What holds around queues as somebody looks: whether anybody works, and this hour's counters."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Sequence

from paceline.domain.lifecycle import WAITING, JobState
from paceline.errors import OperationalError
from paceline.observability.troubles import of_requests
from paceline.persistence import workers
from paceline.persistence.database import Database
from paceline.persistence.stores.email_records import EmailRecord
from paceline.services.ports import Meter
from paceline.services.waiting import NOT_LOOKED, Surroundings

METER_SECONDS = 2.0  # that Redis may take to say what the counters hold

log = logging.getLogger(__name__)


class Lookout:
    """Looks around senders and campaigns."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self._database = database
        self._meter = meter
        self._trouble = of_requests(log, "hourly counters unread")

    async def of(self, records: Sequence[EmailRecord]) -> Surroundings:
        """Around the senders and the limited campaigns of those that wait."""
        waiting = [record for record in records if JobState(record.state) in WAITING]
        senders = {record.sender_id for record in waiting}
        campaigns = {r.campaign_id for r in waiting if r.campaign_hourly_limit is not None}
        return await self.at(senders, [c for c in campaigns if c is not None])

    async def at(
        self, senders: Collection[uuid.UUID], campaigns: Collection[uuid.UUID]
    ) -> Surroundings:
        """Around these; nothing where there are none."""
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
            self._trouble.met(str(error) or "no answer")
            return Surroundings(limits_answer=False, is_worked=is_worked)
        self._trouble.over()
        return Surroundings(used=used, is_worked=is_worked)
