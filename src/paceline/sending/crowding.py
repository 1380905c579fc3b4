"""How many connections each sender opens at once: what its settings allow, or fewer for a while.

A server that takes no further connection while the others work has a limit of its own. It is found
by being refused, which costs no email a try, and tried again one by one, for it may be lifted.
Nothing is stored: another worker process finds it out for itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from paceline import clock

RAISE_AFTER_SECONDS = 300.0  # one more connection each


@dataclass(frozen=True, slots=True)
class _Found:
    width: int
    at: float  # boot time, seconds


class Crowding:
    """One per worker process."""

    def __init__(self, *, now: Callable[[], float] = clock.boottime) -> None:
        self._now = now
        self._found: dict[uuid.UUID, _Found] = {}

    def width(self, sender_id: uuid.UUID, most: int) -> int:
        """How many connections may be open at once, 1 to `most`."""
        found = self._found.get(sender_id)
        if found is None:
            return most
        width = found.width + int((self._now() - found.at) / RAISE_AFTER_SECONDS)
        if width >= most:
            del self._found[sender_id]
        return min(width, most)

    def refused(self, sender_id: uuid.UUID, *, of: int, refused: int) -> int:
        """So many of that many connections were refused while others worked; how many remain."""
        width = max(1, of - refused)
        self._found[sender_id] = _Found(width, self._now())
        return width
