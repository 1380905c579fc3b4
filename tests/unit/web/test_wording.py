"""Numbers, times and reasons as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from paceline.domain.gate import HeldBy
from paceline.web import wording

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOW, "10:30"),
        (NOW + timedelta(hours=24), "tomorrow 10:30"),
        (NOW - timedelta(hours=24), "yesterday 10:30"),
        (NOW + timedelta(hours=14), "tomorrow 00:30"),
        (NOW + timedelta(days=5), "Nov 30, 10:30"),
        (NOW + timedelta(days=90), "Feb 23 2027, 10:30"),
    ],
)
def test_a_moment_is_named_by_its_distance_in_the_readers_zone(at: datetime, words: str) -> None:
    assert wording.day_and_time(at, now=NOW, zone=BERLIN) == words


def test_the_exact_moment_names_the_year_and_the_offset_of_that_day() -> None:
    assert wording.exact_moment(NOW, BERLIN) == "Nov 25 2026, 10:30:00 Europe/Berlin (UTC+1)"
    summer = wording.exact_moment(NOW + timedelta(days=200), BERLIN)
    assert summer == "Jun 13 2027, 11:30:00 Europe/Berlin (UTC+2)"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOW - timedelta(seconds=1), "now"),
        (NOW + timedelta(seconds=70), "at 10:31:10"),
        (NOW + timedelta(hours=4), "at 14:30"),
        (NOW + timedelta(days=1), "tomorrow at 10:30"),
        (NOW + timedelta(days=3), "on Nov 28 at 10:30"),
        (NOW + timedelta(days=400), "on Dec 30 2027 at 10:30"),
    ],
)
def test_a_moment_fits_into_a_sentence(at: datetime, words: str) -> None:
    assert wording.at_moment(at, now=NOW, zone=BERLIN) == words


def test_the_wait_for_a_limit_says_when_it_goes_on() -> None:
    sentence = wording.why_waiting(
        HeldBy.HOURLY_LIMIT, NOW + timedelta(minutes=30), now=NOW, zone=BERLIN
    )
    assert sentence == "Waits for the sender’s hourly limit, goes on at 11:00."


def test_a_wait_without_an_end_names_none() -> None:
    sentence = wording.why_waiting(HeldBy.CAMPAIGN_PAUSED, NOW, now=NOW, zone=UTC)
    assert sentence == "Waits until its campaign is resumed."


def test_nothing_to_wait_for_is_no_sentence() -> None:
    assert wording.why_waiting(None, None, now=NOW, zone=UTC) == ""


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-3), "0 s"),
        (timedelta(seconds=12.4), "12 s"),
        (timedelta(minutes=5, seconds=10), "5 min"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(hours=4), "4 h"),
        (timedelta(days=2, hours=4), "2 d 4 h"),
        (timedelta(minutes=59, seconds=45), "1 h"),
    ],
)
def test_a_span_of_time_has_two_units_at_most(span: timedelta, words: str) -> None:
    assert wording.duration(span) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0, "none"), (250, "250 ms"), (2000, "2 s"), (1500, "1.5 s"), (20_000, "20 s")],
)
def test_a_delay_is_written_in_the_unit_that_fits(milliseconds: int, words: str) -> None:
    assert wording.delay(milliseconds) == words


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (UTC, "UTC"),
        (BERLIN, "Europe/Berlin (UTC+1)"),
        (ZoneInfo("Asia/Kolkata"), "Asia/Kolkata (UTC+5:30)"),
        (ZoneInfo("America/New_York"), "America/New_York (UTC−5)"),
        (ZoneInfo("America/St_Johns"), "America/St_Johns (UTC−3:30)"),
    ],
)
def test_a_zone_is_named_with_its_offset(zone: tzinfo, words: str) -> None:
    assert wording.zone_label(zone, NOW) == words


@pytest.mark.parametrize(
    "name", [None, "", "Mars/Base", "../../etc/passwd", "/etc/localtime", "Europe", "x" * 500, "\0"]
)
def test_whatever_is_no_zone_is_read_as_utc(name: str | None) -> None:
    assert wording.zone_named(name) is UTC


@pytest.mark.parametrize(
    ("name", "address", "letters"),
    [
        ("Ada Lovelace", "ada@example.com", "AL"),
        ("Ada", "ada@example.com", "A"),
        ("Ada King de Lovelace", "ada@example.com", "AL"),
        (None, "ada@example.com", "A"),
        ("  ", "ada@example.com", "A"),
        ("(none)", "ada@example.com", "A"),
    ],
)
def test_initials_come_from_the_name_or_the_address(
    name: str | None, address: str, letters: str
) -> None:
    assert wording.initials(name, address) == letters


def test_counts_agree_with_their_nouns() -> None:
    assert wording.count(1, "email") == "1 email"
    assert wording.count(1200, "email") == "1,200 emails"
    assert wording.count(2, "more", "more") == "2 more"


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("html, line 1: “<script>” is taken out", "HTML, line 1: “<script>” is taken out."),
        ("attachment “a.exe”: link to it", "Attachment “a.exe”: link to it."),
        ("Go on only if they are to get it twice.", "Go on only if they are to get it twice."),
    ],
)
def test_what_is_noted_about_a_message_is_shown_as_a_sentence(note: str, shown: str) -> None:
    assert wording.remark(note) == shown
