"""What many connections have to say, handed to the kernel together once per turn of the loop.

A write that finds a server asleep wakes it, which costs this process more than the write itself.
Replies come in bunches; when what they lead to leaves in one bunch too, the first write wakes a
server and the others find it at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Outbox:
    """One for all the connections of a loop."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Callable[[], None]] = []

    def add(self, flush: Callable[[], None]) -> None:
        """Has `flush` called when this turn of the loop is over; it must not raise."""
        if not self._waiting:
            self._loop.call_soon(self._flush_all)
        self._waiting.append(flush)

    def _flush_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for flush in waiting:
            flush()
