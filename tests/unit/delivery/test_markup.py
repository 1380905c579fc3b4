"""What counts as HTML."""

from __future__ import annotations

import pytest

from paceline.delivery import is_text_after_all, looks_like_html


@pytest.mark.parametrize(
    "text",
    [
        *("<p>x</p>", "<BR>", "a<br/>b", "<td>", "<!DOCTYPE html>", "<!-- x -->x", "<o:p></o:p>"),
        *("<a href='x'>", "<b>x</b>", "<title>x</title>", '<font color="red">x', "x</A >"),
    ],
)
def test_a_tag_of_html_makes_a_text_html(text: str) -> None:
    assert looks_like_html(text)
    assert not is_text_after_all(text)


@pytest.mark.parametrize(
    "text",
    [
        *("a < b", "a <- b", "1<2>0", "<3", "<", "< p >", "<your name>", "<Your Company>"),
        *("<ann@example.org>", "<https://example.org/a?b=c>", "<mailto:x@y.z>", "<p@x.org>"),
        *("<address>", "<title>", "<code> goes here", "press <b>", "<link to follow>", "<pre@x>"),
    ],
)
def test_what_only_stands_in_angle_brackets_is_text(text: str) -> None:
    assert not looks_like_html(text)
    assert is_text_after_all(text + "\n<")


@pytest.mark.parametrize("html", ["Hello {{ name }}", "a &amp; b\nc", "a b\n"])
def test_html_without_a_tag_stays_html_where_nothing_would_be_lost(html: str) -> None:
    assert not is_text_after_all(html)


@pytest.mark.parametrize("piece", ["<", "<a ", "</b ", "&", "<a x", "<!", "<li"])
def test_any_text_is_judged_in_time_that_grows_with_its_length(piece: str) -> None:
    assert is_text_after_all(piece * 100_000 + "x\nx")
