"""The time by which a connection's other side has to have answered.

One timer serves all the deadlines of a connection. It is moved only when a nearer one comes, and
when it goes off early it is set again: a timer per command would cost more than the command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """The latest one that was set; nobody unsets one that was kept."""

    __slots__ = ("_at", "_loop", "_overdue", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, overdue: Callable[[], None]) -> None:
        """`overdue` is called when one has passed, and has to see whether it was kept."""
        self._loop = loop
        self._overdue = overdue
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def set(self, at: float) -> None:
        """Until `at`, by the loop's clock, in place of what was set before."""
        self._at = at
        if self._timer is None or self._timer_at > at:
            self._start_timer(at)

    def stop(self) -> None:
        """The connection is lost. Whom to call is forgotten: the two would keep each other."""
        self._cancel_timer()
        self._overdue = _nobody

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_timer(self, at: float) -> None:
        self._cancel_timer()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._loop.time() < self._at:
            self._start_timer(self._at)
        else:
            self._overdue()


def _nobody() -> None:
    """Instead of the owner of a lost connection."""
