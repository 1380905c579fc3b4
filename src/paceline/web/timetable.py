"""When will how many go out? The plan that the compose and campaign pages draw, hour by hour.

Plain values in, plain values out, by the same arithmetic that answers "when is it my turn?"
(`domain/pacing.py`). A plan is for an undisturbed run; it knows of no failures and no neighbours.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from paceline.domain.pacing import HOUR, estimate, hour_of

MAX_BARS = 48
MAX_DAYS = 400
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast emails may follow each other. A limit of None is no limit."""

    min_delay_ms: int
    hourly_limit: int | None

    def tightened_by(self, other: Pace) -> Pace:
        """The stricter of the two in each respect: both a campaign's and a sender's hold."""
        limits = [limit for limit in (self.hourly_limit, other.hourly_limit) if limit is not None]
        return Pace(
            min_delay_ms=max(self.min_delay_ms, other.min_delay_ms),
            hourly_limit=min(limits, default=None),
        )

    @property
    def per_hour(self) -> int | None:
        """Emails in a full hour; None when nothing but the mail server's speed bounds it."""
        by_delay = HOUR_MS // self.min_delay_ms if self.min_delay_ms else None
        bounds = [bound for bound in (by_delay, self.hourly_limit) if bound is not None]
        return max(1, min(bounds)) if bounds else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour of the chart."""

    hour: datetime
    sent: int = 0
    planned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The plan. `bars` stops after two days; `hours` counts on."""

    emails: int
    first_at: datetime
    last_at: datetime
    hours: int
    per_hour: int | None
    hourly_limit: int | None
    bars: tuple[Bar, ...]


def plan(
    emails: int, *, start_at: datetime, pace: Pace, left_this_hour: int | None = None
) -> Timetable:
    """Spread `emails` (at least one) from `start_at` on."""
    turn = _turns(start_at, pace, left_this_hour)
    last_at = turn(max(emails, 1) - 1)
    first_hour = hour_of(start_at)
    hours = int((hour_of(last_at) - first_hour) / HOUR) + 1
    bars: list[Bar] = []
    before = 0
    for index in range(min(hours, MAX_BARS)):
        ends = first_hour + (index + 1) * HOUR
        until = bisect_left(range(emails), ends, key=turn)
        bars.append(Bar(hour=first_hour + index * HOUR, planned=until - before))
        before = until
    return Timetable(
        emails=emails,
        first_at=turn(0),
        last_at=last_at,
        hours=hours,
        per_hour=pace.per_hour,
        hourly_limit=pace.hourly_limit,
        bars=tuple(bars),
    )


def by_day(emails: int, planned: Timetable, pace: Pace, zone: tzinfo) -> list[tuple[date, int]]:
    """How many of a plan's emails go out on which day in `zone`: all days that have any.

    Past `MAX_DAYS` the last entry holds the rest.
    """
    turn = _turns(planned.first_at, pace)
    days: list[tuple[date, int]] = []
    before = 0
    while before < emails:
        day = turn(before).astimezone(zone).date()
        ends = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
        until = bisect_left(range(emails), ends, lo=before, key=turn)
        if len(days) == MAX_DAYS - 1:
            until = emails
        days.append((day, until - before))
        before = until
    return days


def planned_in(
    hours: Sequence[datetime], emails: int, *, start_at: datetime, pace: Pace
) -> list[int]:
    """How many of `emails` an undisturbed run has in each of these hours."""
    turn = _turns(start_at, pace)

    def before(at: datetime) -> int:
        return bisect_left(range(emails), at, key=turn)

    return [before(hour + HOUR) - before(hour) for hour in hours]


def past_and_future(
    sent_per_hour: Sequence[tuple[datetime, int]], ahead: Timetable | None, *, most: int
) -> list[Bar]:
    """The last hours with what was sent, then those with what is planned; one may hold both."""
    planned = {bar.hour: bar.planned for bar in ahead.bars} if ahead else {}
    sent = dict(sent_per_hour[-(most * 2 // 3) :])
    hours = sorted({*sent, *planned})[:most]
    return [Bar(hour=h, sent=sent.get(h, 0), planned=planned.get(h, 0)) for h in hours]


def series(bars: Sequence[Bar], zone: tzinfo) -> list[dict[str, object]]:
    """The bars as `<bar-chart>` reads them. The hours are UTC's, as the limits count them."""
    return [
        {
            "t": bar.hour.astimezone(zone).strftime("%H:%M"),
            "sent": bar.sent,
            "planned": bar.planned,
        }
        for bar in bars
    ]


def _turns(
    start_at: datetime, pace: Pace, left_this_hour: int | None = None
) -> Callable[[int], datetime]:
    """When the email goes that has so many before it."""

    def turn(ahead: int) -> datetime:
        return estimate(
            release_at=start_at,
            ahead=ahead,
            min_delay_ms=pace.min_delay_ms,
            hourly_limit=pace.hourly_limit,
            left_this_hour=left_this_hour,
        )

    return turn
