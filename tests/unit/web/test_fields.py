"""Fields as they are drawn: each error once, at its field, and a link to it above."""

from __future__ import annotations

import pytest

from paceline.web.fields import Fields


def test_a_field_that_is_wrong_is_tied_to_its_error_and_only_the_first_takes_the_focus() -> None:
    fields = Fields({"port": "Must be a whole number.", "host": "Is missing."})
    port = fields.control("port", "Port")
    host = fields.control("host", "Server", hint="a name")
    name = fields.control("name", "Name", hint="What you call it")
    assert port == (
        ' id="port" name="port" aria-describedby="port-note" aria-invalid="true" autofocus'
    )
    assert "autofocus" not in host
    assert name == ' id="name" name="name" aria-describedby="name-note"'
    assert [wrong.label for wrong in fields.wrong] == ["Port", "Server"]


def test_each_form_of_a_page_tells_of_its_own_fields() -> None:
    fields = Fields({"port": "Is missing.", "to": "Is missing."})
    fields.control("port", "Port")
    second = fields.mark()
    fields.control("to", "To")
    assert [wrong.id for wrong in fields.since(0)] == ["port", "to"]
    assert [wrong.id for wrong in fields.since(second)] == ["to"]


def test_names_and_ids_are_escaped() -> None:
    assert "<b>" not in Fields({}).control('"><b>', "Bold", hint="x")


@pytest.mark.parametrize(
    ("name", "label", "message", "sentence"),
    [
        ("smtp_host", "Server", "Is missing.", "Server is missing."),
        (
            "min_delay",
            "Delay",
            "Must be between 0 and a day.",
            "Delay must be between 0 and a day.",
        ),
        ("file", "Recipients", "Has no column.", "The list has no column."),
        ("start", "Date and time", "Choose a date and a time.", "Choose a date and a time."),
        ("subject", "Subject", "Isolated.", "Isolated."),
    ],
)
def test_what_is_said_of_a_field_is_a_sentence_about_it(
    name: str, label: str, message: str, sentence: str
) -> None:
    fields = Fields({name: message})
    fields.control(name, label)
    assert fields.error(name) == fields.wrong[0].message == sentence
