"""The same input by form, by API and on the command line: the same verdict in the same words."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from paceline import clock
from paceline.delivery import NO_BODY
from paceline.domain.numbers import NotANumber, parse_delay, parse_hourly_limit
from paceline.domain.when import HAS_PASSED, LATE, LONGEST, InvalidWhen, parse_start
from paceline.services.campaign_rules import wrong_with
from paceline.services.campaigns import NewCampaign
from paceline.services.validation import Problems as Checks
from paceline.web.compose_form import PASSED, ComposeForm
from paceline.web.forms import Problems

SENDER = uuid.UUID(int=1)
BERLIN = ZoneInfo("Europe/Berlin")


def by_api(**values: Any) -> set[str]:
    """What is wrong with a campaign that is sent as JSON."""
    given: dict[str, Any] = {"sender_id": SENDER, "subject": "Hi", "text": "Dear you", **values}
    return {problem.message for problem in wrong_with(NewCampaign(**given))}


def by_form(**values: str) -> set[str]:
    """What is wrong with it when it is typed, as the service put it."""
    given = {"sender_id": str(SENDER), "subject": "Hi", "body": "Dear you", **values}
    problems = Problems()
    ComposeForm(**given).as_new(problems)
    return {_unsaid(message) for message in problems.by_field.values()}


def by_command(parse: Callable[[], object]) -> set[str]:
    """What is wrong with it as an option."""
    try:
        parse()
    except (InvalidWhen, NotANumber) as error:
        return {str(error)}
    return set()


def _unsaid(message: str) -> str:
    """Without the capital and the full stop that make a sentence of it."""
    return message[:1].lower() + message[1:].removesuffix(".")


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (-timedelta(days=2000), {"has passed; leave it out to begin right away"}),
        (-timedelta(hours=23, minutes=30), {"has passed; leave it out to begin right away"}),
        (-timedelta(hours=6), {"has passed; leave it out to begin right away"}),
        (-LATE - timedelta(minutes=2), {"has passed; leave it out to begin right away"}),
        (-LATE + timedelta(minutes=2), set()),
        (timedelta(0), set()),
        (timedelta(days=30), set()),
        (LONGEST - timedelta(days=1), set()),
        (LONGEST + timedelta(days=1), {"is more than 5 years ahead"}),
    ],
)
def test_a_start(away: timedelta, words: set[str]) -> None:
    now = clock.now().replace(second=0, microsecond=0)
    at = now + away
    typed = at.astimezone(BERLIN).strftime("%Y-%m-%dT%H:%M")
    assert by_api(start_at=at) == words
    by_word = {word.replace(HAS_PASSED, PASSED) for word in words}
    assert by_form(when="later", start=typed, time_zone="Europe/Berlin") == by_word
    assert by_command(lambda: parse_start(at.isoformat(), now=now, zone=BERLIN)) == words
    single = Checks()
    single.instant("scheduled_at", at)
    assert {problem.message for problem in single.found} == words


@pytest.mark.parametrize("hour", ["2027-03-28T02:30", "2027-10-31T02:30"])
def test_an_hour_that_a_zone_skips_or_has_twice_is_read_alike(hour: str) -> None:
    now = datetime.fromisoformat(hour[:10]).replace(tzinfo=UTC) - timedelta(hours=12)
    form = ComposeForm(when="later", start=hour, time_zone="Europe/Berlin")
    spoken = parse_start(f"tomorrow {hour[11:]}", now=now, zone=BERLIN)
    assert form.start_at(Problems()) == spoken


@pytest.mark.parametrize("seconds", [-1, 0, 2, 86_400, 86_401, 10_000_000])
def test_a_delay(seconds: int) -> None:
    words = by_api(min_delay_ms=seconds * 1000)
    assert by_form(min_delay=str(seconds)) == words
    if seconds >= 0:
        assert by_command(lambda: parse_delay(f"{seconds}s")) == words
    assert bool(words) is not (0 <= seconds <= 86_400)


@pytest.mark.parametrize("limit", [-1, 0, 1, 1_000_000, 1_000_001])
def test_an_hourly_limit(limit: int) -> None:
    words = by_api(hourly_limit=limit)
    assert by_form(hourly_limit=str(limit)) == words
    assert by_command(lambda: parse_hourly_limit(str(limit))) == words
    assert bool(words) is not (1 <= limit <= 1_000_000)


@pytest.mark.parametrize(
    "values",
    [
        {"subject": ""},
        {"subject": " "},
        {"subject": "Two\nlines"},
        {"subject": "A\x07bell"},
        {"subject": "ü" * 500},
        {"subject": "s" * 300},
        {"subject": "Hi {{ name"},
        {"name": "n" * 201},
        {"name": "n" * 200},
        {"name": "Two\nlines"},
        {"time_zone": "Mars/Base"},
        {"time_zone": "Europe/Berlin"},
    ],
    ids=lambda values: repr(values)[:40],
)
def test_what_is_said_and_how_it_is_called(values: dict[str, str]) -> None:
    assert by_form(**values) == by_api(**values)


@pytest.mark.parametrize("body", ["", "  ", "<p><br></p>", "<p></p>", "<img src='cid:a'>", "Hi"])
def test_a_message_without_anything_in_it(body: str) -> None:
    kind = "html" if body.startswith("<") else "text"
    words = by_api(**{"text": None, kind: body})
    # The form has one field for it, and need not say what else there could be.
    assert by_form(body=body) == {word.replace(NO_BODY, "is missing") for word in words}


@pytest.mark.parametrize(
    ("subject", "body", "said"),
    [
        ("x" * 999, "{% if %}", ("is longer than 998 octets", "line 1: “{% if %}” cannot be read")),
        ("{% if %}", "", ("“{% if %}” cannot be read", "is missing")),
    ],
    ids=["subject too long", "no body"],
)
def test_all_that_is_wrong_with_a_message_is_told_at_once(
    subject: str, body: str, said: tuple[str, str]
) -> None:
    for found in (by_api(subject=subject, text=body), by_form(subject=subject, body=body)):
        assert all(any(words in one for one in found) for words in said), found
