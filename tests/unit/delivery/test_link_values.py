"""Values in addresses: what becomes of them in each place."""

from __future__ import annotations

import pytest

from tests.unit.delivery.test_templates import compiled, content_of, refusal, rendered

VALUE = "zoe+a&b #1 50% Zoë/?"
ENCODED = "zoe%2Ba%26b%20%231%2050%25%20Zo%C3%AB/%3F"


def html_of(source: str, **recipient: object) -> str:
    _, part = rendered(compiled("x", html=source), recipient).iter_parts()
    return content_of(part)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://x.example/?q={{ v }}">',
        "<a href='https://x.example/{{v}}'>",
        "<a href=https://x.example/#{{ v }}>",
        '<a class=b HREF = "/{{ v | trim }}">',
        '<img src="https://x.example/o.gif?a={{ a }}&amp;u={{ v }}">',
        '<a href="https://x.example/{% if a %}?q={% endif %}{{ v }}">',
        '<a href="mailto:ann@x.example?subject={{ v }}">',
        '<td background="//x.example/{{ v }}">',
        '<!--[if mso]><v:fill src="https://x.example/{{ v }}"/><![endif]-->',
        '<a href="{{ a }}/{{ v }}">',
    ],
)
def test_a_value_inside_an_address_cannot_change_the_rest_of_it(html: str) -> None:
    made = html_of(html, v=VALUE, a="1")
    assert ENCODED in made
    assert VALUE not in made


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://x.example/?q={{ v | urlencode }}">',
        '<a href="https://x.example/?q={{ v | trim | urlencode }}">',
    ],
)
def test_what_the_author_has_encoded_is_not_encoded_twice(html: str) -> None:
    assert ENCODED in html_of(html, v=VALUE)


def test_the_author_may_say_that_a_value_is_part_of_an_address() -> None:
    html = '<a href="https://x.example/{{ v | safe }}">'
    assert html_of(html, v="a?b=1&amp;c") == '<a href="https://x.example/a?b=1&amp;c">'


def test_an_expression_that_puts_an_address_together_is_left_alone() -> None:
    html = """<a href="https://x.example/{{ '?q=' ~ v if v else '' }}">"""
    assert html_of(html, v="a&b") == '<a href="https://x.example/?q=a&amp;b">'


@pytest.mark.parametrize(
    "url",
    [
        *("https://x.example/?a=1&b=2#c", "x.example", "mailto:a+b@x.example", "tel:+49 30 1"),
        *("/path", "#top", "whatsapp://send?text=a", "data:image/png;base64,AA=="),
    ],
)
def test_a_whole_address_goes_as_it_is(url: str) -> None:
    shown = url.replace("&", "&amp;")
    assert html_of('<a href="{{ v }}">', v=url) == f'<a href="{shown}">'


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JavaScript:alert(1)", " java\tscript:x", "\x01javascript:x"),
        *("vbscript:x", "data:text/html,<script>x</script>", "\u200bjavascript:x", "DATA:,x"),
    ],
)
def test_a_whole_address_that_is_a_script_leads_nowhere(url: str) -> None:
    for html in ('<a href="{{ v }}">', "<a href='{{ v | trim }}'>", "<a href={{v}}>"):
        assert "script" not in html_of(html, v=url).lower()
        assert "#" in html_of(html, v=url)


@pytest.mark.parametrize(
    ("html", "value", "made"),
    [
        ('<a href="https://{{ v }}.x.example/">', "A&B #1", "https://A%26B%20%231.x.example/"),
        ('<a href="https://{{ v }}/a">', "x.example:8080", "https://x.example:8080/a"),
        ('<a href="mailto:{{ v }}">', "zoe+a&b@x.example", "mailto:zoe+a%26b@x.example"),
        ('<a href="tel:{{ v }}">', "+49 (30) 1", "tel:+49%20(30)%201"),
    ],
)
def test_hosts_and_numbers_keep_what_belongs_to_them(html: str, value: str, made: str) -> None:
    assert made in html_of(html, v=value).replace("&amp;", "&")


def test_what_is_no_address_is_not_encoded() -> None:
    html = '<p title="{{ v }}" data-href="{{ v }}">{{ v }} https://x.example/?q={{ v }}</p>'
    assert html_of(html, v="a b&c").count("a b&amp;c") == 4


def test_addresses_in_plain_text_keep_their_values_too() -> None:
    text = "https://x.example/?q={{ v }} {{ v }}\nwww.x.example/{{ v }} http://{{ v }}"
    assert content_of(rendered(compiled(text), {"v": "a b&c"})) == (
        "https://x.example/?q=a%20b%26c a b&c\r\nwww.x.example/a%20b%26c http://a%20b%26c"
    )


def test_links_of_the_derived_text_have_the_same_values() -> None:
    html = '<p><a href="https://x.example/?q={{ v }}">see</a></p>'
    text, _ = rendered(compiled(None, html=html), {"v": "a b&c"}).iter_parts()
    assert content_of(text) == "see (https://x.example/?q=a%20b%26c)"


def test_a_value_that_is_missing_is_missed_in_an_address_too() -> None:
    template = compiled("x", html='<a href="{{ a }}"><a href="/{{ b }}/{{ c | default(1) }}">')
    assert template.fields == {"a", "b"}


def test_no_template_may_name_the_filters_that_are_added() -> None:
    assert "the filter _whole is not available" in refusal(text="{{ a | _whole }}")["text"]
