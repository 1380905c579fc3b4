"""How much an owner may store. Past it, new things are refused, and what is there is sent.

Counting a million emails takes a second, so it is not done for each: of the room that was found,
half may be used up before it is measured anew. Several processes measure each for itself, and an
owner may get past a quota by what they let in meanwhile; it is there to save the disk, not to sell.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass

from paceline import clock
from paceline.errors import Conflict
from paceline.persistence.stores import stored as store
from paceline.persistence.stores.session import Session
from paceline.settings.shares import ShareSettings

MAX_REMEMBERED = 10_000  # owners
MEASURE_AGAIN_SECONDS = 10.0  # at the soonest, where the room is small


class QuotaUsedUp(Conflict):
    """There is no room for it; the message says what would make some."""


@dataclass(slots=True, kw_only=True)
class _Room:
    emails: int  # left
    octets: int
    half: tuple[int, int]  # down to here it is not measured again
    measured_at: float


class Quotas:
    """Holds owners to their bounds."""

    def __init__(self, shares: ShareSettings) -> None:
        self._shares = shares
        self._rooms: OrderedDict[uuid.UUID, _Room] = OrderedDict()

    async def refuse_sender(self, session: Session, owner_id: uuid.UUID) -> None:
        """Raises `QuotaUsedUp` where there are as many senders as may be."""
        if await store.count_senders(session, owner_id) >= self._shares.senders:
            raise QuotaUsedUp(f"you have {self._shares.senders:,} senders: delete some first")

    async def take(
        self, session: Session, owner_id: uuid.UUID, *, emails: int = 0, octets: int = 0
    ) -> None:
        """Room for what this transaction has stored already. Raises `QuotaUsedUp`."""
        room = self._rooms.get(owner_id)
        if room is None or self._is_old(room, emails, octets):
            room = await self._measured(session, owner_id)
        else:
            room.emails -= emails
            room.octets -= octets
        if (emails and room.emails < 0) or (octets and room.octets < 0):
            few = room.emails < 0
            room.emails += emails  # this transaction is going to be undone
            room.octets += octets
            raise QuotaUsedUp(self._told(few=few))

    def _told(self, *, few: bool) -> str:
        if few:
            return f"you would have more than {self._shares.emails:,} emails here"
        most = self._shares.stored_octets >> 20
        return f"your emails and files would be larger than {most:,} MiB together"

    def _is_old(self, room: _Room, emails: int, octets: int) -> bool:
        past = room.emails - emails < room.half[0] or room.octets - octets < room.half[1]
        return past and clock.boottime() - room.measured_at > MEASURE_AGAIN_SECONDS

    async def _measured(self, session: Session, owner_id: uuid.UUID) -> _Room:
        there = await store.stored(session, owner_id)
        emails, octets = (
            self._shares.emails - there.emails,
            self._shares.stored_octets - there.octets,
        )
        room = self._rooms[owner_id] = _Room(
            emails=emails,
            octets=octets,
            half=(max(0, emails) // 2, max(0, octets) // 2),
            measured_at=clock.boottime(),
        )
        self._rooms.move_to_end(owner_id)
        if len(self._rooms) > MAX_REMEMBERED:
            self._rooms.popitem(last=False)
        return room
