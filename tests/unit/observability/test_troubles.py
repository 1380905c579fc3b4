"""A trouble that lasts says so when it begins, once a minute, and when it ends."""

from __future__ import annotations

import logging

import pytest

from paceline.observability.troubles import Faults, Trouble


class Clock:
    """Seconds, as a test wants them."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trouble(clock: Clock, caplog: pytest.LogCaptureFixture) -> Trouble:
    caplog.set_level(logging.WARNING)
    return Trouble(logging.getLogger("test"), "Redis is full", now=clock)


def test_eight_a_second_for_three_minutes_are_four_lines(
    trouble: Trouble, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1_520):
        trouble.met("OOM")
        clock.now += 0.125
    assert [record.getMessage() for record in caplog.records] == [
        "Redis is full: OOM",
        "Redis is full, still, after 60 s and 481 times: OOM",
        "Redis is full, still, after 120 s and 961 times: OOM",
        "Redis is full, still, after 180 s and 1441 times: OOM",
    ]


def test_what_goes_well_in_between_ends_nothing(
    trouble: Trouble, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        trouble.met("OOM")
        trouble.over()
        clock.now += 0.1
    assert len(caplog.records) == 1


def test_its_end_is_told_once_with_how_long_it_took_and_the_next_one_begins_anew(
    trouble: Trouble, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    trouble.over()
    trouble.met("OOM")
    clock.now += 30
    trouble.met("OOM")
    clock.now += 10
    trouble.over()
    trouble.over()
    trouble.met("OOM")
    assert [record.getMessage() for record in caplog.records] == [
        "Redis is full: OOM",
        "Redis is full: over after 30 s, met 2 times",
        "Redis is full: OOM",
    ]


def test_a_bug_that_is_met_again_and_again_tells_its_traceback_once_a_minute(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    faults = Faults(logging.getLogger("test"), "lanes fail", now=clock)
    for number in range(40):
        for error in (KeyError("k"), ValueError(str(number))):
            faults.met(error, about="lane:1")
        faults.over()  # for others
        clock.now += 3
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "lanes fail: lane:1: KeyError: 'k'",
        "lanes fail: lane:1: ValueError: 0",
        "lanes fail, still, after 60 s and 21 times: lane:1: KeyError: 'k'",
        "lanes fail, still, after 60 s and 21 times: lane:1: ValueError: 20",
    ]
    assert all(record.exc_info for record in caplog.records)
    clock.now += 60
    faults.over()
    assert "over after 117 s, met 40 times" in caplog.records[-1].getMessage()
