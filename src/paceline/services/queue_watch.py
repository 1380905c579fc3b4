"""The queue as an administrator sees it: what each lane waits for, which workers live, what is
under way and what is in doubt.

PostgreSQL says what ought to be, Redis what is; both are asked in a handful of short questions,
whatever the number of emails.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from paceline import clock
from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE
from paceline.errors import OperationalError
from paceline.observability.troubles import of_requests
from paceline.persistence.database import Database
from paceline.persistence.stores import lane_views as store
from paceline.persistence.stores.lane_views import DoubtRecord, LaneRecord, LeaseRecord
from paceline.services.cursors import pack, unknown_cursor, unpack

# The keeper rings a lane that is 3 s late, and looks each second: later than this is nobody at it.
STUCK_AFTER = timedelta(seconds=10)
ALIVE_WITHIN = timedelta(seconds=15)  # a worker says every five seconds that it lives

log = logging.getLogger(__name__)


class LaneStanding(StrEnum):
    """What a lane is doing."""

    STUCK = "stuck"  # it should have woken by now
    AWAKE = "awake"  # it runs, or is just about to
    ASLEEP = "asleep"  # until its `wake_at`
    PARKED = "parked"  # it has nothing to do, and sleeps until it is signalled


class JobPlace(StrEnum):
    """Where Redis has the job of a lane."""

    RUNNING = "running"  # a worker holds its lock
    QUEUED = "queued"  # asleep, or waiting for a worker
    MISSING = "missing"  # the keeper adds it when it is due


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSign:
    """What a worker process last said of itself, and how long ago, by Redis' clock."""

    run: uuid.UUID
    name: str
    host: str
    pid: int
    version: str
    started_at: datetime
    lanes: int  # that it was running
    seen_ago: timedelta = timedelta()


class Orchestra(Protocol):
    """What Redis knows of the queue. Raises `OperationalError`."""

    async def workers(self) -> Sequence[WorkerSign]:
        """Those that were heard of lately, the oldest first."""

    async def places(self, sender_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, JobPlace]:
        """Where the jobs of these lanes are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """One lane. `place` None: Redis does not answer."""

    lane: LaneRecord
    standing: LaneStanding
    place: JobPlace | None

    @property
    def id(self) -> uuid.UUID:
        """What tells it from the others."""
        return self.lane.sender_id


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """A worker, and what it holds. `sign` None: it holds leases, and nothing was heard of it."""

    run: uuid.UUID
    sign: WorkerSign | None
    leases: LeaseRecord | None

    @property
    def id(self) -> uuid.UUID:
        """What tells it from the others."""
        return self.run


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReport:
    """A page of lanes, and the whole at a glance. `redis_answers` False: its part is missing."""

    lanes: Sequence[LaneView]
    next_cursor: str | None
    counts: Mapping[LaneStanding, int]
    workers: Sequence[WorkerView]
    doubts: DoubtRecord
    redis_answers: bool


class QueueWatch:
    """Looks at the queue of the whole installation. For administrators."""

    def __init__(self, database: Database, orchestra: Orchestra) -> None:
        self._database = database
        self._orchestra = orchestra
        self._trouble = of_requests(log, "the queue is shown without Redis")

    async def report(
        self,
        *,
        standing: LaneStanding | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> QueueReport:
        """All of it, with the lanes of one standing or of any, the most urgent first."""
        limit = min(limit, MAX_PAGE)
        after = None if cursor is None else _after(cursor)
        async with self._database.transaction() as session:
            lanes = await store.lanes(
                session, standing, after=after, limit=limit + 1, stuck_after=STUCK_AFTER
            )
            counts = await store.count_lanes(session, stuck_after=STUCK_AFTER)
            leases = await store.leases(session)
            doubts = await store.doubts(session)
        shown = lanes[:limit]
        signs, places = await self._asked(shown)
        more = len(lanes) > limit
        return QueueReport(
            lanes=[_view(lane, places) for lane in shown],
            next_cursor=pack(shown[-1].key, str(shown[-1].sender_id)) if more else None,
            counts={standing: counts.get(standing, 0) for standing in LaneStanding},
            workers=_workers(signs or [], leases),
            doubts=doubts,
            redis_answers=signs is not None,
        )

    async def _asked(
        self, lanes: Sequence[LaneRecord]
    ) -> tuple[Sequence[WorkerSign] | None, Mapping[uuid.UUID, JobPlace]]:
        try:
            signs = await self._orchestra.workers()
            places = await self._orchestra.places([lane.sender_id for lane in lanes])
        except OperationalError as error:
            # What PostgreSQL knows is worth showing, most of all then.
            self._trouble.met(error)
            return None, {}
        self._trouble.over()
        return signs, places


def _after(cursor: str) -> tuple[str, uuid.UUID]:
    key, sender_id = unpack(cursor, parts=2)
    try:
        if key != "infinity":
            datetime.fromisoformat(key or "")
        return key or "", uuid.UUID(sender_id)
    except (ValueError, TypeError, AttributeError):
        raise unknown_cursor() from None


def _view(lane: LaneRecord, places: Mapping[uuid.UUID, JobPlace]) -> LaneView:
    place = places.get(lane.sender_id)
    return LaneView(lane=lane, standing=standing_of(lane, now=clock.now()), place=place)


def standing_of(lane: LaneRecord, *, now: datetime) -> LaneStanding:
    """What a lane is doing, by PostgreSQL's word."""
    if lane.wake_at is None:
        return LaneStanding.PARKED
    if lane.wake_at < now - STUCK_AFTER:
        return LaneStanding.STUCK
    is_asleep = lane.parked_at is not None and lane.wake_at > now
    return LaneStanding.ASLEEP if is_asleep else LaneStanding.AWAKE


def _workers(
    signs: Sequence[WorkerSign], leases: Mapping[uuid.UUID, LeaseRecord]
) -> list[WorkerView]:
    known = [
        WorkerView(run=sign.run, sign=sign, leases=leases.get(sign.run))
        for sign in signs
        if sign.run in leases or not any(_took_over(other, sign) for other in signs)
    ]
    heard_of = {sign.run for sign in signs}
    unheard = [
        WorkerView(run=run, sign=None, leases=held)
        for run, held in leases.items()
        if run not in heard_of
    ]
    return known + unheard


def _took_over(other: WorkerSign, sign: WorkerSign) -> bool:
    """Whether a silent worker has a successor: of its name, on its machine, begun since."""
    return (
        sign.seen_ago > ALIVE_WITHIN >= other.seen_ago
        and (other.name, other.host) == (sign.name, sign.host)
        and other.started_at >= clock.now() - sign.seen_ago
    )
