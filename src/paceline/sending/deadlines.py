"""So long each of many answers is waited for, with one timer for all of them.

A timer and a context for every email would cost more than what they guard.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeVar

Answer = TypeVar("Answer")


class Deadlines:
    """Whoever waits for an answer that is not there in time meets `TimeoutError`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[tuple[float, asyncio.Future[object]]] = deque()  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    def set(self, answer: asyncio.Future[Answer]) -> asyncio.Future[Answer]:
        """The answer, or the end of waiting for it."""
        loop, waiting = answer.get_loop(), self._waiting
        while waiting and waiting[0][1].done():
            waiting.popleft()
        waiting.append((loop.time() + self._seconds, answer))  # type: ignore[arg-type]
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look, loop)
        return answer

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._waiting:
            ends_at, answer = self._waiting[0]
            if not answer.done():
                if ends_at > loop.time():
                    self._timer = loop.call_at(ends_at, self._look, loop)
                    return
                answer.set_exception(TimeoutError(f"no answer within {self._seconds:g} s"))
            self._waiting.popleft()
