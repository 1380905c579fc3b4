"""Whether a series of samples is flat: by a slope that a few odd samples cannot bend."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

MOST_POINTS = 300  # each pair of them is looked at


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a series may grow over its second half: a share of its median, or an amount."""

    share: float
    amount: float


@dataclass(frozen=True, slots=True)
class Trend:
    """Of the second half: the growth that its slope makes over that time, and what it may be."""

    median: float
    growth: float
    allowed: float

    @property
    def is_flat(self) -> bool:
        """Whether it grows by no more than it may; what shrinks does not grow."""
        return self.growth <= self.allowed


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes of all pairs of points (Theil and Sen); 0 for fewer than two."""
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(thinned(points), 2)
        if later[0] > earlier[0]
    ]
    return statistics.median(slopes) if slopes else 0.0


def thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """At most `MOST_POINTS` of them, evenly taken."""
    return points[:: -(-len(points) // MOST_POINTS) or 1]


def trend(points: Sequence[tuple[float, float]], allowance: Allowance) -> Trend:
    """Points are (seconds, value), in order; the second half of the time counts. Raises
    `ValueError` where that has fewer than two of them: nothing can be said then."""
    half = (points[0][0] + points[-1][0]) / 2 if points else 0.0
    late = [point for point in points if point[0] >= half]
    if len(late) < 2:
        raise ValueError(f"a trend needs two samples in its second half, and there are {len(late)}")
    median = statistics.median(value for _, value in late)
    return Trend(
        median=median,
        growth=slope(late) * (late[-1][0] - late[0][0]),
        allowed=max(allowance.share * abs(median), allowance.amount),
    )
