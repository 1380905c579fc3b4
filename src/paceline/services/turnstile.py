"""So many at once of each owner, and the others of that owner wait: nobody takes up all there is.

Of this process alone: what it shares out are its own connections and descriptors.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from paceline.errors import TooMuchAtOnce

MAX_REQUESTS = 8  # of an owner, at work at a time: fewer than half of the database's connections
MAX_UPLOADS = 8  # of an owner, arriving at a time, or leaving: as many bodies in memory
MAX_WAITING = 250  # more of them, for their turn


@dataclass(slots=True)
class _Owner:
    inside: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turnstile:
    """Lets `most` of an owner in; up to `most_waiting` more wait for their turn, in their order."""

    def __init__(self, *, most: int, most_waiting: int = 0, retry_after_seconds: int = 2) -> None:
        self._most = most
        self._most_waiting = most_waiting
        self._retry_after_seconds = retry_after_seconds
        self._owners: dict[uuid.UUID, _Owner] = {}

    @asynccontextmanager
    async def turn(self, owner_id: uuid.UUID, *, patient: bool = False) -> AsyncIterator[None]:
        """One turn. Raises `TooMuchAtOnce` where as many wait as may, unless it is `patient`."""
        owner = self._owners.setdefault(owner_id, _Owner())
        if owner.inside < self._most:
            owner.inside += 1
        else:
            await self._wait(owner, patient=patient)
        try:
            yield
        finally:
            self._leave(owner_id, owner)

    async def _wait(self, owner: _Owner, *, patient: bool) -> None:
        if len(owner.waiting) >= self._most_waiting and not patient:
            raise TooMuchAtOnce(
                f"{self._most + self._most_waiting} of your requests are at work already",
                retry_after_seconds=self._retry_after_seconds,
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        owner.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on(owner)  # it was handed over in the very moment that its owner left
            else:
                owner.waiting.remove(turn)
            raise

    def _leave(self, owner_id: uuid.UUID, owner: _Owner) -> None:
        self._pass_on(owner)
        if not owner.inside:
            self._owners.pop(owner_id, None)

    def _pass_on(self, owner: _Owner) -> None:
        while owner.waiting:
            turn = owner.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        owner.inside -= 1


def for_requests() -> Turnstile:
    """What the requests of people and programs go through."""
    return Turnstile(most=MAX_REQUESTS, most_waiting=MAX_WAITING)


def for_bodies() -> Turnstile:
    """What large bodies go through while they arrive."""
    return Turnstile(most=MAX_UPLOADS, most_waiting=MAX_WAITING)


def for_answers() -> Turnstile:
    """What large answers go through while they leave; those that wait are in memory, too."""
    return Turnstile(most=MAX_UPLOADS, most_waiting=MAX_UPLOADS)
