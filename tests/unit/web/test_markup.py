"""What counts as HTML."""

from __future__ import annotations

import pytest

from paceline.web.markup import looks_like_html


@pytest.mark.parametrize(
    ("text", "html"), [("<p>x</p>", True), ("a < b", False), ("a <- b", False), ("1<2>0", False)]
)
def test_only_tags_make_a_text_html(text: str, *, html: bool) -> None:
    assert looks_like_html(text) is html
