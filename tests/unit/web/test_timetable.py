"""The plan that the compose and campaign pages draw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.domain.pacing import estimate
from paceline.web.timetable import MAX_BARS, Bar, Pace, past_and_future, plan, series

TEN = datetime(2026, 11, 25, 10, tzinfo=UTC)


def test_the_hourly_limit_spreads_emails_over_whole_hours() -> None:
    planned = plan(250, start_at=TEN, pace=Pace(min_delay_ms=0, hourly_limit=100))
    assert [bar.planned for bar in planned.bars] == [100, 100, 50]
    assert planned.hours == 3
    assert planned.first_at == TEN
    assert planned.last_at == TEN + timedelta(hours=2)


def test_a_delay_alone_spreads_them_too() -> None:
    planned = plan(90, start_at=TEN, pace=Pace(min_delay_ms=60_000, hourly_limit=None))
    assert [bar.planned for bar in planned.bars] == [60, 30]
    assert planned.last_at == TEN + timedelta(minutes=89)


def test_a_start_within_an_hour_leaves_less_room_in_it() -> None:
    start = TEN + timedelta(minutes=45)
    planned = plan(40, start_at=start, pace=Pace(min_delay_ms=60_000, hourly_limit=None))
    assert [bar.planned for bar in planned.bars] == [15, 25]


def test_without_any_limit_all_go_at_once() -> None:
    planned = plan(5000, start_at=TEN, pace=Pace(min_delay_ms=0, hourly_limit=None))
    assert [bar.planned for bar in planned.bars] == [5000]
    assert planned.per_hour is None
    assert planned.last_at == TEN


def test_a_million_emails_are_planned_and_drawn_in_part() -> None:
    planned = plan(1_000_000, start_at=TEN, pace=Pace(min_delay_ms=0, hourly_limit=1000))
    assert len(planned.bars) == MAX_BARS
    assert planned.hours == 1000


@given(
    emails=st.integers(1, 2000),
    minutes=st.integers(0, 59),
    min_delay_ms=st.sampled_from([0, 1, 250, 2000, 60_000, 4_000_000]),
    hourly_limit=st.none() | st.integers(1, 500),
)
def test_the_bars_hold_every_email_in_the_hour_of_its_turn(
    emails: int, minutes: int, min_delay_ms: int, hourly_limit: int | None
) -> None:
    start = TEN + timedelta(minutes=minutes)
    pace = Pace(min_delay_ms=min_delay_ms, hourly_limit=hourly_limit)
    planned = plan(emails, start_at=start, pace=pace)
    assert sum(bar.planned for bar in planned.bars) <= emails
    if planned.hours <= MAX_BARS:
        assert sum(bar.planned for bar in planned.bars) == emails
    ahead = 0
    for bar in planned.bars:
        if hourly_limit is not None:
            assert bar.planned <= hourly_limit
        if bar.planned:
            turn = estimate(
                release_at=start, ahead=ahead, min_delay_ms=min_delay_ms, hourly_limit=hourly_limit
            )
            assert bar.hour <= turn < bar.hour + timedelta(hours=1)
        ahead += bar.planned


@pytest.mark.parametrize(
    ("own", "senders", "both"),
    [
        (Pace(min_delay_ms=0, hourly_limit=None), Pace(min_delay_ms=5, hourly_limit=9), (5, 9)),
        (Pace(min_delay_ms=7, hourly_limit=4), Pace(min_delay_ms=5, hourly_limit=9), (7, 4)),
        (Pace(min_delay_ms=1, hourly_limit=4), Pace(min_delay_ms=5, hourly_limit=None), (5, 4)),
        (
            Pace(min_delay_ms=0, hourly_limit=None),
            Pace(min_delay_ms=0, hourly_limit=None),
            (0, None),
        ),
    ],
)
def test_the_stricter_of_campaign_and_sender_holds(
    own: Pace, senders: Pace, both: tuple[int, int | None]
) -> None:
    tightened = own.tightened_by(senders)
    assert (tightened.min_delay_ms, tightened.hourly_limit) == both


def test_bars_are_labelled_in_the_readers_zone() -> None:
    planned = plan(1, start_at=TEN, pace=Pace(min_delay_ms=0, hourly_limit=1))
    assert series(planned.bars, ZoneInfo("Europe/Berlin")) == [
        {"t": "11:00", "sent": 0, "planned": 1}
    ]


def test_what_was_sent_and_what_is_planned_share_the_current_hour() -> None:
    ahead = plan(150, start_at=TEN, pace=Pace(min_delay_ms=0, hourly_limit=100))
    sent = [(TEN - timedelta(hours=1), 90), (TEN, 10)]
    assert past_and_future(sent, ahead, most=12) == [
        Bar(hour=TEN - timedelta(hours=1), sent=90),
        Bar(hour=TEN, sent=10, planned=100),
        Bar(hour=TEN + timedelta(hours=1), planned=50),
    ]


def test_a_long_past_leaves_room_for_the_future() -> None:
    ahead = plan(1000, start_at=TEN, pace=Pace(min_delay_ms=0, hourly_limit=100))
    sent = [(TEN - timedelta(hours=n), n) for n in range(40, 0, -1)]
    bars = past_and_future(sent, ahead, most=12)
    assert len(bars) == 12
    assert sum(bar.sent > 0 for bar in bars) == 8
