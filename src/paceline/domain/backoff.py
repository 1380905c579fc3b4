"""How long to wait after a failure. The dice are handed in as `roll`, 0 <= roll < 1.

Three scales: an email that was refused for now waits minutes to hours and uses up an attempt; a
host that is in trouble waits seconds to minutes, a quota that is used up minutes to hours, and both
use up none.
"""

from __future__ import annotations

from datetime import timedelta

from paceline.domain.replies.spans import Span

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

# Where the tries fall after a quota was used up, until it is known to be new: by the full hour or
# the full day at the latest, and now and then before, for few say how they count. Rare enough that
# a server which counts refusals as well comes to rest.
_HOURLY = (15, 15, 30, 60, 120, 240, 360)  # minutes: after 15, 30, 60 …
_DAILY = (60, 60, 120, 240, 240, 360)  # after 1, 2, 4, 8, 12, 18, 24 h …
_UNSAID = (5, 10, 15, 30, 60, 120, 240, 360)  # after 5, 15, 30, 60 …
LIMIT_SPREAD = 0.1  # of the step, added on top: never before a full hour is over
LONGEST_STATED = timedelta(days=1)  # that a server is believed


def retry_delay(attempt: int, *, roll: float, stated: timedelta | None = None) -> timedelta:
    """The wait after attempt number `attempt` (from 1) was refused for now; 8 h from the 7th on.

    What a server has `stated` goes before at first, and afterwards where it is longer: whoever says
    "in 5 seconds" each time shall not use up the tries of an email within a minute.

    The jitter is added to the step, never taken from it: greylisting servers commonly ask for five
    minutes (RFC 6647) and start again, or count an abuse, when a retry comes sooner.
    """
    _check(attempt, roll)
    step = RETRY_STEPS[min(attempt, len(RETRY_STEPS)) - 1]
    if stated is not None:
        asked_for = min(max(stated, HOST_BASE), LONGEST_STATED)
        step = asked_for if attempt == 1 else max(step, asked_for)
    return step * (1 + RETRY_SPREAD * roll)


def host_retry_delay(failures: int, *, roll: float, stated: timedelta | None = None) -> timedelta:
    """The wait after `failures` (from 1) in a row: 5 s, doubling to 5 min, the upper half jittered.

    Half of it is certain, so that a host that is down is never hammered; the other half is chance,
    so that the senders of one host do not come back in step. What a server has `stated` goes
    before, but never below that.
    """
    _check(failures, roll)
    whole = min(HOST_BASE * (1 << min(failures - 1, _MAX_DOUBLINGS)), HOST_CAP)
    grown = whole * (1 + roll) / 2
    if stated is None:
        return grown
    return max(min(stated, LONGEST_STATED) * (1 + LIMIT_SPREAD * roll), grown)


def limit_delay(
    refusals: int, span: Span, *, roll: float, stated: timedelta | None = None
) -> timedelta:
    """The wait after `refusals` (from 1) in a row because a quota of that span was used up.

    The same step again and again after the last one. A limit by the second or the minute is waited
    for like a host in trouble. What a server has `stated` goes before, but never below that.
    """
    _check(refusals, roll)
    if stated is not None or span is Span.MOMENT:
        return host_retry_delay(refusals, roll=roll, stated=stated)
    steps = {Span.HOUR: _HOURLY, Span.DAY: _DAILY, Span.UNSAID: _UNSAID}[span]
    step = timedelta(minutes=steps[min(refusals, len(steps)) - 1])
    return step * (1 + LIMIT_SPREAD * roll)


def _check(count: int, roll: float) -> None:
    if count < 1 or not 0 <= roll < 1:
        raise ValueError(f"count must be >= 1 and 0 <= roll < 1, not {count} and {roll}")
