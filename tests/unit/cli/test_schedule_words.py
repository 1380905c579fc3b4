"""What `paceline schedule` says and decides, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from paceline.cli.schedule import report_lines
from paceline.cli.senders import choose_sender
from paceline.cli.watch import failure_lines, is_over, remark_on, summarise
from paceline.errors import NotFound

ADA = {"id": "0190-a", "from_address": "ada@example.com", "name": "Ada"}
BOB = {"id": "0190-b", "from_address": "bob@example.com", "name": "Sales"}
STATES = ("scheduled", "claimed", "sending", "deferred", "sent", "failed", "in_doubt", "cancelled")


def campaign(state: str = "active", **counts: int) -> dict[str, Any]:
    return {"state": state, "counts": dict.fromkeys(STATES, 0) | counts}


def test_the_only_sender_needs_no_choice() -> None:
    assert choose_sender([ADA], None) is ADA


@pytest.mark.parametrize("wanted", ["bob@example.com", "BOB@EXAMPLE.COM", "0190-b", "sales"])
def test_a_sender_is_chosen_by_address_id_or_name(wanted: str) -> None:
    assert choose_sender([ADA, BOB], wanted) is BOB


@pytest.mark.parametrize("wanted", [None, "carol@example.com"])
def test_without_a_clear_choice_the_senders_are_listed(wanted: str | None) -> None:
    with pytest.raises(NotFound) as refused:
        choose_sender([ADA, BOB], wanted)
    assert "ada@example.com" in str(refused.value)
    assert "bob@example.com" in str(refused.value)


def test_without_any_sender_the_way_to_one_is_told() -> None:
    with pytest.raises(NotFound, match="add one on the dashboard"):
        choose_sender([], None)


def test_a_report_shows_the_first_refused_rows_and_counts_the_rest() -> None:
    refused = [{"line": n, "value": "x@", "reason": "no domain"} for n in range(2, 15)]
    lines = report_lines({"accepted": 3, "duplicates": 1, "suppressed": 0, "invalid": refused})
    assert lines[0] == "3 accepted, 1 duplicates, 13 refused"
    assert lines[1] == "  line 2: 'x@': no domain"
    assert lines[-1] == "  … and 3 more"
    assert len(lines) == 12


def test_a_report_says_how_the_file_was_read() -> None:
    report = {"accepted": 1, "duplicates": 0, "invalid": [], "notes": ["read as Windows-1252"]}
    assert report_lines(report) == [
        "1 accepted, 0 duplicates, 0 refused",
        "  read as Windows-1252",
    ]


def test_who_did_not_get_it_is_named_with_the_servers_words() -> None:
    failed = [
        {
            "to": "ada@example.org",
            "failure_reason": "hard_bounce",
            "reply_code": 550,
            "reply_enhanced": "5.1.1",
            "reply_text": "no such user",
        },
        {
            "to": "bob@example.org",
            "failure_reason": "suppressed",
            "reply_code": None,
            "reply_enhanced": None,
            "reply_text": None,
        },
    ]
    assert failure_lines(failed, of=5) == [
        "  ada@example.org: 550 5.1.1 no such user",
        "  bob@example.org: suppressed",
        "  … and 3 more",
    ]


def test_a_campaign_is_over_when_nothing_of_it_waits() -> None:
    assert not is_over(campaign(scheduled=1, sent=9))
    assert not is_over(campaign(deferred=1))
    assert is_over(campaign(sent=9, in_doubt=1))
    assert is_over(campaign("cancelled", scheduled=1))


@pytest.mark.parametrize(
    ("counts", "all_sent"),
    [({"sent": 2}, True), ({"sent": 1, "failed": 1}, False), ({"sent": 1, "in_doubt": 1}, False)],
)
def test_the_summary_counts_and_judges(
    counts: dict[str, int], all_sent: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    finished = {
        **campaign("completed", **counts),
        "launched_at": "2027-03-01T09:00:00+00:00",
        "start_at": "2027-03-01T10:00:00+00:00",
        "finished_at": "2027-03-01T10:02:05+00:00",
    }
    assert summarise(finished) is all_sent
    assert capsys.readouterr().out.startswith(f"{counts['sent']} sent, ")


def test_the_summary_measures_from_the_start_that_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    summarise(
        {
            **campaign("completed", sent=1),
            "launched_at": "2027-03-01T09:00:00+00:00",
            "start_at": "2027-03-01T10:00:00+00:00",
            "finished_at": "2027-03-01T10:02:05+00:00",
        }
    )
    assert capsys.readouterr().out == "1 sent, 0 failed, 0 in doubt, in 0:02:05\n"


def test_what_a_campaign_waits_for_is_remarked_on() -> None:
    held = {**campaign(scheduled=1), "held_by": "hourly_limit", "release_at": None}
    assert remark_on(held) == "the sender's hourly limit is reached"
    assert remark_on(campaign(failed=2, scheduled=1)) == "2 failed"
    assert remark_on(campaign(scheduled=1)) == ""
