"""So many at a time, but whoever takes long gives its place up to those who wait for one.

A server that does not answer may hold a connection for ten minutes. That costs next to nothing, and
must not keep what goes to other servers waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from types import TracebackType


class Place:
    """One of `Places`, until `leave`."""

    __slots__ = ("_places", "since")

    def __init__(self, places: Places) -> None:
        self._places = places
        self.since = time.monotonic()

    def leave(self) -> None:
        """Give it up, if it is still held."""
        self._places.free(self)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._places.free(self)


class Places:
    """A bounded number of places, handed out in the order they were asked for.

    While all are taken, one that was held for `patience` seconds is free for the next in line; what
    is done in it goes on. None: each is held until it is left.
    """

    def __init__(self, count: int, *, patience: float | None = None) -> None:
        self._left = count
        self._patience = patience
        self._held: dict[Place, None] = {}  # the oldest first
        self._line: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self) -> Place:
        """The next one that is free."""
        if self._left:
            self._left -= 1
        else:
            await self._stand_in_line()
        place = Place(self)
        self._held[place] = None
        if self._line:
            self._look_again()
        return place

    def free(self, place: Place) -> None:
        """Hand it to the next in line, unless that was done."""
        if place in self._held:
            del self._held[place]
            self._hand_on()

    async def _stand_in_line(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._look_again()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had just been handed on
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._left += 1

    def _look_again(self) -> None:
        """When the oldest has been held for long enough."""
        if self._patience is not None and self._timer is None and self._held:
            wait = next(iter(self._held)).since + self._patience - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._free_overdue)

    def _free_overdue(self) -> None:
        self._timer = None
        assert self._patience is not None
        long_ago = time.monotonic() - self._patience
        for place in list(self._held):
            if place.since > long_ago or not self._line:
                break
            self.free(place)
        if self._line:
            self._look_again()
