"""What a process counts of its own work, in plain numbers: cheap to note, read when somebody asks.

A label is a word of the code, never one of people's: no series can be made by an email, an address
or an owner. How it is told to Prometheus is `exposition.py`'s.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

# Seconds. Emails wait for a moment, or for an hour's limit; statements and the loop do not.
OF_LATENESS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400)
OF_STATEMENTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
OF_LOOP = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
LOOP_SECONDS = 0.5

HANDED_BACK = "handed_back"  # claimed and not begun: it waits as before
# Told at nought from the beginning: the first of a kind would be no increase otherwise.
ENDS = (
    ("sent", "sent"),
    ("rejected", "failed"),
    ("rejected", "deferred"),
    ("not_sent", "scheduled"),
    ("in_doubt", "in_doubt"),
)
TAKEN_BACK = ("scheduled", "deferred", "in_doubt", "cancelled")
CLASSES = ("2xx", "3xx", "4xx", "5xx", "none")


class Spread:
    """How often a number of seconds fell under each bound, and their sum: a histogram."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)  # not cumulated; the last one is beyond all bounds
        self.total = 0.0

    def note(self, seconds: float) -> None:
        """Once more."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @contextmanager
    def timed(self) -> Iterator[None]:
        """How long the block took, however it ended."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.note(time.perf_counter() - began)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """Connections: so many in use, of so many that there may be."""

    used: int
    most: int


@dataclass(slots=True)
class Figures:
    """Of one process, since it began. What it does not do stays at nought."""

    # (how the attempt ended, what becomes of its email)
    attempts: Counter[tuple[str, str]] = field(
        default_factory=lambda: Counter(dict.fromkeys(ENDS, 0))
    )
    lateness: Spread = field(default_factory=lambda: Spread(OF_LATENESS))
    statements: dict[str, Spread] = field(
        default_factory=lambda: {
            name: Spread(OF_STATEMENTS) for name in ("claim", "write_ahead", "record")
        }
    )
    # By what becomes of the email; and by class of status.
    recovered: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(TAKEN_BACK, 0)))
    requests: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(CLASSES, 0)))
    answers: Spread = field(default_factory=lambda: Spread(OF_STATEMENTS))
    loop: Spread = field(default_factory=lambda: Spread(OF_LOOP))
    pools: Callable[[], Mapping[str, PoolUse]] = dict  # of connections to PostgreSQL, by name

    def recorded(
        self, ends: Iterable[tuple[str | None, str]], *, late: Iterable[float | None]
    ) -> None:
        """A batch: how its attempts ended, and how late those were taken that were (else None)."""
        self.attempts.update((evidence or HANDED_BACK, str(state)) for evidence, state in ends)
        for seconds in late:
            if seconds is not None:
                self.lateness.note(max(0.0, seconds))

    def answered(self, status: int, seconds: float) -> None:
        """A request; 0: it was given no answer."""
        self.requests[f"{status // 100}xx" if status else "none"] += 1
        self.answers.note(seconds)

    async def watch_loop(self) -> None:
        """Note how much later than asked for the event loop comes back, until cancelled."""
        while True:
            asked = time.perf_counter() + LOOP_SECONDS
            await asyncio.sleep(LOOP_SECONDS)
            self.loop.note(max(0.0, time.perf_counter() - asked))
