"""Reads points in time and durations as people write them on a command line.

Pure: what "now" and "here" mean is handed in. A time without a zone, or one that has passed under
a name that promises the future, is refused rather than guessed.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from paceline.domain.bounds import MAX_MINUTES_BEHIND, MAX_YEARS_AHEAD
from paceline.errors import DomainError

LONGEST = timedelta(days=366 * MAX_YEARS_AHEAD)
LATE = timedelta(minutes=MAX_MINUTES_BEHIND)
HAS_PASSED = "has passed; leave it out to begin right away"
# In a change what is left out stays as it is.
EMPTY_IT = "has passed; leave it empty to begin right away"
ENDED = "has passed"

_SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3_600),
    "d": Decimal(86_400),
}
_LONG_NAMES = {
    "millisecond": "ms",
    "second": "s",
    "sec": "s",
    "minute": "m",
    "min": "m",
    "hour": "h",
    "hr": "h",
    "day": "d",
}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+)(?:\s*,?\s*(?:and\s+)?|$)", re.ASCII)
_WALL_TIME = re.compile(
    r"(?P<day>today|tomorrow)(?:\s+at)?\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?",
    re.ASCII,
)
_START_EXAMPLES = (
    "write now, in 2 minutes, in 1h30m, tomorrow 09:00, or a time with its offset "
    "such as 2027-03-01T09:00:00+01:00"
)
_END_EXAMPLES = "write 90d, 2027-03-01 (that day included), an instant with its offset, or never"


class InvalidWhen(DomainError):
    """Not a point in time, or not a duration; the message says how to write one."""


def wrong_with_start(at: datetime, *, now: datetime, passed: str = HAS_PASSED) -> str | None:
    """Why nothing can begin at this instant, or None: the one rule of form, API and command line.

    A little late is let pass: whoever chose the next minute needs one to press the button.
    `passed` are the words for what is later than that.
    """
    if at < now - LATE:
        return passed
    if at - now > LONGEST:
        return f"is more than {MAX_YEARS_AHEAD} years ahead"
    return None


def parse_duration(text: str) -> timedelta:
    """`2s`, `500ms`, `1m`, `1h30m`, `1 hour 30 minutes`. Raises `InvalidWhen`."""
    rest = text.strip().lower()
    seconds = Decimal(0)
    if not rest:
        raise InvalidWhen(_not_a_duration(text))
    while rest:
        part = _PART.match(rest)
        unit = _unit(part[2]) if part else None
        if part is None or unit is None:
            raise InvalidWhen(_not_a_duration(text))
        seconds += Decimal(part[1]) * _SECONDS[unit]
        rest = rest[part.end() :]
    if seconds > LONGEST.total_seconds():
        raise InvalidWhen(f"{text!r} is longer than {MAX_YEARS_AHEAD} years")
    return timedelta(microseconds=int(seconds * 1_000_000))


def _unit(word: str) -> str | None:
    if word in _SECONDS:
        return word
    return _LONG_NAMES.get(word.removesuffix("s"))


def _not_a_duration(text: str) -> str:
    return f"{text!r} is not a duration: write a number and a unit, such as 2s, 500ms or 1h30m"


def parse_start(text: str, *, now: datetime, zone: tzinfo) -> datetime | None:
    """The instant meant, in UTC; None means as soon as possible. Raises `InvalidWhen`.

    `now` is aware. Wall times are in `zone`: one that a change to summer time skips is moved
    forward by what is skipped, one that occurs twice is the first of the two.
    """
    words = " ".join(text.lower().split())
    if words in {"now", "at once"}:
        return None
    if words.startswith("in "):
        return (now + parse_duration(words.removeprefix("in "))).astimezone(UTC)
    if wall := _WALL_TIME.fullmatch(words):
        return _wall_time(wall, now=now, zone=zone)
    return _instant(text.strip(), now=now)


def parse_end(text: str, *, now: datetime, zone: tzinfo) -> datetime | None:
    """When something ends: `90d`, `in 90 days`, `2027-03-01` (that day included, in `zone`) or an
    instant; None for `never`. Raises `InvalidWhen`."""
    words = " ".join(text.lower().split())
    if words == "never":
        return None
    with suppress(ValueError):
        last_day = date.fromisoformat(words)
        return _acceptable(
            datetime.combine(last_day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC),
            now=now,
            passed=ENDED,
        )
    with suppress(InvalidWhen):
        return (now + parse_duration(words.removeprefix("in "))).astimezone(UTC)
    try:
        return _instant(text.strip(), now=now)
    except InvalidWhen as error:
        raise InvalidWhen(f"{text!r} is no end: {_END_EXAMPLES}") from error


def _wall_time(wall: re.Match[str], *, now: datetime, zone: tzinfo) -> datetime:
    try:
        clock_time = time(int(wall["hour"]), int(wall["minute"]), int(wall["second"] or 0))
    except ValueError as error:
        raise InvalidWhen(f"there is no such time of day: {error}") from error
    day = now.astimezone(zone).date() + timedelta(days=wall["day"] == "tomorrow")
    # fold=0: an offset from before the change, which is both rules of the docstring at once.
    start = datetime.combine(day, clock_time, tzinfo=zone).astimezone(UTC)
    return _acceptable(start, now=now)


def _instant(text: str, *, now: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidWhen(f"{text!r} is not a start: {_START_EXAMPLES}") from error
    if found.tzinfo is None:
        raise InvalidWhen(
            f"{text!r} has no offset, and could mean several times: {_START_EXAMPLES}"
        )
    return _acceptable(found, now=now)


def _acceptable(at: datetime, *, now: datetime, passed: str = HAS_PASSED) -> datetime:
    wrong = wrong_with_start(at, now=now, passed=passed)
    if wrong is not None:
        raise InvalidWhen(wrong)
    return at.astimezone(UTC)
