"""How long to wait after a failure. The dice are handed in as `roll`, 0 <= roll < 1.

Two scales: an email that was refused for now waits minutes to hours and uses up an attempt; a host
that is in trouble waits seconds to minutes and uses up none.
"""

from __future__ import annotations

from datetime import timedelta

RETRY_STEPS: tuple[timedelta, ...] = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
)
RETRY_SPREAD = 0.5  # of the step, added on top

HOST_BASE = timedelta(seconds=5)
HOST_CAP = timedelta(minutes=5)
_MAX_DOUBLINGS = 16  # far beyond the cap; keeps the shift small however long a host is away


def retry_delay(attempt: int, *, roll: float) -> timedelta:
    """The wait after attempt number `attempt` (from 1) was refused for now; 8 h from the 7th on.

    The jitter is added to the step, never taken from it: greylisting servers commonly ask for five
    minutes (RFC 6647) and start again, or count an abuse, when a retry comes sooner.
    """
    _check(attempt, roll)
    step = RETRY_STEPS[min(attempt, len(RETRY_STEPS)) - 1]
    return step * (1 + RETRY_SPREAD * roll)


def host_retry_delay(failures: int, *, roll: float) -> timedelta:
    """The wait after `failures` (from 1) in a row: 5 s, doubling to 5 min, the upper half jittered.

    Half of it is certain, so that a host that is down is never hammered; the other half is chance,
    so that the senders of one host do not come back in step.
    """
    _check(failures, roll)
    whole = min(HOST_BASE * (1 << min(failures - 1, _MAX_DOUBLINGS)), HOST_CAP)
    return whole * (1 + roll) / 2


def _check(count: int, roll: float) -> None:
    if count < 1 or not 0 <= roll < 1:
        raise ValueError(f"count must be >= 1 and 0 <= roll < 1, not {count} and {roll}")
