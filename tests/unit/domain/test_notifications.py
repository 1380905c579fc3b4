"""What notifications say, and when they are said again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from paceline.domain.notifications import (
    AGAIN_AFTER,
    MAX_LINES,
    MAX_TRIES,
    Channel,
    Event,
    Kind,
    goes_by,
    message,
    retry_after,
    sentence,
)

OWNER, ABOUT = uuid.UUID(int=1), uuid.UUID(int=2)


def event(kind: Kind, **values: object) -> Event:
    given: dict[str, object] = {
        "owner_id": OWNER,
        "kind": kind,
        "about": ABOUT,
        "occurrence": "1",
        "name": "Spring",
    }
    return Event(**{**given, **values})  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (
            event(Kind.CAMPAIGN_DONE, is_campaign=True, sent=1_200, failed=3, count=1),
            "Campaign “Spring” is done: 1,200 sent, 3 failed, 1 in doubt.",
        ),
        (event(Kind.CAMPAIGN_DONE, is_campaign=True), "Campaign “Spring” is done: 0 sent."),
        (event(Kind.DOUBTS, count=1), "1 email is in doubt and needs a decision."),
        (event(Kind.DOUBTS, count=12), "12 emails are in doubt and need a decision."),
        (event(Kind.SENDER_BROKEN), "Sender “Spring” sends nothing until somebody mends it."),
        (
            event(Kind.LIMIT_REACHED, is_campaign=True),
            "Campaign “Spring” has reached its hourly limit; the rest waits for the next hour.",
        ),
        (
            event(Kind.NOTHING_GOES, is_resting=True),
            "Sender “Spring” has mail due, and for 10 minutes none has left: its server takes none"
            " for now.",
        ),
    ],
)
def test_each_kind_says_what_happened(of: Event, says: str) -> None:
    assert sentence(of) == says


def test_one_thing_is_a_sentence_and_a_link() -> None:
    told = message([event(Kind.SENDER_BROKEN)], base_url="https://mail.example")
    assert told.splitlines() == [
        "Sender “Spring” sends nothing until somebody mends it.",
        f"https://mail.example/senders/{ABOUT}",
    ]


def test_many_things_are_one_message_of_bounded_length() -> None:
    many = [event(Kind.CAMPAIGN_DONE, is_campaign=True)] * 1_500
    lines = message(many, base_url="https://mail.example").splitlines()
    assert lines[0] == "1,500 things happened."
    assert len(lines) == MAX_LINES + 2
    assert lines[-1].startswith("- … and 1,480 more")


def test_a_name_cannot_break_the_line_nor_fill_the_page() -> None:
    told = sentence(event(Kind.SENDER_BROKEN, name="a\nb\u202e" + "x" * 1_000))
    assert "\n" not in told
    assert "\u202e" not in told
    assert len(told) < 200


def test_mail_does_not_tell_of_its_own_sender() -> None:
    broken = event(Kind.SENDER_BROKEN)
    assert goes_by(broken, Channel.HOOK, sender_id=ABOUT)
    assert not goes_by(broken, Channel.EMAIL, sender_id=ABOUT)
    assert goes_by(broken, Channel.EMAIL, sender_id=OWNER)
    assert goes_by(event(Kind.CAMPAIGN_DONE), Channel.EMAIL, sender_id=ABOUT)


def test_tries_come_to_an_end_and_nothing_is_told_twice_within_an_hour() -> None:
    waits = [retry_after(tries) for tries in range(1, MAX_TRIES + 1)]
    assert waits[-1] is None
    assert None not in waits[:-1]
    assert min(AGAIN_AFTER[kind] for kind in Kind) >= timedelta(hours=1)
