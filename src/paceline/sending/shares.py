"""Of a worker's lanes some are nobody's who has half of them: one owner's senders never take all.

An owner may have a thousand senders, and a server that says nothing holds a lane for as long as the
worker bears it. While lanes are left, nobody is held back. The same holds with those that have
stepped aside and only wait: of them there are many times as many, but not without end.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import NamedTuple

LOOKS_PER_SECOND = 20  # of an owner's lanes that are held back, all together: a look costs 5 ms


class Share(NamedTuple):
    """Of one turn. `wait` None: it may be taken; else how long to wait before asking again."""

    wait: timedelta | None
    leave: Callable[[], None]  # before its end: it only waits from then on


class LaneShares:
    """One per worker. Of fewer than eight lanes everybody may have all."""

    def __init__(self, lanes: int, *, slow_seconds: float | None) -> None:
        """`slow_seconds`: a turn that takes longer has given its lane's place up."""
        self._most = max(1, lanes // 2)
        self._scarce_from = lanes - lanes // 8
        self._slow_seconds = slow_seconds
        self._turns: dict[object, uuid.UUID] = {}  # at work: whose they are
        self._of: Counter[uuid.UUID] = Counter()
        self._held_back: dict[uuid.UUID, set[uuid.UUID]] = {}  # senders, by owner

    @contextmanager
    def turn(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> Iterator[Share]:
        """Around a turn."""
        if self._of[owner_id] >= self._most and len(self._turns) >= self._scarce_from:
            yield Share(self._hold_back(owner_id, sender_id), _nothing)
            return
        turn = object()
        self._turns[turn] = owner_id
        self._of[owner_id] += 1
        leave = partial(self._leave, turn)
        slow = None
        if self._slow_seconds is not None:
            slow = asyncio.get_running_loop().call_later(self._slow_seconds, leave)
        try:
            yield Share(None, leave)
        finally:
            if slow is not None:
                slow.cancel()
            leave()

    def _hold_back(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> timedelta:
        senders = self._held_back.setdefault(owner_id, set())
        senders.add(sender_id)
        return timedelta(seconds=max(1.0, len(senders) / LOOKS_PER_SECOND))

    def _leave(self, turn: object) -> None:
        owner_id = self._turns.pop(turn, None)
        if owner_id is None:
            return  # it was slow
        self._of[owner_id] -= 1
        if self._of[owner_id] < self._most:
            self._held_back.pop(owner_id, None)
        if not self._of[owner_id]:
            del self._of[owner_id]


def _nothing() -> None:
    """There is no share to leave."""
