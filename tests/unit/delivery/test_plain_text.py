"""What people read who read no HTML."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery.plain_text import MAX_INDENT, plain_text, text_of_source
from paceline.delivery.text_flow import laid_out

MEBIBYTE = 1024 * 1024
TAGS = (
    "<p> </p> <div> </div> <br> <ul> </ul> <ol> </ol> <li> </li> <table> <tr> <td> </td> </table> "
    "<pre> </pre> <a> </a> <hr> <img> <style> </style> <script> </script> <title> <textarea> <svg>"
)
BROKEN = '<!-- --> <![CDATA[ <? <! </ < > & &amp; &nbsp; &#0; &#xd800; &#x2; \x02 \0 \u200b "'
SPECIAL = (
    '<a href="https://x.example/">',
    '<a href="">',
    '<img alt="picture">',
    '<div style="display:none">',
    "<td hidden>",
    "<li hidden>",
    '<ol start="7">',
    "word",
    " ",
    "\r\n",
)
PIECES = st.sampled_from([*TAGS.split(), *BROKEN.split(), *SPECIAL])


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>Title</h1><p>one</p><p>two</p>", "Title\n\none\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("one<br>two<br/><br>three<br><br><br><br>four", "one\ntwo\n\nthree\n\nfour"),
        ("<p>one <b>bold</b><i>er</i>\n   and  more</p>", "one bolder and more"),
        ("O&#39;Brien&nbsp;&amp;&nbsp;Sons &lt;3", "O'Brien & Sons <3"),
        ("<p>a</p><p>&nbsp;</p><p></p><p> </p><p>b</p>", "a\n\nb"),
        ("<blockquote><p>quoted</p></blockquote>after", "quoted\n\nafter"),
        ("a<hr>b", "a\n\nb"),
        ("<pre>a\n  b  \n\n\n\nc</pre>", "a\n  b\n\nc"),
        ("<dl><dt>term</dt><dd>meaning</dd></dl>", "term\nmeaning"),
        ("2 < 3 & 4 > 3", "2 < 3 & 4 > 3"),
        ("a\0b \x02s c &#xd800;", "ab s c \ufffd"),
        ("", ""),
        ("<p> <br> </p>", ""),
    ],
)
def test_words_paragraphs_and_lines_stay_and_the_markup_goes(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<p>x</p><ul><li><p>a</p></li><li><p>b</p></li></ul><p>y</p>", "x\n\n- a\n- b\n\ny"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ol start=3><li>a</li><li>b</li></ol>", "3. a\n4. b"),
        ("<ol start=99999999><li>a</li></ol>", "1. a"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n  1. b\n- c"),
        ("<ul><li></li><li>b</li><li> </li></ul>end", "- b\n\nend"),
        ("<li>stray</li></ul></ol>", "- stray"),
    ],
)
def test_an_item_has_its_marker_and_stands_on_its_own_line(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            '<a href="https://x.example/?a=1&amp;b=2">here</a>.',
            "here (https://x.example/?a=1&b=2).",
        ),
        ('<a href="https://x.example/">https://x.example</a> ok', "https://x.example ok"),
        ('<li><a href="https://x.example/">https://x.example/</a>', "- https://x.example/"),
        ('<a href="mailto:a@b.example?subject=x">a@b.example</a>', "a@b.example"),
        ('<a href="mailto:a@b.example">write</a>', "write (a@b.example)"),
        ('<a href="tel:+4930123">call</a>', "call (+4930123)"),
        (
            '<a href="https://x.example/"><img src="b.png" alt="Buy"></a>',
            "Buy (https://x.example/)",
        ),
        ('on<a href="https://x.example/"><img src="b.png"></a>it', "on https://x.example/ it"),
        ('<a href=" https://x.example/a b\n/c ">x</a>', "x (https://x.example/a%20b/c)"),
        ('<a href="#top">up</a> <a name="n">x</a> <a href="javascript:f()">y</a>', "up x y"),
        ('<a href="//a.example">a<a href="//b.example">b', "a (//a.example)b (//b.example)"),
    ],
)
def test_a_link_is_followed_by_its_target_unless_it_says_it(html: str, text: str | None) -> None:
    expected = (
        text
        or {
            "see": "see here (https://x.example/?a=1&b=2) .",
            "<a ": "a (https://a.example/)b (https://b.example/)",
        }[html[:3]]
    )
    assert plain_text(html) == expected


def test_a_long_address_is_never_broken() -> None:
    address = "https://x.example/" + "a-b/" * 500
    assert plain_text(f'<p>go <a href="{address}">there</a></p>') == f"go there ({address})"


def test_rows_of_tables_are_lines_in_their_order() -> None:
    data = "<table><tr><th>Item<th>Price<tr><td>Tea</td><td>€2</td></tr></table>"
    layout = f"<table><tbody><tr><td><p>Hello</p>{data}<p>Bye</p></td></tr></tbody></table>"
    assert plain_text(layout) == "Hello\n\nItem  Price\nTea  €2\n\nBye"


@pytest.mark.parametrize(
    "html",
    [
        "<head><title>x</title><style>p {}</style></head>",
        "<script>if (a < b) x('<p>')</script>",
        "<!-- x --><!--[if mso]><p>x</p><![endif]--><!-->",
        '<div style="color: red; DISPLAY : none">x<div>y</div>z</div>',
        '<span style="max-height:0px;overflow:hidden">preheader</span>',
        '<div style="visibility:hidden">x<br><img alt="y"><input></div>',
        "<div hidden>x</div>",
        "<p hidden>x<p>",
        "<table><tr><td hidden><table><tr><td>x</td></tr></table></td></tr></table>",
        "<textarea>x</textarea><select><option>x</select><svg><text>x</text></svg><svg/>",
        '<img alt="x" hidden><img src="pixel.gif">',
        "\u200c&nbsp;\u200c&nbsp;&#847; &zwnj;",
    ],
)
def test_what_nobody_sees_is_left_out(html: str) -> None:
    assert plain_text(f"<p>before</p>{html}<p>after</p>") == "before\n\nafter"


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>x<div>seen</div>",
        "<ul><li hidden>x<li>seen</ul>",
        "<table><tr><td hidden>x<td>seen</table>",
        "<table><tr hidden><td>x<tr><td>seen</table>",
        "<div><span hidden>x</div>seen",
        "<div hidden>x</p></span></div>seen",
        "<div hidden><b>x</div>seen",
        '<p style="max-height:0.5em">seen',
    ],
)
def test_what_is_hidden_ends_where_its_element_does(html: str) -> None:
    assert plain_text(html).removeprefix("- ") == "seen"


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_html_is_too_broken_to_be_read(html: str) -> None:
    text = plain_text(html)
    assert not re.search("[\0\ufdd0-\ufdef]|\n\n\n|[ \t]\n|[ \t\n]$|^\n", text)
    assert laid_out(text) == text


@given(st.text())
def test_no_text_is_too_broken_to_be_read(html: str) -> None:
    plain_text(html).encode()


@given(st.lists(st.sampled_from([f"\x02{mark}" for mark in "sclpnxiva./?"] + ["a", " ", "\x02"])))
def test_no_outline_is_too_broken_to_be_laid_out(pieces: list[str]) -> None:
    laid_out("".join(pieces))


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<b>",
        "<ul><li>",
        "<ol><li>x",
        "<table><tr><td>",
        "<a href=x>y",
        "<p>",
        "</p>",
        "<!--",
        "<!a",
        "<",
        "&",
        "<a b ",
        '<a b="',
        "<select><option>",
        "<script>",
        " \u200b",
        "<p style='display:none'>",
    ],
)
def test_a_mebibyte_of_anything_is_read_in_a_moment(piece: str) -> None:
    html = "<div hidden>x</div>" + piece * (MEBIBYTE // len(piece))
    before = time.process_time()
    plain_text(html)
    assert time.process_time() - before < 3


def test_elements_that_do_not_match_take_no_longer() -> None:
    html = "<div hidden>" + "<b>" * 100_000 + "</i>" * 100_000 + "</div>seen"
    before = time.process_time()
    assert plain_text(html) == "seen"
    assert time.process_time() - before < 3


def test_deep_lists_are_not_indented_for_ever() -> None:
    text = plain_text("<ul><li>x" * 1000)
    assert text.splitlines()[-1] == "  " * MAX_INDENT + "- x"


def test_the_text_of_a_source_has_its_tags_as_they_were_written() -> None:
    html = (
        '<h1>Hi {{ name | default("<you>") }}</h1>'
        '<p><a href="https://x.example/?q={{ city }}">See</a>{% if vip %} <b>now</b>{% endif %}</p>'
    )
    assert text_of_source(html) == (
        'Hi {{ name | default("<you>") }}\n\n'
        "See (https://x.example/?q={{ city }}){% if vip %} now{% endif %}"
    )


def test_a_source_that_spells_a_stand_in_keeps_its_words() -> None:
    assert text_of_source("<p>zq7vx9zq7vx {{ name }} and {{</p>") == "zq7vx9zq7vx {{ name }} and {{"
