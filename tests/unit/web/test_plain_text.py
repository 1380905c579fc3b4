"""The text part that goes with a message written as HTML."""

from __future__ import annotations

import pytest

from paceline.web.plain_text import from_html, looks_like_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hi {{ name }},</p><p>thanks.</p>", "Hi {{ name }},\n\nthanks.\n"),
        ("<p>one<br>two</p>", "one\ntwo\n"),
        ("<p><strong>bold</strong> and <em>not</em></p>", "bold and not\n"),
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b\n"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b\n"),
        ("<p>list:</p><ul><li>a</li></ul><p>end</p>", "list:\n\n- a\n\nend\n"),
        ("<p>a &amp; b &lt;c&gt;</p>", "a & b <c>\n"),
        ('<p>see <a href="https://x.example/">here</a></p>', "see here (https://x.example/)\n"),
        ('<p><a href="https://x.example/">https://x.example/</a></p>', "https://x.example/\n"),
        ("<style>p{}</style><script>x()</script><p>seen</p>", "seen\n"),
        ("<blockquote><p>quoted</p></blockquote>", "quoted\n"),
        ("</p></ul></ol></li></a>", "\n"),
        ("", "\n"),
    ],
)
def test_the_words_stay_and_the_tags_go(html: str, text: str) -> None:
    assert from_html(html) == text


@pytest.mark.parametrize(
    ("text", "html"), [("<p>x</p>", True), ("a < b", False), ("a <- b", False), ("1<2>0", False)]
)
def test_only_tags_make_a_text_html(text: str, *, html: bool) -> None:
    assert looks_like_html(text) is html
