"""Where the workers of a storm run, one after the other, and what is counted of it."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from paceline.observability.faultpoints import FaultPoint
from tests.faults.elsewhere import WallClock
from tests.faults.processes import Worker

# A frozen worker is thawed before its lease runs out, or long after.
FREEZES_SECONDS = (0.5, 2.0, 4.5, 7.0)


@dataclass
class Tally:
    """What was done, and how soon the next email arrived."""

    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    next_email: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    kills: int = 0
    gave_up: int = 0  # workers that found PostgreSQL or Redis away when they started
    boxes_told: int = 0
    boxes_settled: int = 0
    seconds: float = 0.0

    def recovery(self) -> dict[str, dict[str, float]]:
        """Seconds from a fault to the next email at the sink, whichever worker sent it."""
        return {
            kind: {
                "median": round(statistics.median(values), 2),
                "worst": round(max(values), 2),
                "of": len(values),
            }
            for kind, values in sorted(self.next_email.items())
        }


class Place:
    """Where one worker runs after the other, on a machine with one wall clock."""

    def __init__(
        self,
        start: Callable[[str, WallClock], Worker],
        dice: random.Random,
        *,
        clock: WallClock,
        struck: Mapping[str, int],
    ) -> None:
        self._start = start
        self._dice = dice
        self._struck = struck
        self.clock = clock
        self.renew()

    def renew(self) -> None:
        self.point: FaultPoint | None = None
        plan = ""
        if self._dice.random() < 0.8:
            # The one that is furthest behind: some are reached more easily than others.
            rank = {p: (self._struck.get(p, 0), self._dice.random()) for p in FaultPoint}
            self.point = min(FaultPoint, key=rank.__getitem__)
            batches = self.point in {FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM}
            hit = self._dice.randrange(1, 4 if batches else 80)
            plan = f"{self.point}:{hit}:{self._dice.choice(('KILL', 'KILL', 'KILL', 'STOP'))}"
        self.worker = self._start(plan, self.clock)
        self.started_at = time.monotonic()
        self.frozen_at: float | None = None
        self.thaw_after = self._dice.choice(FREEZES_SECONDS)
