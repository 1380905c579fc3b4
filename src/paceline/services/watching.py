"""Whether anything has changed for those who look, and until when what they see stays true.

Many pages are open at a time, and most of the time nothing happens on them. So all who look are
asked for at once, and what they see is made anew only when it is different.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from paceline.auth.sessions import IDLE_LIFETIME
from paceline.domain.gate import HeldBy
from paceline.persistence.database import Database
from paceline.persistence.fingerprints import Fingerprint, fingerprints
from paceline.services.status import Activity, Status
from paceline.together import together

REDIS_SECONDS = 0.5  # that it may take to say that it is there
LONGEST = timedelta(minutes=1)  # for what tells of time; and so that "last seen" is noted
_QUARTER_MINUTES = 15  # days begin at one of them in every zone
QUARTER = timedelta(minutes=_QUARTER_MINUTES)

__all__ = ["LONGEST", "QUARTER", "Fingerprint", "Watch", "true_until"]


class Watch:
    """Reads fingerprints. `redis_answers`: whether the hourly counters can be read."""

    def __init__(self, database: Database, redis_answers: Callable[[], Awaitable[bool]]) -> None:
        self._database = database
        self._redis_answers = redis_answers

    async def of(self, sessions: Collection[bytes]) -> Mapping[bytes, Fingerprint]:
        """By the hash of a session's id; a session that is over has none.

        Raises `DatabaseUnavailable`.
        """
        found, redis_answers = await together(
            fingerprints(self._database, sessions, idle_after=IDLE_LIFETIME), self._redis()
        )
        return {
            session: replace(its, decided=f"{its.decided} {redis_answers}")
            for session, its in found.items()
        }

    async def _redis(self) -> bool:
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                return await self._redis_answers()
        except TimeoutError:
            return False


def true_until(
    statuses: Iterable[Status],
    moments: Iterable[datetime] = (),
    *,
    now: datetime,
    longest: timedelta = LONGEST,
) -> datetime:
    """Until when a page with these holds if nothing is written; `now` when it changes by itself.

    `moments`: what else it shows otherwise once they have come.
    """
    ends = [now + longest, _next_quarter(now), *(at for at in moments if at > now)]
    for status in statuses:
        if status.activity is Activity.SENDING or status.held_by is HeldBy.SERVER_SILENT:
            return now
        if status.at is not None:
            ends.append(status.at)
    return max(now, min(ends))


def _next_quarter(now: datetime) -> datetime:
    begun = now.replace(minute=now.minute // _QUARTER_MINUTES * _QUARTER_MINUTES)
    return begun.replace(second=0, microsecond=0) + QUARTER
