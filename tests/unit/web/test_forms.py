"""What people type into fields."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from paceline.domain.numbers import parse_seconds
from paceline.errors import FieldProblem
from paceline.web.compose_form import ComposeForm, quick_picks, zones
from paceline.web.forms import (
    Problems,
    seconds,
    wall_time,
)

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("value", [0, 1, 250, 1000, 1500, 20_000, 86_400_000])
def test_a_delay_is_shown_as_it_can_be_typed(value: int) -> None:
    assert parse_seconds(seconds(value)) == value


def test_a_wall_time_is_read_in_its_zone() -> None:
    assert wall_time("2026-11-25T10:00", BERLIN) == datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert wall_time("2026-07-25T10:00", BERLIN) == datetime(2026, 7, 25, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T10:00", "2026-11-25T10:00+01:00"])
def test_a_wall_time_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|zone"):
        wall_time(text, BERLIN)


def test_a_skipped_hour_counts_as_the_one_after() -> None:
    assert wall_time("2026-03-29T02:30", BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_the_first_problem_of_a_field_stays() -> None:
    problems = Problems()
    problems.add("body", "is missing")
    problems.add("body", "is too long")
    assert problems.by_field == {"body": "Is missing."}


def test_a_services_problems_find_their_fields_or_go_to_the_top() -> None:
    problems = Problems()
    problems.take(
        [FieldProblem("html", "is odd"), FieldProblem("recipients[3].email", "is none")],
        names={"html": "body"},
    )
    assert problems.by_field == {"body": "Is odd.", "": "Recipients[3].email is none."}


def test_a_message_written_as_html_leaves_its_text_part_to_delivery() -> None:
    form = ComposeForm(
        sender_id="0191d5a0-0000-7000-8000-000000000000", subject="Hi", body="<p>Hi {{ name }}</p>"
    )
    new = form.as_new(Problems())
    assert new is not None
    assert new.html == "<p>Hi {{ name }}</p>"
    assert new.text is None


def test_a_message_without_tags_is_sent_as_text_alone() -> None:
    form = ComposeForm(
        sender_id="0191d5a0-0000-7000-8000-000000000000", subject="Hi", body="Hi there"
    )
    new = form.as_new(Problems())
    assert new is not None
    assert (new.text, new.html) == ("Hi there", None)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    problems = Problems()
    form = ComposeForm(
        body="<p></p>", min_delay="x", hourly_limit="0", when="later", start="whenever"
    )
    assert form.as_new(problems) is None
    assert set(problems.by_field) == {
        "sender_id",
        "subject",
        "body",
        "min_delay",
        "hourly_limit",
        "start",
    }


def test_a_start_right_away_ignores_the_time_beside_it() -> None:
    problems = Problems()
    assert ComposeForm(when="now", start="whenever").start_at(problems) is None
    assert not problems


def test_quick_picks_are_ahead_and_in_the_readers_zone() -> None:
    sunday_evening = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # Monday already in Berlin
    picks = dict(quick_picks(now=sunday_evening, zone=BERLIN))
    assert picks["In an hour"] == "2026-11-30T01:30"
    assert picks["Tomorrow 10:00"] == "2026-12-01T10:00"
    assert picks["Monday 09:00"] == "2026-12-07T09:00"


def test_zones_are_places_and_utc() -> None:
    assert zones()[0] == "UTC"
    assert "Europe/Berlin" in zones()
    assert not any(name.startswith("Etc/") for name in zones())
