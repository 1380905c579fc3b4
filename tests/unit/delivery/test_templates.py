"""Templates: what they may say, what they need, and what they are refused for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import Headers, MessageTemplate, RenderError, template_rules
from paceline.delivery.inline_images import MAX_OUTPUT
from paceline.delivery.template_parts import MAX_SOURCE
from paceline.errors import InvalidInput

HEADERS = Headers(
    from_address="ann@example.test",
    to_address="ben@example.test",
    message_id="<1@example.test>",
    date=datetime(2027, 3, 14, tzinfo=UTC),
    boundary_seed="job 1",
)


def compiled(
    text: str | None = "x", *, subject: str = "s", html: str | None = None
) -> MessageTemplate:
    return MessageTemplate.compile(subject=subject, text=text, html=html)


def rendered(template: MessageTemplate, recipient: Mapping[str, object]) -> EmailMessage:
    data = template.render(recipient, headers=HEADERS)
    return BytesParser(policy=policy.default).parsebytes(data)


def content_of(part: object) -> str:
    assert isinstance(part, EmailMessage)
    content = part.get_content()
    assert isinstance(content, str)
    return content.removesuffix("\r\n")


def text_of(source: str, **recipient: object) -> str:
    return content_of(rendered(compiled(source), recipient))


def refusal(**parts: str | None) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        MessageTemplate.compile(**{"subject": "s", "text": "x", "html": None} | parts)
    return {problem.field: problem.message for problem in refused.value.problems}


def test_merge_fields_are_filled_in_all_three_parts() -> None:
    template = compiled("Hi {{ name }}", subject="For {{ name }}", html="<p>{{ name }}</p>")
    message = rendered(template, {"name": "Jürgen"})
    assert message["Subject"] == "For Jürgen"
    assert [content_of(part) for part in message.iter_parts()] == ["Hi Jürgen", "<p>Jürgen</p>"]


def test_html_is_escaped_and_text_is_not() -> None:
    template = compiled("{{ name }}", html="{{ name }}|{{ name | safe }}")
    parts = [content_of(part) for part in rendered(template, {"name": "<b>&"}).iter_parts()]
    assert parts == ["<b>&", "&lt;b&gt;&amp;|<b>&"]


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("plain", set()),
        ("{{ a }} {{ b | default('x') }} {{ c | d('x') }}", {"a"}),
        ("{{ a | default('x') }} {{ a }}", {"a"}),
        ("{% if a %}{{ b }}{% else %}{{ c }}{% endif %}", {"a", "b", "c"}),
        ("{% if a is defined %}{{ a }}{% endif %}", set()),
        ("{% for i in things %}{{ i }}{{ loop.index }}{% endfor %}", {"things"}),
        ("{{ n + 1 }} {{ a }}", {"n", "a"}),
        ("{{ a | upper }}{{ b | upper | default('x') }}", {"a", "b"}),
        ("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", {"a"}),
    ],
)
def test_the_fields_are_those_that_a_recipient_must_have(source: str, fields: set[str]) -> None:
    assert compiled(source).fields == fields
    assert compiled(subject=source).fields == fields


def test_fields_of_all_parts_count() -> None:
    template = compiled("{{ a }}", subject="{{ b }}", html="{{ c }}")
    assert template.fields == {"a", "b", "c"}


@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_a_missing_value_names_the_part_and_the_field(part: str) -> None:
    parts = dict.fromkeys(("subject", "text", "html"), "x") | {part: "{{ first_name }}"}
    template = MessageTemplate.compile(**parts)
    for recipient in ({}, {"first_name": None}):
        with pytest.raises(RenderError) as refused:
            template.render(recipient, headers=HEADERS)
        assert (refused.value.part, refused.value.field) == (part, "first_name")
        assert "first_name" in str(refused.value)


@pytest.mark.parametrize("recipient", [{}, {"name": None}, {"name": ""}])
def test_a_default_stands_in_for_what_is_absent_or_empty(recipient: dict[str, object]) -> None:
    assert text_of("Hi {{ name | default('there') }}", **recipient) == "Hi there"


@pytest.mark.parametrize(
    ("source", "recipient", "text"),
    [
        ("{{ a | upper | truncate(length=5) }}", {"a": "abcdefghijklm"}, "AB..."),
        ("{% if plan in ['pro', 'team'] %}yes{% else %}no{% endif %}", {"plan": "pro"}, "yes"),
        ("{% for i in items_ %}{{ i }};{% endfor %}", {"items_": ["a", "b"]}, "a;b;"),
        ("{{ n + 1 }} {{ 7 // 2 }} {{ x / 2 }}", {"n": 1, "x": 3.0}, "2 3 1.5"),
        ("{{ l[0] }} {{ l | join(', ') }}", {"l": ["a", "b"]}, "a a, b"),
        ("a * b {# c * d #} {% raw %}{{ e }}{% endraw %}", {}, "a * b {# c * d #} {{ e }}"),
        ("x {%- if a -%} y {%- else %}{%+ endif -%} z", {"a": "b"}, "xyz"),
        ("{{ '* }}' }} {{ a ~ '!' }} {{ (a) }}", {"a": "b"}, "* }} b! b"),
        ("{{ a | replace('a', 'b') | default('c', true) }}", {"a": "a"}, "b"),
        ("{{ a if a is defined else 'x' }} {{ not a }}", {"a": True}, "true false"),
    ],
)
def test_what_emails_need_can_be_said(source: str, recipient: dict[str, object], text: str) -> None:
    assert text_of(source, **recipient).lower() == text.lower()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a\n{{ name", "line 2: “{{ name” is not closed with }}"),
        ("a\n{% if a %}b", "line 2: “{% if a %}” has no {% endif %} after it"),
        ("{% for b in a %}{% if b %}{% endif %}", "“{% for b in a %}” has no {% endfor %}"),
        ("\n{% endif %}", "line 2: “{% endif %}” has no {% if … %} before it"),
        ("{% if a %}{% endfor %}", "“{% endfor %}” has no {% for … %} before it"),
        ("{% else %}", "“{% else %}” has no {% if … %} or {% for … %} before it"),
        ("{{ name | uppper }}", "line 1: the filter uppper is not available"),
        ("\n\n{% set a = 1 %}", "line 3: “{% set a = 1 %}” is not available"),
        ("{% include 'x' %}", "is not available"),
        ("{% macro m(a) %}{% endmacro %}", "is not available"),
        ("{% with a = 1 %}{% endwith %}", "is not available"),
        ("{{ [1] * 1000000000000 }}", "* is not available"),
        ("{{ 9 ** 9 }}", "** is not available"),
        ("{{ '}}' ~ [1] * 3 }}", "* is not available"),
        ("{#{{ [1] * 3 }}#}", "* is not available"),
        ("{% raw %}{#{% endraw %}{{ [1] * 3 }}{# #}", "* is not available"),
        ("a\ufdd4{{ b }}\ufdd5", "no characters"),
        ("{{ a[[1] * 3] }}", "* is not available"),
        ("{{ [a, a] }}", "only constants"),
        ("{% for b in [[a]] %}{% endfor %}", "only constants"),
        ("{{ (a, a) }}", "a list of values"),
        ("{{ {'a': 1} }}", "{ is not available"),
        ("{{ a | batch(2) }}", "filter batch"),
        ("{{ a | map('upper') }}", "filter map"),
        ("{{ a | attr('b') }}", "filter attr"),
        ("{{ range(3) }}", "range is unknown"),
        ("{{ debug() }}", "debug is unknown"),
        ("{{ namespace(a=1) }}", "namespace is unknown"),
        ("{{ a is odd_looking }}", "odd_looking is unknown"),
        ("{{ a.upper() }}", "no method named upper"),
        ("{{ update(a=1) }}", "named update"),
        ("{{ items }}", "named items"),
        ("{{ 'a' | indent(2000000000) }}", "out of fuel"),
        ("a\ud800", "surrogate"),
        ("\n{{ a[::-1] }}", "line 2: a piece of a text is not available"),
        ("{{ a[:1] }}", "use first, last or truncate"),
        ("{{ '" + "x" * 4_001 + "' }}", "more than 4,000 characters"),
        ("{% if a %}\n\n{{ range(3) }}{% endif %}", "line 3: range is unknown"),
        ("{{ a }}\n{{ b }}\nc\n{% if a %}\n{{ range(3) }}{% endif %}", "line 5: range"),
        (
            "{% if a %}"
            + "".join(f"{{{{ f{n} | default(1) }}}}" for n in range(190))
            + "{% endif %}",
            "line 1: too many merge fields within one if or for",
        ),
    ],
)
def test_what_a_template_may_not_say_is_refused_with_its_line(source: str, message: str) -> None:
    begun = time.process_time()
    problems = refusal(text=source)
    assert message in problems["text"]
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("part", ["subject", "text"])
def test_what_was_accepted_before_ends_when_it_takes_too_long(part: str) -> None:
    loops = "".join(f"{{% for {x} in a %}}" for x in "xyz") + "{% endfor %}" * 3
    parts = {"subject": "s", "text": "x", part: loops + "{{ b }}"}
    template = MessageTemplate.compile(**parts, html=None, accepted=True)
    short = rendered(template, {"a": [1] * 20, "b": "beside"})
    assert "beside" in (short["Subject"] if part == "subject" else content_of(short))
    with pytest.raises(RenderError, match=f"{part}: takes too long to render"):
        template.render({"a": [1] * 100, "b": "beside"}, headers=HEADERS)


@pytest.mark.parametrize("text", ["{{ a * 9 }}", "{{ a | batch(2) }}", "{% x %}"])
def test_what_was_never_accepted_is_refused_of_a_campaign_under_way_too(text: str) -> None:
    with pytest.raises(InvalidInput):
        MessageTemplate.compile(subject="s", text=text, html=None, accepted=True)


def test_all_parts_are_examined_before_anything_is_refused() -> None:
    problems = refusal(subject="{{", text="{{ a | b }}", html="{% x %}")
    assert problems.keys() == {"subject", "text", "html"}


def test_an_email_without_text_and_html_is_refused() -> None:
    assert refusal(text=None).keys() == {"text"}


@pytest.mark.parametrize("subject", ["a\nb", "a\r\nBcc: x@y.test", "a\0", "=?utf-8?q?=0D=0A?="])
def test_a_subject_is_one_line(subject: str) -> None:
    assert refusal(subject=subject).keys() == {"subject"}


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\r\n\r\nb", "a\tb", "a\x0b\x0cb", "a\x85b", "a\u2028b", "a \xa0\u3000 b", " a b\n"],
)
def test_white_space_in_a_value_is_one_space_in_the_subject_and_itself_in_the_text(
    value: str,
) -> None:
    template = compiled("{{ name }}.", subject="News for  {{ name }}!")
    message = rendered(template, {"name": value})
    assert message["Subject"] == "News for  a b!"
    assert content_of(message).splitlines() == f"{value}.".splitlines()


@pytest.mark.parametrize(
    "source", ["{#outlook a{x:y}", "#} {# {{ a }}", "{##}", "a{#", "{#%}{{ a }}"]
)
@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_what_begins_like_a_comment_is_text_like_any_other(part: str, source: str) -> None:
    source = f"<b>{source}</b>"
    parts = dict.fromkeys(("subject", "text", "html"), "x") | {part: source}
    message = rendered(MessageTemplate.compile(**parts), {"a": "{# b #}"})
    shown = {"subject": message["Subject"]} | {
        part.get_content_subtype(): content_of(part) for part in message.iter_parts()
    }
    wanted = source.replace("{{ a }}", "{# b #}")
    assert shown["plain" if part == "text" else part] == wanted


def test_a_slash_in_a_value_stays_one_in_html() -> None:
    html = '<a href="{{ url }}" title="&#x2f; {{ url | e }}">&#x2f;</a>'
    message = rendered(compiled(None, html=html), {"url": "https://x.example/?a=1&b=2"})
    _, part = message.iter_parts()
    escaped = "https://x.example/?a=1&amp;b=2"
    assert content_of(part) == f'<a href="{escaped}" title="&#x2f; {escaped}">&#x2f;</a>'


@pytest.mark.parametrize("value", ["a\0b", "=?utf-8?q?=0D=0AB:?="])
def test_a_value_cannot_break_the_subject(value: str) -> None:
    with pytest.raises(RenderError) as refused:
        compiled(subject="Hi {{ name }}").render({"name": value}, headers=HEADERS)
    assert refused.value.part.lower() == "subject"


def test_a_source_that_is_too_large_is_refused() -> None:
    assert "KiB" in refusal(text="x" * (MAX_SOURCE + 1))["text"]
    assert "KiB" in refusal(html="é" * (MAX_SOURCE // 2 + 1))["html"]


def test_a_part_that_grows_too_large_is_refused() -> None:
    template = compiled("{{ a }}" * 100)
    with pytest.raises(RenderError, match="longer than"):
        template.render({"a": "x" * (MAX_OUTPUT // 99)}, headers=HEADERS)


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "not " * 20_000 + "x }}",
        "{{ " + "- " * 20_000 + "x }}",
        "{{ x" + "|upper" * 80_000 + " }}",
        "{{ x" + ".a" * 80_000 + " }}",
        "{{ x" + "~x" * 20_000 + " }}",
        "{{ ['}}', x" + " and x" * 20_000 + "] }}",
        "{% if x %}" + "{% elif x %}" * 20_000 + "{% endif %}",
        "{{ " + "not " * 20_000,
    ],
)
def test_an_expression_so_deep_that_the_engine_would_fall_over_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput, match=r"line 1: (an expression of )?more than (250|20,000) "):
        compiled(source)


@pytest.mark.parametrize("tag", ["{{ x }}", "{% if x %}{% endif %}", "{{ [1, 2] }}"])
def test_more_tags_than_anybody_needs_are_refused_before_anything_is_made_of_them(tag: str) -> None:
    assert text_of(tag * 20, x="") is not None
    source = "\n" + tag * 20_001
    with pytest.raises(InvalidInput, match="line 2: more than 20,000 names, values and marks"):
        compiled(source)


def test_a_long_list_of_constants_is_not_a_deep_expression() -> None:
    listed = ", ".join(f"'{n}'" for n in range(1_000))
    assert text_of(f"{{% if x in [{listed}] %}}yes{{% endif %}}", x="7") == "yes"


def test_too_many_merge_fields_are_refused() -> None:
    assert "merge fields" in refusal(text="".join(f"{{{{ f{n} }}}}" for n in range(201)))["text"]


class Secret:
    password = "hunter2"


@pytest.mark.parametrize("value", [Secret(), {"a": 1}, {1}, b"x", [Secret()], [[[[["deep"]]]]]])
def test_only_plain_data_goes_in(value: object) -> None:
    with pytest.raises(RenderError) as refused:
        compiled("{{ a }}").render({"a": value}, headers=HEADERS)
    assert refused.value.field == "a"


def test_a_field_may_have_any_name_that_a_column_may_have() -> None:
    names = ("self", "name", "template_name", "env", "class", "größe")
    for name in names:
        assert text_of(f"{{{{ {name} }}}}", **{name: "v", "First Name": "unused"}) == "v"
        template = MessageTemplate.compile(subject=f"{{{{ {name} }}}}", text="x", html=None)
        assert b"\r\nSubject: v\r\n" in template.render({name: "v"}, headers=HEADERS)


def test_a_field_is_needed_where_any_value_of_the_others_leads_to_it() -> None:
    template = compiled(
        "{{ a }} {{ b | default('x') }} {% if c | default('') %}{{ d }}{% else %}{{ e }}{% endif %}"
        "{% for f in g %}{{ f }}{{ h }}{% endfor %}{% raw %}{{ i }}{% endraw %}{{ b }}"
    )
    assert template.fields == {"a", "b", "d", "e", "g", "h"}
    assert template.optional == {"c"}


def test_as_many_fields_as_there_may_be_are_tried_each_where_it_stands() -> None:
    fields = [f"f{n}" for n in range(190)]
    flat = "".join(f"{{{{ {name} }}}}<p>" for name in fields)
    asked = "".join(f"{{% if {name} %}}{{{{ {name} }}}}{{% endif %}}" for name in fields)
    loop = "{% for x in [" + "1," * 2_000 + "1] %}{{ x | default(1) }}{% endfor %}"
    assert compiled(flat + asked * 3 + loop).fields == set(fields)


def test_a_subject_cannot_take_as_long_as_a_body() -> None:
    loop = "{% for x in [" + "1," * 300 + "1] %}{{ x }}{{ x }}{{ x }}{{ x }}{% endfor %}"
    assert "out of fuel" in refusal(subject=loop)["subject"]
    assert text_of(loop).startswith("1111")


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("begun", ["{{ ", "{% if a %}{{ ", "{{ 'a' ~ \"b\" }}{{ x == "])
def test_strings_without_an_end_are_looked_through_once(begun: str, quote: str) -> None:
    source = begun + quote + f"\\{quote}" * 500_000
    assert "more than" in refusal(text=source)["text"]


@given(st.text(alphabet="\"'\\ a{}%", max_size=40), st.text(alphabet="\"'\\ a{}%", max_size=40))
def test_what_is_known_of_strings_without_an_end_changes_no_token(left: str, right: str) -> None:
    source = f"{left}{{{{ {right}"
    known = list(template_rules.tags(source))
    with pytest.MonkeyPatch.context() as patch:
        naive = dict.fromkeys(template_rules._TOKENS, template_rules._TOKENS[""])
        patch.setattr(template_rules, "_TOKENS", naive)
        assert list(template_rules.tags(source)) == known


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("{{ a | default(1, 2, 3) }}", "default takes one value"),
        ("{{ a | d(default_value='x') }}", "default takes one value"),
        ("{{ a | truncate(10) }}", "line 1: a filter is given more than it takes"),
        ("{% if a %}{{ a | replace('x') }}{% endif %}", "line 1: a filter lacks a value"),
    ],
)
def test_a_filter_that_is_given_what_it_does_not_take_is_refused(tag: str, told: str) -> None:
    assert refusal(text=tag)["text"].startswith(told)
    # In a campaign under way it goes on failing those who come to it, and nobody else.
    template = MessageTemplate.compile(
        subject="s", text="{% if a == 'rare' %}" + tag + "{% endif %}", html=None, accepted=True
    )
    assert content_of(rendered(template, {"a": "common"})) == ""
    with pytest.raises(RenderError):
        rendered(template, {"a": "rare"})
