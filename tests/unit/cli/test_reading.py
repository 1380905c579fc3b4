"""What the command line chooses, says and asks about a list, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from paceline.cli.client import ApiRefused
from paceline.cli.reading import (
    Choices,
    LeadList,
    choices_of,
    guesses,
    option_for,
    settled,
    shape_lines,
)
from paceline.errors import DomainError

WHICH = {
    "about": "address_column",
    "text": "Several columns hold addresses, and none is plainly the recipient's.",
    "options": [
        {"value": "Account Owner Email", "label": "“Account Owner Email” (rep@example.net)"},
        {"value": "Lead Email", "label": "“Lead Email” (ada@example.net)"},
    ],
    "chosen": None,
    "parameter": "address_column",
}
SHAPE: dict[str, Any] = {
    "encoding": "cp1251",
    "header_line": 4,
    "skipped": [{"line": 1, "text": "Notes:"}],
    "columns": [
        {"position": 1, "title": "Lead Email", "becomes": "address", "field": None},
        {"position": 2, "title": "Имя", "becomes": "field", "field": "column_2"},
        {"position": 3, "title": "city", "becomes": "field", "field": "city"},
    ],
    "questions": [{**WHICH, "chosen": "Lead Email"}],
}
REPORT = {
    "shape": SHAPE,
    "left_out": 7,
    "left_out_rows": [{"line": 9, "value": "a@x.org", "reason": "Status: unsubscribed"}] * 6,
}


def chosen(**options: Any) -> Choices:
    nothing: dict[str, Any] = {
        **{"encoding": None, "header_line": None, "address_column": None},
        **{"no_header": False, "include_opted_out": False},
    }
    return choices_of(**{**nothing, **options})


WOULD_STAND = "text, line 1: “{first_name}” looks like …, which is sent as it stands: write …"


def test_a_script_goes_no_further_than_a_tag_that_everybody_would_see() -> None:
    leads = LeadList(file=Path("leads.csv"), chosen={})
    with pytest.raises(DomainError, match="add --yes to send it so"):
        leads.takes([WOULD_STAND])
    assert leads.takes(["html: has no HTML tags: it is sent as plain text"])
    assert leads.takes([])
    assert LeadList(file=Path("leads.csv"), chosen={}, accepts=True).takes([WOULD_STAND])


def asked(question: dict[str, Any]) -> ApiRefused:
    return ApiRefused(422, {"detail": question["text"], "shape": {"questions": [question]}})


def test_options_are_the_parameters_of_the_api() -> None:
    assert chosen() == {}
    assert chosen(no_header=True) == {"header_line": "0"}
    assert chosen(header_line=" 3 ") == {"header_line": "3"}
    assert chosen(encoding="cp1251", address_column="E-mail", include_opted_out=True) == {
        "encoding": "cp1251",
        "address_column": "E-mail",
        "opted_out": "mail",
    }


@pytest.mark.parametrize(
    "options",
    [{"header_line": "1,5"}, {"header_line": "two"}, {"header_line": "1", "no_header": 1}],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DomainError, match="--header-line"):
        chosen(**options)


def test_how_a_list_was_read_is_said_with_the_options_that_change_it() -> None:
    assert list(shape_lines(REPORT, {})) == [
        "  header on line 4, addresses from “Lead Email”, Cyrillic (Windows-1251)",
        "  skipped, line 1: Notes:",
        "  fields: {{ column_2 }} from “Имя”, {{ city }}",
        *["  left out, line 9: a@x.org: Status: unsubscribed"] * 5,
        "  … and 2 more who have opted out",
        f"  {WHICH['text']}",
        "    otherwise: --address-column 'Account Owner Email'",
    ]


def test_what_was_chosen_is_no_guess_any_more() -> None:
    assert len(guesses(REPORT, {})) == 1
    assert guesses(REPORT, {"address_column": "Lead Email"}) == []
    assert list(shape_lines({"shape": None}, {})) == []


@pytest.mark.parametrize(
    ("parameter", "value", "option"),
    [
        ("header_line", "0", "--no-header"),
        ("header_line", "1", "--header-line 1"),
        ("address_column", "Lead Email", "--address-column 'Lead Email'"),
        ("address_column", "2", "--address-column 2"),
        ("opted_out", "mail", "--include-opted-out"),
    ],
)
def test_an_answer_is_an_option_that_a_shell_takes(parameter: str, value: str, option: str) -> None:
    assert option_for(parameter, value) == option


def test_a_script_is_told_the_very_options_and_nothing_is_scheduled() -> None:
    def read(_: Choices) -> dict[str, Any]:
        raise asked(WHICH)

    with pytest.raises(DomainError) as stopped:
        settled(read, {}, asks=False)
    said = str(stopped.value)
    assert "  --address-column 'Lead Email'   “Lead Email” (ada@example.net)" in said
    assert said.endswith("Nothing was scheduled.")


def test_a_refusal_is_told_by_the_option_that_it_is_about() -> None:
    def read(_: Choices) -> dict[str, Any]:
        problem = {"field": "address_column", "message": "is none of the columns"}
        raise ApiRefused(422, {"errors": [problem]})

    with pytest.raises(DomainError, match="--address-column: is none of the columns"):
        settled(read, {}, asks=True)


def answering(*lines: str) -> tuple[int, str]:
    """What a person who types these lines brings about."""
    command = typer.Typer()

    @command.command()
    def go() -> None:
        leads = LeadList(file=Path("leads.csv"), chosen={}, asks=True)

        def read(given: Choices) -> dict[str, Any]:
            if not given:
                raise asked(WHICH)
            return {"read": given}

        typer.echo(leads.settled(read))

    ran = CliRunner().invoke(command, input="".join(f"{line}\n" for line in lines))
    return ran.exit_code, ran.output


def test_a_person_is_asked_and_answers_by_number() -> None:
    code, output = answering("0", "nobody", "१", "2")
    assert code == 0
    assert "2  “Lead Email” (ada@example.net)" in output
    assert output.endswith("{'read': {'address_column': 'Lead Email'}}\n")


def test_a_person_who_does_not_answer_schedules_nothing() -> None:
    assert answering(*["what?"] * 5)[0] == 1
    assert answering("1")[0] == 0


def test_only_a_weighty_guess_is_worth_a_question() -> None:
    command = typer.Typer()
    reports = iter(
        [REPORT, {"shape": {"questions": [{**WHICH, "about": "header_line", "chosen": "0"}]}}]
    )

    @command.command()
    def go() -> None:
        leads = LeadList(file=Path("leads.csv"), chosen={}, asks=True, confirms=True)
        typer.echo([leads.is_sure(report) for report in reports])

    assert CliRunner().invoke(command, input="n\n").output.endswith("[False, True]\n")
    silent = LeadList(file=Path("leads.csv"), chosen={}, asks=True, confirms=False)
    assert silent.is_sure(REPORT)
