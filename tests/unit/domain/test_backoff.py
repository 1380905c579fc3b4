"""How long a failure waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.domain.backoff import HOST_CAP, RETRY_STEPS, host_retry_delay, retry_delay

ROLLS = st.floats(0, 1, exclude_max=True)


def test_the_steps_are_five_minutes_to_eight_hours() -> None:
    minutes = [retry_delay(attempt, roll=0) / timedelta(minutes=1) for attempt in range(1, 8)]
    assert minutes == [5, 15, 30, 60, 120, 240, 480]


@given(st.integers(1, 1000), ROLLS)
def test_a_retry_never_comes_sooner_than_its_step_nor_much_later(attempt: int, roll: float) -> None:
    step = RETRY_STEPS[min(attempt, 7) - 1]
    assert timedelta(minutes=5) <= step <= retry_delay(attempt, roll=roll) <= step * 1.5


@given(st.integers(1, 10**9), ROLLS)
def test_a_host_waits_from_seconds_to_five_minutes(failures: int, roll: float) -> None:
    delay = host_retry_delay(failures, roll=roll)
    assert timedelta(seconds=2.5) <= delay <= HOST_CAP


def test_a_hosts_wait_doubles_until_the_cap() -> None:
    seconds = [host_retry_delay(n, roll=0) * 2 / timedelta(seconds=1) for n in range(1, 9)]
    assert seconds == [5, 10, 20, 40, 80, 160, 300, 300]


@pytest.mark.parametrize(("count", "roll"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_nonsense_is_refused(count: int, roll: float) -> None:
    for delay in (retry_delay, host_retry_delay):
        with pytest.raises(ValueError, match="must be"):
            delay(count, roll=roll)
