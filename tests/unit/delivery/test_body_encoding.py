"""What was encoded beforehand changes nothing but the time it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import Headers, MessageTemplate
from paceline.delivery.body_encoding import MAX_FIXED_RUNS, Body, FixedLines, fixed_lines
from paceline.delivery.mime import message
from paceline.delivery.template_parts import Part
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


BOUNDARY = b"=_1"


@given(st.lists(LINES, max_size=5), st.lists(LINES, max_size=5))
def test_lines_encoded_beforehand_fit_in_wherever_they_stand(
    body: list[str], fixed: list[str]
) -> None:
    text = "\n".join(body)
    expected = encoded(Body.of(text))
    for runs in (fixed, body, [*fixed, *body]):
        assert encoded(Body.of(text, map(FixedLines.of, runs))) == expected


def encoded(body: Body) -> tuple[bytes, bytes]:
    name, pieces = body.encoded(BOUNDARY)
    return name, b"".join(pieces)


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


FIELDS = ("name", "city")
SHARED = "A line for everybody, which is the same in all their emails, and nearly too long.\n"
OWN = (
    *("{{ name }}", "{{ city | default('d /') }}", "{{- name }}", "{{ name -}}", "{{ name|safe }}"),
    *("{% raw %}{{ name }}\n{% endraw %}", "{{ '\\r' }}", '<a href="{{ city }}">', "&#x2f;", "=_1"),
    *("\n", "\n\n", "\r\n", ".", " ", "=", "é", "x" * 90),
)
BLOCKS = (
    ("{% if name %}", "{% endif %}"),
    ("{% if name %}\n", "{% else %}\nnone{% endif %}\n"),
    ("{% for city in name %}\n", "{{ city }}{% endfor %}\n"),
)
VALUES = ("", "Zoë", "two\nlines", "\n", "\r", "a\r", "\r\nb", ".", "<b>/", "é" * 90, "x" * 200)


@pytest.mark.parametrize("name", ["text", "html"])
@pytest.mark.parametrize("seed", range(2))
def test_an_email_filled_in_between_fixed_lines_is_the_one_rendered_as_a_whole(
    seed: int, name: str
) -> None:
    dice = Random(seed)
    filled = 0
    for _ in range(150):
        part = Part(name, sound_source(dice), accepted=False)
        for _ in range(4):
            fields = {field: dice.choice(VALUES) for field in FIELDS}
            body = part.body(fields)
            assert encoded(body) == encoded(Body.of(part.render(fields)))
            filled += len(body.own) > 1
    assert filled > 50


def sound_source(dice: Random) -> str:
    source = lines(dice)
    for begin, end in dice.choices(BLOCKS, k=dice.randrange(3)):
        inner = "".join(dice.choice(BLOCKS[:2])) if dice.random() < 0.3 else ""
        source += f"{begin}{lines(dice)}{inner}{lines(dice)}{end}{lines(dice)}"
    return source.replace("\n", "\r\n") if dice.random() < 0.5 else source


def lines(dice: Random) -> str:
    """Some for everybody, and some of a recipient's own."""
    pieces = (SHARED * dice.choice((0, 1, 2, 4)) + dice.choice(OWN) for _ in range(4))
    return "".join(pieces) + SHARED * dice.choice((0, 2))


def test_lines_in_a_loop_are_not_kept_apart_for_they_may_come_out_a_thousand_times() -> None:
    part = Part("text", f"{{% for a in b %}}\n{SHARED * 3}{{% endfor %}}x", accepted=False)
    body = part.body({"b": ["1", "2"]})
    assert (len(body.own), list(body.fixed)) == (1, [])


def test_lines_for_everybody_are_kept_apart_also_within_an_if() -> None:
    many = SHARED * 3
    part = Part(
        "text",
        f"{many}Hi {{{{ name }}}},\n{many}{{% if a %}}\n{many}{{% endif %}}x",
        accepted=False,
    )
    fixed = crlf_only(many.encode())
    assert [run.plain for run in part.body({"name": "Ben", "a": 1}).fixed] == [fixed] * 3
    assert part.body({"name": "Ben", "a": 0}).own == [b"", b"Hi Ben,\r\n", b"x\r\n"]
