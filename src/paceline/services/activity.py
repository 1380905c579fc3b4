"""The last 24 hours of an owner, hour by hour: what was planned, and what became of it.

Hours that are over hardly change, and are counted once a minute however many look; the present one
is counted each time, so that it agrees with the totals beside it.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from paceline import clock
from paceline.domain.lifecycle import EmailList, JobState
from paceline.domain.pacing import HOUR, hour_of
from paceline.persistence.database import Database
from paceline.persistence.stores import hours as store
from paceline.persistence.stores import overview
from paceline.persistence.stores.hours import MOST, Run
from paceline.persistence.stores.overview import Finished
from paceline.persistence.stores.session import Session

HOURS = 24
KEPT = timedelta(minutes=1)
MAX_KEPT = 500  # owners
LATELY = timedelta(hours=1)
MAX_FINISHED = 20  # campaigns

__all__ = ["HOURS", "MOST", "Activities", "Activity", "Run"]

Counts = dict[datetime, int]
"""By the beginning of an hour."""

_ENDS = {
    EmailList.SENT: JobState.SENT,
    EmailList.FAILED: JobState.FAILED,
    EmailList.IN_DOUBT: JobState.IN_DOUBT,
    EmailList.CANCELLED: JobState.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """`hours` are the beginnings of UTC hours, the last is the present one; `ended` has the counts
    of each, by list, where `MOST` means that many or more. `runs`: what was planned."""

    hours: tuple[datetime, ...]
    ended: Mapping[EmailList, tuple[int, ...]]
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """The hours that are over, as they were read."""

    read_at: datetime
    last: datetime  # the hour after them
    ended: Mapping[EmailList, Counts]

    def is_good(self, now: datetime) -> bool:
        return self.last == hour_of(now) and self.read_at <= now < self.read_at + KEPT


class Activities:
    """Reads it, and keeps what is over for `KEPT`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[uuid.UUID, _Past] = OrderedDict()

    async def of(self, owner_id: uuid.UUID, *, planned: bool = True) -> Activity:
        """Of the present hour and the 23 before it; without what was planned where nobody asks."""
        now = clock.now()
        last = hour_of(now)
        hours = tuple(last - back * HOUR for back in reversed(range(HOURS)))
        async with self._database.transaction() as session:
            past = self._kept.get(owner_id)
            if past is None or not past.is_good(now):
                ended = await _ended(session, owner_id, hours[0], hours[-2])
                past = _Past(read_at=now, last=last, ended=ended)
                self._keep(owner_id, past)
            present = await _ended(session, owner_id, last, last)
            runs = await store.runs(session, owner_id, since=hours[0]) if planned else []
        counts = {
            which: tuple((past.ended[which] | present[which]).get(hour, 0) for hour in hours)
            for which in _ENDS
        }
        return Activity(hours=hours, ended=counts, runs=tuple(runs))

    async def finished(self, owner_id: uuid.UUID) -> list[Finished]:
        """The campaigns that came to their end within `LATELY`, the latest first."""
        since = clock.now() - LATELY
        async with self._database.transaction() as session:
            return await overview.finished(session, owner_id, since=since, most=MAX_FINISHED)

    def _keep(self, owner_id: uuid.UUID, past: _Past) -> None:
        self._kept[owner_id] = past
        self._kept.move_to_end(owner_id)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


async def _ended(
    session: Session, owner_id: uuid.UUID, since: datetime, until: datetime
) -> dict[EmailList, Counts]:
    found = await store.per_hour(session, owner_id, since=since, until=until)
    return {which: found[state] for which, state in _ENDS.items()}
