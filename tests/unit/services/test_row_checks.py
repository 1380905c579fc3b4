"""Rows whose email could not be made are found before they are taken in."""

from __future__ import annotations

import pytest

from paceline.delivery import MessageTemplate
from paceline.domain.recipients import Recipient
from paceline.services.inline_recipients import opted_out
from paceline.services.message_notes import unknown_fields
from paceline.services.row_checks import MAX_LONG_BODIES, SHOWN_REFUSED, RowChecks


def checks(subject: str, html: str = "<p>x</p>") -> RowChecks:
    return RowChecks(MessageTemplate.compile(subject=subject, text=None, html=html))


def row(line: int = 2, name: str | None = None, **fields: str) -> Recipient:
    return Recipient(line, f"r{line}@example.com", f"r{line}@example.com", name, dict(fields))


@pytest.mark.parametrize(
    "subject", ["News for {{ company }}", "News for {{ company | upper | trim }}"]
)
@pytest.mark.parametrize(
    "value", ["Analytical\nEngines", "a\r\nb", "Tab\tbed", "a\x0bb\x85c\u2028d", "Zoë & Co", "<b>"]
)
def test_white_space_in_a_value_is_no_reason_to_leave_anybody_out(subject: str, value: str) -> None:
    assert checks(subject).refusal(row(company=value)) is None


@pytest.mark.parametrize(
    ("subject", "value", "reason"),
    [
        ("{{ company }}", "a\x9bb", "control character"),
        ("{{ company | trim }}", "a\x00b", "control character"),
        ("{{ company }}", "=?utf-8?q?a=0D=0ABcc:_v@x.org?=", "hides a control character"),
        ("{{ company }}", "x" * 999, "longer than 998"),
        ("{{ company | upper }}", "ß" * 600, "longer than 998"),
        ("{{ company | replace(' ', '\\n') }}", "a b", "control character"),
        ("{{ company | default('x') ~ '\\r' }}", "a", "control character"),
        ("{{ company + 1 }}", "a", "line 1"),
        ("{% for c in company %}{{ c + 1 }}{% endfor %}", "ab", "line 1"),
    ],
)
def test_a_subject_that_cannot_be_sent_is_a_reason(subject: str, value: str, reason: str) -> None:
    found = checks(subject).refusal(row(company=value))
    assert found is not None
    assert "subject" in found
    assert reason in found


@pytest.mark.parametrize(
    ("body", "value", "reason"),
    [
        ("{{ n | round }}", "5", "line 1: cannot round"),
        ("Hi\n{{ n | float }}", "1,200", "line 2: invalid float"),
        ("{{ n + 1 }}", "5", "line 1: tried to use +"),
        ("{% for x in n %}{{ x | int }}{% endfor %}", "ab", "line 1: "),
        ("{{ n | float }}", "1.5", None),
        ("{% if n > 3 %}{{ n }}{% endif %}", "5", None),
    ],
)
def test_so_is_a_body_that_cannot_be_made_of_the_values(
    body: str, value: str, reason: str | None
) -> None:
    html = checks("Hello", html=f"<p>{body}</p>").refusal(row(n=value))
    template = MessageTemplate.compile(subject="Hello", text=body, html=None)
    text = RowChecks(template).refusal(row(n=value))
    if reason is None:
        assert (html, text) == (None, None)
    else:
        assert str(html).startswith(f"html: {reason}")
        assert str(text).startswith(f"text: {reason}")


def test_of_bodies_that_take_long_the_first_ones_are_made() -> None:
    body = "{% for x in n %}{{ x | int }}{% endfor %}"
    looked = checks("Hello", html=f"<p>{body}</p>")
    found = [looked.refusal(row(line, n="a")) for line in range(MAX_LONG_BODIES + 2)]
    assert all(found[:MAX_LONG_BODIES])
    assert not any(found[MAX_LONG_BODIES:])


@pytest.mark.parametrize(
    "subject",
    [
        "{{ t | default('') }}",
        "{{ t }}",
        " {{ t | trim }} ",
        "{% if t %}{{ t }}{% endif %}",
        "{{ t | default('') }}{{ name | default('') }}",
    ],
)
@pytest.mark.parametrize("value", ["", " ", "\u00a0\t", "\u200b"])
def test_a_subject_that_comes_out_empty_is_a_reason(subject: str, value: str) -> None:
    found = checks(subject).refusal(row(t=value))
    assert found is not None
    assert "comes out empty" in found
    assert checks(subject).refusal(row(t="Hi")) is None
    assert checks(f"News {subject}").refusal(row(t=value.strip("\u200b"))) is None


@pytest.mark.parametrize("name", ["a\x9bb", "=?utf-8?q?=0D=0AB:?="])
def test_so_is_a_name_that_cannot_stand_in_a_header(name: str) -> None:
    assert "the name: " in str(checks("Hello").refusal(row(name=name)))
    assert checks("Hello {{ name }}").refusal(row(name="Zoë Ann")) is None


def test_those_who_are_left_out_are_handed_over_with_their_reason() -> None:
    refused: list[tuple[int, str]] = []
    batch = [row(n, company="a\x00" if n % 2 else "b") for n in range(2, 20)]
    found = checks("{{ company }}")
    kept = found.sound(batch, lambda recipient, why: refused.append((recipient.line, why)))
    assert [recipient.line for recipient in kept] == list(range(2, 20, 2))
    assert [line for line, _ in refused] == list(range(3, 20, 2))
    told = list(found.left_out())
    assert told[0].startswith("line 3, r3@example.com, is left out: the subject: ")
    assert told[-1] == f"… and {9 - SHOWN_REFUSED} more rows are left out"


def test_a_link_that_would_lead_nowhere_is_told() -> None:
    found = checks("Hello", '<p><a href="{{ site }}">a</a> {{ other }}</p>')
    values = ["https://x.example", "x.example", "javascript:alert(1)", "mailto:a@x.example", "/a"]
    found.sound([row(n, site=v, other="x") for n, v in enumerate(values, start=2)], lambda *_: None)
    (note,) = found.notes()
    assert note.startswith("2 rows have a value for {{ site }} that is no address")
    assert "first on line 3: “x.example”" in note


def test_a_field_that_nobody_has_is_told_where_a_default_would_hide_it() -> None:
    template = MessageTemplate.compile(
        subject="Hi {{ firstname | default('you') }}", text="{{ name }}", html=None
    )
    (note,) = unknown_fields(template, ["email", "name", "first_name"])
    assert (
        note == "no recipient has a value for {{ firstname }}; there are: email, first_name, name"
    )
    assert unknown_fields(template, ["firstname"]) == ()


def test_recipients_given_as_values_are_taken_and_their_opting_out_is_said() -> None:
    batch = [
        row(1, unsubscribed="no"),
        row(2, unsubscribed="yes"),
        row(3),
        row(4, unsubscribed="yes"),
    ]
    (note,) = opted_out(batch)
    assert note.startswith("r2@example.com (unsubscribed: yes) and 1 more seem to have opted out")
    assert opted_out([row(1, city="Rome"), row(2)]) == ()
    assert opted_out([]) == ()
