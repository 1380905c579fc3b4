"""How long a command asks a server that does not answer, and when it may ask again at all.

A request is repeated only where a repetition is the same as one: it looks, it sets something, or it
carries an idempotency key. Bounded, so that a person is told soon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

# Seconds between tries of a request whose answer was lost: 16 s in all.
DELAYS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
# The first request under our key is still at work, elsewhere: a million rows take their time.
MAX_SECONDS_UNDER_WAY = 600.0
MAX_SECONDS_ASKED_FOR = 10.0  # of Retry-After


class AskAgain(Exception):
    """No answer yet, or none that counts. `after`: when the server said to ask again, in seconds.

    `under_way`: another process is at it, which is no failure and may take long.
    """

    def __init__(self, error: Exception, *, after: float | None, under_way: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after
        self.under_way = under_way


@dataclass(slots=True)
class Patience:
    """Of one client. `sleep` takes seconds."""

    sleep: Callable[[float], None] = time.sleep
    delays: Sequence[float] | None = None  # None: `DELAYS`

    def ask(self, once: Callable[[], T]) -> T:
        """What `once` returns, asked again where it raises `AskAgain`; its error at the end."""
        delays = iter(DELAYS if self.delays is None else self.delays)
        waited = 0.0
        while True:
            try:
                return once()
            except AskAgain as again:
                delay = _next(again, delays, waited)
                if delay is None:
                    raise again.error from again
            waited += delay
            self.sleep(delay)


def _next(again: AskAgain, delays: Iterator[float], waited: float) -> float | None:
    """Seconds until the next try; None: this was the last."""
    asked_for = min(again.after or 0.0, MAX_SECONDS_ASKED_FOR)
    if again.under_way:
        return max(asked_for, 0.2) if waited < MAX_SECONDS_UNDER_WAY else None
    delay = next(delays, None)
    return None if delay is None else max(delay, asked_for)
