"""Tells a body that was written as HTML from one that was written as plain text.

HTML is what has a tag that HTML knows. `<ann@example.org>`, `<https://…>` and `<your name>` are
text. So is `<title>`, which is also what people write for "put it here": a tag that is a word of
everyday use counts with an attribute only, or when it is closed.
"""

from __future__ import annotations

import re


def _named(tags: str) -> frozenset[str]:
    return frozenset(tags.split())


_PLAIN = _named(
    "p br hr div table thead tbody tfoot tr td th ul ol li dl dt dd h1 h2 h3 h4 h5 h6 html body "
    "head img blockquote pre tt nobr wbr colgroup col noscript mjml"
)
_ALSO_WORDS = _named(
    "a b i u s q em strong span font small big sub sup strike del ins center style script title "
    "code kbd samp var cite abbr acronym address article aside audio button caption data details "
    "dfn fieldset figcaption figure footer form header hgroup iframe input label legend link main "
    "map mark menu meta meter nav object optgroup option output picture progress section select "
    "source summary svg template textarea time video base area bdi bdo embed canvas dialog"
)
_OF_OFFICE = frozenset("ovwm")  # `<o:p>`, `<v:shape>`
_CANDIDATE = re.compile(
    r"<(?:(?P<closing>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]{0,15})(?P<after>[\s/>:-])"
    r"|(?P<other>!doctype\s|!--|!\[|\?xml))",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"[^<>=]{0,300}=")
_END = re.compile(r"\s{0,50}>")
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")


def looks_like_html(text: str) -> bool:
    """Whether there is any tag of HTML in it; `a < b` is none."""
    return any(_is_tag(text, found) for found in _CANDIDATE.finditer(text))


def is_tag_name(name: str) -> bool:
    """Whether HTML has an element of this name."""
    return name.lower() in _PLAIN | _ALSO_WORDS


def _is_tag(text: str, found: re.Match[str]) -> bool:
    if found["other"]:
        return True
    name, after = found["name"].lower(), found["after"]
    if after in ":-":
        return name in (_OF_OFFICE if after == ":" else ("mj", "amp"))
    if name in _PLAIN:
        return True
    if name not in _ALSO_WORDS:
        return False
    if found["closing"]:
        return _END.match(text, found.start("after")) is not None
    return after.isspace() and _ATTRIBUTE.match(text, found.end()) is not None


def is_text_after_all(html: str) -> bool:
    """Whether something given as HTML is plain text that would lose by being read as HTML."""
    if looks_like_html(html) or _ENTITY.search(html):
        return False
    return "\n" in html.strip() or "<" in html
