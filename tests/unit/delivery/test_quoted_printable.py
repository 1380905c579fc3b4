"""What was encoded beforehand changes nothing but the time it takes."""

from __future__ import annotations

import binascii
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import Headers, MessageTemplate
from paceline.delivery.mime import message
from paceline.delivery.quoted_printable import (
    MAX_FIXED_RUNS,
    FixedLines,
    fixed_lines,
    quoted_printable,
)
from paceline.delivery.wire import crlf_only

# Whatever quoted-printable treats in a way of its own, and lines that begin alike.
LINE = st.sampled_from(["", ".", "=", "a ", "\t", "é", "x" * 75, "x" * 76, "x" * 200, "From a"])
LINES = st.lists(LINE, min_size=1, max_size=12).map("\n".join)
FIELD = st.sampled_from(["", "Zoë", "two\nlines", "\n", "ends in \r\n", "é" * 90, " "])
HEADERS = Headers(
    from_address="ann@example.test",
    to_address="ben@example.test",
    message_id="<1@example.test>",
    date=datetime(2027, 3, 14, tzinfo=UTC),
    boundary_seed="job 1",
)


def encoded(lines: str) -> FixedLines:
    plain = crlf_only(lines.encode())
    return FixedLines(plain, binascii.b2a_qp(plain, istext=True))


@given(st.lists(LINES, max_size=5), st.lists(LINES, max_size=5))
def test_lines_encoded_beforehand_fit_in_wherever_they_stand(
    body: list[str], fixed: list[str]
) -> None:
    data = crlf_only("\n".join(body).encode())
    expected = binascii.b2a_qp(data, istext=True)
    for runs in (fixed, body, [*fixed, *body]):
        assert quoted_printable(data, tuple(map(encoded, runs))) == expected


@given(st.lists(LINES, min_size=1, max_size=4), FIELD, st.sampled_from(["", "\n", "\n\n"]))
def test_a_template_gives_the_bytes_of_its_text(pieces: list[str], value: str, end: str) -> None:
    long = "é and the same line for everybody, which quoted-printable has to change = here\n" * 3
    source = f"\n{long}{{{{ field }}}}\n{long}".join(pieces) + end
    body = source.removesuffix("\n").replace("{{ field }}", value) if "{{" in source else source
    headers = replace(HEADERS, boundary_seed="job 2")
    rendered = MessageTemplate.compile(subject="s", text=source, html=None).render(
        {"field": value}, headers=headers
    )
    assert rendered == message(headers, subject="s", text=body, html=None)


@pytest.mark.parametrize("line", ["<p>Grüße an alle</p>", "plain"])
def test_the_lines_around_merge_fields_are_found(line: str) -> None:
    many = f"{line}\n" * 30
    runs = fixed_lines(f"{many}Hi {{{{ name }}}},\n{many}{{% if a %}}\n{many}{{% endif %}} bye\n")
    assert [run.plain.decode() for run in runs] == [many.replace("\n", "\r\n")] * 3


def test_text_beside_a_merge_field_is_not_fixed() -> None:
    assert fixed_lines("x" * 300 + "{{ name }}" + "y" * 300) == ()


def test_no_more_runs_are_kept_than_are_worth_a_look() -> None:
    assert len(fixed_lines(f"{'x' * 200}\n{{{{ a }}}}\n" * 100)) == MAX_FIXED_RUNS
