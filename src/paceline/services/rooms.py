"""How much room each owner has left, measured now and then and counted down between.

Counting what somebody keeps may take a second, so it is not done each time: of the room that was
found, half may be used up before it is measured anew. Several processes measure each for itself,
and an owner may get past a bound by what they let in meanwhile; it is there to save the disk.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from paceline import clock
from paceline.persistence.stores.session import Session

MAX_REMEMBERED = 10_000  # owners
MEASURE_AGAIN_SECONDS = 10.0  # at the soonest, where the room is small

Amounts: TypeAlias = tuple[int, int]  # how many things, and how many octets they have
Measure: TypeAlias = Callable[[Session, uuid.UUID], Awaitable[Amounts]]


class Lacking(Enum):
    """What there is no room for."""

    THINGS = auto()
    OCTETS = auto()


@dataclass(slots=True, kw_only=True)
class _Room:
    things: int  # left
    octets: int
    half: Amounts  # down to here it is not measured again
    measured_at: float


class Rooms:
    """The rooms of all owners for one kind of thing. `measure`: what an owner has of it by now."""

    def __init__(self, most: Amounts, measure: Measure) -> None:
        self._most = most
        self._measure = measure
        self._rooms: OrderedDict[uuid.UUID, _Room] = OrderedDict()

    async def take(
        self, session: Session, owner_id: uuid.UUID, *, things: int = 0, octets: int = 0
    ) -> Lacking | None:
        """Room for what this transaction has stored already; it is undone where something lacks."""
        room = self._rooms.get(owner_id)
        if room is None or self._is_old(room, things, octets):
            room = await self._measured(session, owner_id)
        else:
            room.things -= things
            room.octets -= octets
        few, small = things and room.things < 0, octets and room.octets < 0
        if not few and not small:
            return None
        room.things += things  # this transaction is going to be undone
        room.octets += octets
        return Lacking.THINGS if few else Lacking.OCTETS

    def used(self, owner_id: uuid.UUID, *, octets: int) -> None:
        """More was stored than `take` was told of, and stays."""
        if (room := self._rooms.get(owner_id)) is not None:
            room.octets -= octets

    def _is_old(self, room: _Room, things: int, octets: int) -> bool:
        past = room.things - things < room.half[0] or room.octets - octets < room.half[1]
        return past and clock.boottime() - room.measured_at > MEASURE_AGAIN_SECONDS

    async def _measured(self, session: Session, owner_id: uuid.UUID) -> _Room:
        there = await self._measure(session, owner_id)
        things, octets = (most - used for most, used in zip(self._most, there, strict=True))
        room = self._rooms[owner_id] = _Room(
            things=things,
            octets=octets,
            half=(max(0, things) // 2, max(0, octets) // 2),
            measured_at=clock.boottime(),
        )
        self._rooms.move_to_end(owner_id)
        if len(self._rooms) > MAX_REMEMBERED:
            self._rooms.popitem(last=False)
        return room
