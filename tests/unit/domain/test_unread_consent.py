"""What may say who wants no mail and is understood by no rule is told, and asked about nothing."""

from __future__ import annotations

import pytest

from paceline.domain.tables.recipient_files import RecipientReader


def notes(title: str, *values: str) -> tuple[str, ...]:
    """What is told of a table with this column, of whose people nobody is left out."""
    rows = "".join(f"r{n}@example.org,{value}\n" for n, value in enumerate(values))
    reader = RecipientReader()
    read = [*reader.feed(f"email,{title}\n{rows}".encode()), *reader.finish()]
    assert sum(map(len, read)) == len(values)
    return reader.notes


@pytest.mark.parametrize(
    ("title", "values"),
    [
        ("Preferred contact", ("Email", "Phone only")),
        ("Consent level", ("full", "none")),
        ("NL", ("+", "~")),
        ("DM可否", ("可", "否")),
        ("Предпочтительный контакт", ("звонок", "письмо")),
        ("Contatto preferito", ("posta", "mail")),
    ],
)
def test_a_column_about_writing_that_no_rule_understands_is_told_with_its_values(
    title: str, values: tuple[str, ...]
) -> None:
    (told,) = notes(title, *values, values[0])
    assert f"“{title}” ({', '.join(sorted(values))}) is not read as saying who may be" in told
    assert "name it as the column of who has opted out, or in" in told


def test_what_is_taken_for_a_yes_in_a_status_of_the_address_is_told() -> None:
    (told,) = notes("Email Status", "Verified", "Unavailable", "Verified")
    assert told == (
        "“Email Status”: whoever has one of these there is written to: Unavailable, Verified"
    )


@pytest.mark.parametrize(
    ("title", "values"),
    [
        ("Contact owner", ("Ann", "Bob")),
        ("Mailing city", ("Rome", "Oslo")),
        ("Email type", ("work", "home")),
        ("Contacted", ("2024-01-01", "2024-02-01")),
        ("Emails received", ("1", "12")),
        ("Email Status", ("subscribed", "subscribed")),
        ("Country", ("no", "se")),
        ("Newsletter remarks", tuple(f"remark {n}" for n in range(9))),
    ],
)
def test_what_is_about_something_else_or_plain_is_not_told(
    title: str, values: tuple[str, ...]
) -> None:
    assert not notes(title, *values)
