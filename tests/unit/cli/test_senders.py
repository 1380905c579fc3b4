"""Which sender a command is about."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from paceline.cli.senders import choose_sender, settle_sender
from paceline.errors import NotFound

ADA = {"id": "0190-a", "from_address": "ada@example.com", "name": "Ada"}
BOB = {"id": "0190-b", "from_address": "bob@example.com", "name": "Sales"}
BOB_AGAIN = {"id": "0190-c", "from_address": "Bob@example.com", "name": "Sales, new server"}

Types = Callable[[str], None]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Types:
    """A person sits there, and types this."""

    def types(text: str) -> None:
        monkeypatch.setattr("sys.stdin", Terminal(text))
        monkeypatch.setattr("sys.stderr", Terminal())

    return types


def test_a_script_is_told_the_options_to_add() -> None:
    with pytest.raises(NotFound) as refused:
        settle_sender([ADA, BOB], None)
    assert str(refused.value).splitlines() == [
        "which sender? Choose with --from; there are:",
        "  --from ada@example.com   Ada",
        "  --from bob@example.com   Sales",
    ]


def test_senders_with_one_address_are_told_apart_by_their_ids() -> None:
    with pytest.raises(NotFound) as refused:
        choose_sender([ADA, BOB, BOB_AGAIN], "bob@example.com")
    assert str(refused.value).splitlines() == [
        "--from bob@example.com: which one?; there are:",
        "  --from 0190-b   Sales",
        "  --from 0190-c   Sales, new server",
    ]
    assert choose_sender([ADA, BOB, BOB_AGAIN], "0190-c") is BOB_AGAIN


@pytest.mark.parametrize(
    "typed", ["2\n", "bob@example.com\n", "Sales\n", "7\n2\n", "who?\n\n0\nBOB@EXAMPLE.COM\n"]
)
def test_a_person_is_asked_and_may_answer_by_number_address_or_name(
    typed: str, types: Types
) -> None:
    types(typed)
    assert settle_sender([ADA, BOB], None) is BOB


def test_a_person_who_picks_none_is_not_asked_for_ever(types: Types) -> None:
    types("no\n" * 10)
    with pytest.raises(NotFound, match="Choose with --from"):
        settle_sender([ADA, BOB], None)


@pytest.mark.parametrize(
    ("senders", "wanted", "asks"),
    [([ADA], None, True), ([ADA, BOB], "ada@example.com", True)],
)
def test_nobody_is_asked_where_it_is_clear(
    senders: list[dict[str, Any]], wanted: str | None, asks: bool, types: Types
) -> None:
    types("")
    assert settle_sender(senders, wanted, asks=asks) is ADA


def test_nobody_is_asked_on_an_input_that_holds_the_recipients(types: Types) -> None:
    types("2\n")
    with pytest.raises(NotFound):
        settle_sender([ADA, BOB], None, asks=False)
