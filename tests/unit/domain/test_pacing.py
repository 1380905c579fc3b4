"""The estimate of an email's turn, against a plain simulation of the same rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from paceline.domain.pacing import HOUR, estimate, hour_of

START = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def simulate(
    release_at: datetime, ahead: int, *, gap: timedelta, limit: int | None, left: int | None
) -> datetime:
    """Send one after the other, by the rules and nothing else."""
    now = release_at
    hour, used = hour_of(now), 0 if limit is None or left is None else limit - left
    for turn in range(ahead + 1):
        if turn:
            now += gap
        if hour_of(now) != hour:
            hour, used = hour_of(now), 0
        if limit is not None and used >= limit:
            now = hour + HOUR
            hour, used = now, 0
        used += 1
    return now


@given(
    minute=st.integers(0, 59),
    ahead=st.integers(0, 400),
    gap_ms=st.sampled_from([0, 500, 1_000, 36_000, 60_000, 600_000]),
    limit=st.none() | st.integers(1, 150),
    used=st.integers(0, 150),
)
def test_the_estimate_is_what_a_simulation_finds(
    minute: int, ahead: int, gap_ms: int, limit: int | None, used: int
) -> None:
    release_at = START + timedelta(minutes=minute)
    left = None if limit is None else max(0, limit - used)
    expected = simulate(
        release_at, ahead, gap=timedelta(milliseconds=gap_ms), limit=limit, left=left
    )
    found = estimate(
        release_at=release_at,
        ahead=ahead,
        min_delay_ms=gap_ms,
        hourly_limit=limit,
        left_this_hour=left,
    )
    # At an hour's edge the gap may run over; the estimate starts each hour anew.
    assert abs(found - expected) <= timedelta(milliseconds=gap_ms) * (
        1 + ahead // max(limit or 1, 1)
    )


def test_without_limits_everything_goes_at_once() -> None:
    found = estimate(release_at=START, ahead=1_000_000, min_delay_ms=0, hourly_limit=None)
    assert found == START


def test_at_the_limit_the_next_one_goes_with_the_next_hour() -> None:
    release_at = START + timedelta(minutes=30)
    found = estimate(
        release_at=release_at, ahead=0, min_delay_ms=0, hourly_limit=1, left_this_hour=0
    )
    assert found == START + HOUR


def test_a_delay_beyond_an_hour_is_kept_under_an_hourly_limit() -> None:
    gap_ms = 2 * 3_600_000
    turns = [
        estimate(release_at=START, ahead=n, min_delay_ms=gap_ms, hourly_limit=7) for n in range(3)
    ]
    assert turns == [START, START + 2 * HOUR, START + 4 * HOUR]


def test_a_limit_that_the_delay_never_reaches_changes_nothing_once_this_hour_is_over() -> None:
    release_at = START + timedelta(minutes=10)
    minutes = 40
    for left, first in ((None, release_at), (1, START + HOUR - timedelta(minutes=minutes))):
        for ahead in range(1, 5):
            found = estimate(
                release_at=release_at,
                ahead=ahead,
                min_delay_ms=minutes * 60_000,
                hourly_limit=2,
                left_this_hour=left,
            )
            assert found == first + ahead * timedelta(minutes=minutes)
