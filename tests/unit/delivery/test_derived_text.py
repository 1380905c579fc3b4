"""The text part that is made out of the HTML, for all recipients at once where that is right."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from paceline.delivery import Attached, Attachment, Headers, MessageTemplate, RenderError
from paceline.delivery.derived_text import Uncertain, outline_of
from paceline.delivery.plain_text import MAX_READ, plain_text
from paceline.errors import InvalidInput

HEADERS = Headers(
    from_address="ann@example.test",
    to_address="ben@example.test",
    message_id="<1@example.test>",
    date=datetime(2027, 3, 14, tzinfo=UTC),
    boundary_seed="job 1",
)
SHOP = """\
<html><head><title>Order {{ number }}</title></head><body>
<div style="display:none">Preview for {{ name }}</div>
<table><tr><td><h1>Hello {{ name | default("you") }}</h1>
<p>Your order {{- " " ~ number }}:</p>
<table>{% for line in lines %}<tr><td>{{ line }}</td><td>1</td></tr>{% endfor %}</table>
{% if voucher is defined %}<p>Voucher: <b>{{ voucher }}</b></p>{% endif %}
<ul>{% for line in lines %}<li>{{ line }}</li>{% endfor %}</ul>
<p><a href="{{ link }}">Track it</a>, <a href="https://x.example/{{ number }}">or see it</a></p>
<img src="cid:logo" alt="{{ name }}'s shop"></td></tr></table></body></html>
"""


def parts(html: str, recipient: Mapping[str, object], *, text: str | None = None) -> EmailMessage:
    template = MessageTemplate.compile(subject="s", text=text, html=html)
    return BytesParser(policy=policy.default).parsebytes(
        template.render(recipient, headers=HEADERS)
    )


def content(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return (
        None if part is None else str(part.get_content()).replace("\r\n", "\n").removesuffix("\n")
    )


def text_of(html: str, **recipient: object) -> str | None:
    return content(parts(html, recipient), "plain")


def html_of(html: str, recipient: Mapping[str, object]) -> str:
    return content(parts(html, recipient, text="given"), "html") or ""


def has_outline(html: str) -> bool:
    try:
        outline_of(html)
    except Uncertain:
        return False
    return True


def test_html_alone_goes_out_with_a_text_part_before_it() -> None:
    message = parts("<p>Hi {{ name }}</p>", {"name": "O'Brien & Sons"})
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert text_of("<p>Hi {{ name }}</p>", name="O'Brien & Sons") == "Hi O'Brien & Sons"
    assert text_of("<p>Hi &amp; hello</p>") == "Hi & hello"


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_text_without_words_counts_as_none(text: str | None) -> None:
    assert content(parts("<p>words</p>", {}, text=text), "plain") == "words"


def test_a_text_that_is_given_is_left_alone() -> None:
    message = parts("<p>words</p>", {"a": 1}, text="given {{ a }}")
    assert content(message, "plain") == "given 1"


@pytest.mark.parametrize("html", ['<img src="a.png">', "<p>{{ a }}</p>", "{{ a | safe }}", ""])
def test_html_without_words_goes_out_alone(html: str) -> None:
    message = parts(html, {"a": ""})
    assert message.get_content_type() == "text/html"


def test_an_order_reads_well_without_html() -> None:
    recipient = {
        "name": "Zoë",
        "number": 7,
        "lines": ["Tea & cake", "Jam"],
        "voucher": "A<B",
        "link": "https://x.example/t?a=1&b=2",
    }
    assert has_outline(SHOP)
    assert text_of(SHOP, **recipient) == (
        "Hello Zoë\n\nYour order 7:\n\nTea & cake  1\nJam  1\n\nVoucher: A<B\n\n"
        "- Tea & cake\n- Jam\n\n"
        "Track it (https://x.example/t?a=1&b=2), or see it (https://x.example/7)\n\nZoë's shop"
    )
    del recipient["voucher"]
    assert text_of(SHOP, **recipient | {"name": "", "lines": [], "link": "#"}) == (
        "Hello you\n\nYour order 7:\n\nTrack it, or see it (https://x.example/7)\n\n's shop"
    )


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("{{ a | safe }}", "it may be markup"),
        ("{{ a | e }}", "it is escaped twice"),
        ("{{ 'x' if a is safe else 'y' }}", "it knows whether it will be escaped"),
        ("{% raw %}{{ a }}{% endraw %}", "what is no tag looks like one"),
        ("<p class={{ a }} id=x>x</p>", "the value may end the attribute"),
        ("<p {{ a }} id=x>x</p>", "the value may hide the paragraph"),
        ("<p>y</p><h{{ a }}>x", "the value may be another tag"),
        ("<p>y</p><{{ a }}>x", "the value may be a tag"),
        ("x&{{ a }}", "the value may be the rest of an entity"),
        ("x&am{{ a }};", "the value may be the rest of an entity"),
        ("<!-- {{ a }}> x -->", "the value may end the comment"),
        ("<p style='{{ a }}'>x</p>", "the value may hide the paragraph"),
        ("<ol start='{{ a }}'><li>x</ol>", "the value is the first number"),
        ("<pre>{{ a }}</pre>", "line breaks of the value count"),
        (
            "<ol>{% if a %}<li>x</li>{% endif %}<li>y</li></ol>",
            "numbers depend on what is left out",
        ),
        ("{% if a %}<ul>{% endif %}<li>x</li></ul>", "the list may not be one"),
        ("{% if a %}<pre>{% endif %} x  y</pre>", "blanks may count"),
        ("{% if a %}<a href='/x'>{% endif %}x</a>", "there may be no link"),
        ("{% if a %}<p hidden>{% endif %}x</p>y", "the rest may be hidden"),
        ("{% if a %}<!-- {% endif %} x -->", "the rest may be a comment"),
        ("{% if a %}<title>{% endif %} x</title>", "the rest may be no text"),
        ("<p title='{% if a %}x{% endif %}'>x</p>", "the statement is not in the text"),
        ("<img alt='{% if a %}x{% endif %}'>", "the statement is not in the text"),
        ("<a href='{% if a %}x{% endif %}'>y</a>", "the statement is not in the text"),
        ("{{ a }}\u200b x", "what is invisible may stand alone or not"),
        ("{{ a }}&#xfdd0;0 &#xfdd1;", "what is no tag looks like one"),
        ("&#xfdd0;0 &#xfdd1;{{ a }}", "what is no tag looks like one"),
        ("{{ a }}&#xfdd0;" + "9" * 5000 + " &#xfdd1;", "what is no tag looks like one"),
        ("{{ a }}\x02", "it holds what outlines are marked with"),
    ],
)
@pytest.mark.parametrize("value", ["", "hidden", "display:none", "1", "lt;", "p", "--", "<b>x</b>"])
def test_where_a_value_may_change_what_html_means_each_html_is_read(
    html: str, why: str, value: str
) -> None:
    assert not has_outline(html), why
    expected = plain_text(html_of(html, {"a": value}))
    assert (text_of(html, a=value) or "") == expected


def test_html_that_is_too_large_to_be_read_for_each_recipient_goes_out_alone() -> None:
    html = "{{ a | safe }}" + "<p>words</p>" * (MAX_READ // 12 + 1)
    assert text_of(html, a="x") is None
    assert text_of(html.replace(" | safe", ""), a="x") is not None


def test_the_text_asks_for_no_field_of_its_own_and_names_the_html_for_those_it_lacks() -> None:
    html = "<p>{{ a }}</p><title>{{ b }}</title>{% if c is defined %}{{ c }}{% endif %}"
    template = MessageTemplate.compile(subject="s", text=None, html=html)
    assert template.fields == {"a", "b"}
    template.render({"a": 1, "b": 2}, headers=HEADERS)
    with pytest.raises(RenderError) as refused:
        template.render({"b": 2}, headers=HEADERS)
    assert (refused.value.part, refused.value.field) == ("html", "a")


def test_what_is_refused_in_html_is_refused_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        MessageTemplate.compile(subject="s", text=None, html="<p>{{ a | nonsense }}</p>")
    assert [problem.field for problem in refused.value.problems] == ["html"]


def test_braces_that_are_text_stay_text() -> None:
    html = "{{ a }} &#123;{ b }} {&#123;% x %} {<b>{</b> c"
    assert has_outline(html)
    assert text_of(html, a="{{ d }}") == "{{ d }} {{ b }} {{% x %} {{ c"


def test_the_line_end_that_the_engine_drops_is_not_in_the_text_either() -> None:
    for end in ("", "\n", "\r\n"):
        html = f"{{{{ a }}}}<pre>x<a href='/y'>{end}"
        assert has_outline(html)
        assert text_of(html, a=1) == "1\n\nx /y"


def test_a_value_with_marks_disturbs_its_own_text_at_most() -> None:
    for mark in "sclpnxiva./?":
        assert text_of("<p>{{ a }}</p><p>end</p>", a=f"x\x02{mark}y\x02")


def test_an_image_that_is_attached_is_no_address_in_the_text() -> None:
    logo = Attachment(
        file_name="logo.png", content_type="image/png", content=b"x", content_id="logo"
    )
    template = MessageTemplate.compile(
        subject="s", text=None, html='<a href="cid:logo"><img src="cid:logo" alt="Logo"></a>'
    )
    data = template.render({}, headers=HEADERS, attached=Attached.compile([logo]))
    assert content(BytesParser(policy=policy.default).parsebytes(data), "plain") == "Logo"


def test_all_attempts_at_an_email_have_the_same_text() -> None:
    first, second = (
        MessageTemplate.compile(subject="s", text=None, html=SHOP).render(
            {"name": "a", "number": 1, "lines": ["x"], "link": "https://x.example"}, headers=HEADERS
        )
        for _ in range(2)
    )
    assert first == second


SIMPLE = (
    "<p> </p> <div> </div> <br> <ul> </ul> <ol> </ol> <li> </li> <table> <tr> <td> </td> </table> "
    "<b> </b> <h1> </h1> <pre> </pre> </a> <style> </style> <title> </title> <!-- --> < > & word "
    "<td&#32;hidden> { } - / {{a}} {{b}} {{a}}{{b}} {#c#} {{-a-}} &nbsp; &amp;"
)
WITH_BLANKS = (
    " ",
    "\n",
    '<a href="https://x.example/">',
    '<a href="{{ u }}">',
    '<a href="/{{ a }}">',
    '<img alt="of {{ b }}">',
    '<span title="{{ a }}">',
    '<div style="display:none">',
    "<p hidden>",
    "<td {{ a }}>",
    '{{ c | default("x & y") | upper }}',
)
BLOCKS = st.sampled_from(
    [
        ("{% if a %}", "{% endif %}"),
        ("{% if b == 'x' %}", "{% else %}no{% endif %}"),
        ("{% for i in l %}", "{{ i }}{% endfor %}"),
        ("{% for i in l %}<li>", "</li>{% endfor %}"),
        ("<ul>", "</ul>"),
        ("<div hidden>", "</div>"),
    ]
)
LEAVES = st.sampled_from([*SIMPLE.split(), *WITH_BLANKS])
TEMPLATES = st.recursive(
    st.lists(LEAVES, max_size=6).map("".join),
    lambda inner: st.tuples(inner, BLOCKS, inner, inner).map(
        lambda made: f"{made[0]}{made[1][0]}{made[2]}{made[1][1]}{made[3]}"
    ),
    max_leaves=8,
).map(lambda made: f"{made}<hr>")  # so that no line end is its end
VALUES = st.text(st.sampled_from("abpx;<>&\"'-=/ \n\t\u00a0{}%é"), max_size=6) | st.sampled_from(
    ["x", "lt;", "hidden", "https://x.example/", "mailto:a@b.example", "#", "<b>"]
)
RECIPIENTS = st.fixed_dictionaries(
    {"a": VALUES, "b": VALUES, "u": VALUES, "l": st.lists(VALUES, max_size=3)},
    optional={"c": VALUES},
)


@settings(max_examples=300, deadline=None)
@given(TEMPLATES, RECIPIENTS)
def test_the_text_made_for_all_says_what_each_html_says(
    html: str, recipient: dict[str, object]
) -> None:
    try:
        template = MessageTemplate.compile(subject="s", text=None, html=html)
    except InvalidInput:
        assume(False)
    made = BytesParser(policy=policy.default).parsebytes(
        template.render(recipient, headers=HEADERS)
    )
    assert (content(made, "plain") or "") == plain_text(html_of(html, recipient))


@given(st.lists(LEAVES, max_size=20).map("".join))
def test_merge_fields_keep_their_order(html: str) -> None:
    try:
        MessageTemplate.compile(subject="s", text="", html=html)
        outline = outline_of(html)
    except (InvalidInput, Uncertain):
        assume(False)
    tags = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
    written = iter(tags.findall(html))
    kept = [tag for tag in tags.findall(outline) if tag != "'{'"]
    assert all(tag in written for tag in kept)


def test_a_large_template_is_made_into_text_in_a_moment() -> None:
    html = "<table>" + "<tr><td>{{ a }}</td><td><a href='{{ a }}'>x</a></td></tr>" * 5_000
    before = time.process_time()
    template = MessageTemplate.compile(subject="s", text=None, html=html)
    assert time.process_time() - before < 5
    assert template.fields == {"a"}
