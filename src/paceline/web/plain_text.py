"""The text part of a message that was written as HTML: the same words, the same merge fields.

Every email gets one: some people read nothing else, and filters distrust mail without it. Reads
the little HTML that our editor writes; of anything richer it keeps the words.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre"}
)
_SILENT = frozenset({"style", "script", "head", "title"})
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")


def looks_like_html(text: str) -> bool:
    """Whether there is any tag in it; `a < b` is none."""
    return _TAG.search(text) is not None


def from_html(html: str) -> str:
    """The words of some HTML, with blank lines between blocks and marks before list items."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in "".join(reader.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0
        self._lists: list[int | None] = []  # the last number of each open list; None: bullets
        self._links: list[str | None] = []
        self._in_item = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in ("ul", "ol"):
            self._break()
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._in_item += 1
            self.pieces.append("\n" + self._mark())
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "a":
            self._links.append(dict(attrs).get("href"))
        elif tag in _BLOCKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in ("ul", "ol"):
            if self._lists:
                self._lists.pop()
            self._break()
        elif tag == "li":
            self._in_item = max(0, self._in_item - 1)
        elif tag == "a":
            link = self._links.pop() if self._links else None
            if link and not "".join(self.pieces[-1:]).strip().endswith(link):
                self.pieces.append(f" ({link})")
        elif tag in _BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data.replace("\n", " "))

    def _break(self) -> None:
        # Our editor wraps the words of a list item in a paragraph; that is no new block.
        if not self._in_item:
            self.pieces.append("\n\n")

    def _mark(self) -> str:
        if not self._lists or self._lists[-1] is None:
            return "- "
        self._lists[-1] += 1
        return f"{self._lists[-1]}. "
