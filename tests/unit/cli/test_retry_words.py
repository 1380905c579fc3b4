"""What `paceline retry` says."""

from __future__ import annotations

from typing import Any

import pytest

from paceline.cli.retry import group_lines, report_lines

NOTHING = {"retried": 0, "suppressed": 0, "doubtful": 0, "dry_run": False}


@pytest.mark.parametrize(
    ("report", "lines"),
    [
        ({"retried": 1}, ["1 email will be tried again"]),
        ({"retried": 1200, "dry_run": True}, ["1,200 emails would be tried again"]),
        ({}, ["nothing to try again"]),
        (
            {"suppressed": 2, "doubtful": 1},
            [
                "nothing to try again",
                "2 stay failed: on the suppression list "
                "(`paceline suppressions remove ADDRESS` takes an address off)",
                "1 stay failed: they may have arrived",
            ],
        ),
    ],
)
def test_the_report_is_told_in_lines(report: dict[str, Any], lines: list[str]) -> None:
    assert list(report_lines({**NOTHING, **report})) == lines


def test_the_reasons_are_told_in_the_words_that_the_options_take() -> None:
    group = {"reason": "rejected", "reply": "550 5.7.1", "count": 12, "example": "not from you"}
    assert list(group_lines([group])) == [
        "failed, by --reason and --reply:",
        "      12  rejected  550 5.7.1  not from you",
    ]
    assert list(group_lines([])) == []
