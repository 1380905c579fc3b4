"""Times and durations as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.domain.when import InvalidWhen, parse_duration, parse_end, parse_start

NOW = datetime(2027, 3, 13, 12, 0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s", 2),
        ("500ms", 0.5),
        ("1m", 60),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("1.5h", 5_400),
        ("2 minutes", 120),
        ("1 minute", 60),
        ("1 hour and 30 minutes", 5_400),
        ("1 day, 2 hours", 93_600),
        ("90 SEC", 90),
        ("0s", 0),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "2", "-2s", "s", "2 fortnights", "1h30", "2s!", "٣s", "1e3s", "1s 2", "in 2s"]
)
def test_what_is_not_a_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidWhen, match="such as 2s, 500ms or 1h30m"):
        parse_duration(text)


def test_a_duration_of_centuries_is_a_typing_mistake() -> None:
    with pytest.raises(InvalidWhen, match="longer than 5 years"):
        parse_duration("999999999999 days")


@given(st.integers(min_value=0, max_value=100_000_000))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    assert parse_duration(f"{milliseconds}ms") == timedelta(milliseconds=milliseconds)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        start = parse_start(text, now=NOW, zone=UTC)
    except InvalidWhen:
        return
    assert start is None or (start.tzinfo is UTC and start >= NOW)


def test_now_means_as_soon_as_possible() -> None:
    assert parse_start(" Now ", now=NOW, zone=UTC) is None


def test_in_is_counted_from_now() -> None:
    assert parse_start("in 2 minutes", now=NOW, zone=NEW_YORK) == NOW + timedelta(minutes=2)
    assert parse_start("In 1h30m", now=NOW, zone=NEW_YORK) == NOW + timedelta(minutes=90)


def test_a_wall_time_is_meant_in_the_local_zone() -> None:
    start = parse_start("tomorrow 09:00", now=NOW, zone=ZoneInfo("Asia/Tokyo"))
    assert start == datetime(2027, 3, 14, 0, 0, tzinfo=UTC)
    assert parse_start("today at 21:30", now=NOW, zone=UTC) == NOW.replace(hour=21, minute=30)


def test_tomorrow_is_the_next_day_over_there() -> None:
    # It is the 14th in Auckland already.
    start = parse_start("tomorrow 09:00", now=NOW, zone=ZoneInfo("Pacific/Auckland"))
    assert start == datetime(2027, 3, 14, 20, 0, tzinfo=UTC)


def test_a_wall_time_that_summer_time_skips_moves_forward_by_what_is_skipped() -> None:
    start = parse_start("tomorrow 02:30", now=NOW, zone=NEW_YORK)
    assert start is not None
    assert start.astimezone(NEW_YORK).strftime("%H:%M") == "03:30"


def test_a_wall_time_that_occurs_twice_is_the_first() -> None:
    now = datetime(2027, 11, 6, 12, 0, tzinfo=UTC)
    start = parse_start("tomorrow 01:30", now=now, zone=NEW_YORK)
    assert start == datetime(2027, 11, 7, 5, 30, tzinfo=UTC)


def test_an_instant_with_an_offset_is_taken_as_it_is() -> None:
    start = parse_start("2027-04-01T09:00:00+02:00", now=NOW, zone=UTC)
    assert start == datetime(2027, 4, 1, 7, 0, tzinfo=UTC)
    assert parse_start("2027-04-01T09:00:00Z", now=NOW, zone=UTC) is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2027-04-01T09:00:00", "has no offset"),
        ("2027-04-01", "has no offset"),
        ("2026-04-01T09:00:00Z", "has passed"),
        ("today 08:00", "has passed; leave it out to begin right away"),
        ("tomorrow 25:00", "no such time of day"),
        ("9999-12-31T23:59:59-12:00", "more than 5 years ahead"),
        ("soon", "is not a start"),
        ("", "is not a start"),
        ("tomorrow", "is not a start"),
        ("in a while", "is not a duration"),
    ],
)
def test_an_unclear_or_past_start_is_refused_with_the_way_out(text: str, message: str) -> None:
    with pytest.raises(InvalidWhen, match=message):
        parse_start(text, now=NOW, zone=UTC)


def test_an_end_is_a_duration_a_last_day_an_instant_or_never() -> None:
    assert parse_end("90d", now=NOW, zone=UTC) == NOW + timedelta(days=90)
    assert parse_end("in 2 hours", now=NOW, zone=UTC) == NOW + timedelta(hours=2)
    assert parse_end("Never", now=NOW, zone=UTC) is None
    last_day = parse_end("2027-03-31", now=NOW, zone=NEW_YORK)
    assert last_day == datetime(2027, 4, 1, 0, 0, tzinfo=NEW_YORK)
    assert parse_end("2027-04-01T09:00:00Z", now=NOW, zone=UTC) == datetime(
        2027, 4, 1, 9, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["", "soon", "2026-03-31", "2027-02-30", "2026-04-01T09:00:00Z"])
def test_an_unclear_or_past_end_is_refused(text: str) -> None:
    with pytest.raises(InvalidWhen):
        parse_end(text, now=NOW, zone=UTC)
