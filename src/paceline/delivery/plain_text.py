"""HTML as plain text: what its reader would see, in the order in which it was written.

Reads the tokens of a library's tokenizer, not a parser's tree. A tree costs more than it is worth
here: HTML's rules for building one move text out of tables, and some documents of 100 KB keep a
parser busy for minutes. Takes whatever it is given, and never raises.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from turbohtml import Token, TokenType, tokenize

from paceline.delivery.markup import looks_like_html
from paceline.delivery.text_flow import CELL, LINE, NEWLINE, NO_ITEM, PARAGRAPH, Flow

MAX_READ = 256 * 1024  # characters of HTML that are read for one recipient
MAX_INDENT = 8  # levels of lists inside lists that are seen as such


def _named(tags: str) -> frozenset[str]:
    return frozenset(tags.split())


_PARAGRAPHS = _named("p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre table hr figure fieldset")
_LINES = _named(
    "address article aside body caption center dd details div dt figcaption footer form header "
    "html legend li main nav option section summary tbody tfoot thead tr"
)
_BLOCKS = _PARAGRAPHS | _LINES
_LISTS = _named("ul ol menu dir")
_CELLS = _named("td th")
_NEVER_SEEN = _named(
    "audio canvas datalist iframe math noembed noframes object script select style svg template "
    "textarea title video"
)
_VOID = _named("area base br col embed hr img input link meta param source track wbr")
# Elements that end when another of them begins, unless a table or a list has begun in between.
_ENDED_BY_NEXT = {
    "p": _BLOCKS,
    "li": _named("li"),
    "td": _named("td th tr"),
    "th": _named("td th tr"),
    "tr": _named("tr"),
}
_HIDDEN = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|max-height\s*:\s*0(?![.\d]))",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?[0-9]{1,6}")
_TAG = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}")
_STAND_IN = "zq7vx"  # letters, which no address encodes; nobody writes them
_STOOD_IN = re.compile(rf"{_STAND_IN}[0-9]{{1,7}}{_STAND_IN}")


def plain_text(html: str) -> str:
    """The text of some HTML; empty where there is nothing to read in it."""
    reader = Reader()
    reader.read(html)
    return str(reader.flow)


def text_part(html: str) -> str | None:
    """The text part for one recipient; None where there is nothing to read, or too much."""
    return plain_text(html) or None if len(html) <= MAX_READ else None


def text_of_source(html: str) -> str:
    """The text of HTML that is a template, with its tags as they were written."""
    tags = list(dict.fromkeys(_TAG.findall(html)))
    stand_ins = {tag: f"{_STAND_IN}{number}{_STAND_IN}" for number, tag in enumerate(tags)}
    text = plain_text(_TAG.sub(lambda found: stand_ins[found[0]], html))
    written = {stand_in: tag for tag, stand_in in stand_ins.items()}
    return _STOOD_IN.sub(lambda found: written.get(found[0], found[0]), text)


def has_words(body: str) -> bool:
    """Whether there is anything to read in a body, be it HTML or not."""
    return bool(plain_text(body) if looks_like_html(body) else body.strip())


class Position(NamedTuple):
    """What is open at some place of the HTML, as far as it matters for what follows."""

    lists: int
    numbered: int
    preformatted: int
    link: int | None


class Reader:
    """Turns tokens into words and wishes."""

    def __init__(self) -> None:
        self.flow = Flow()
        self._hidden: list[str] = []  # the open elements from the one that is hidden
        self._hidden_open: Counter[str] = Counter()
        self._lists: list[int | None] = []  # the next number of each open list; None: bullets
        self._numbered = 0
        self._preformatted = 0

    @property
    def position(self) -> Position:
        """Where the reader is."""
        return Position(len(self._lists), self._numbered, self._preformatted, self.flow.link)

    def read(self, html: str) -> None:
        """All of it, once."""
        text, start, end = TokenType.TEXT, TokenType.START_TAG, TokenType.END_TAG
        for token in tokenize(html):
            kind = token.type
            if kind is text:
                self._data(token)
            elif kind is start:
                self._start(token)
            elif kind is end:
                self._end(token)
        self.flow.close_link()

    def text(self, data: str) -> None:
        """Some text that is to be seen."""
        if self._preformatted:
            self.flow.lines(data)
        else:
            self.flow.text(data)

    def image(self, description: str) -> None:
        """An image that somebody has described."""
        self.flow.text(description)

    def link(self, href: str) -> None:
        """A link begins."""
        self.flow.open_link(href)

    def started(self, token: Token) -> None:
        """Hears of each start tag, hidden or not, before anything is made of it."""

    def _data(self, token: Token) -> None:
        if not self._hidden and token.data:
            self.text(token.data)

    def _start(self, token: Token) -> None:
        tag = token.tag or ""
        self.started(token)
        if self._hidden and not self._hidden_until(tag):
            return
        if tag in _NEVER_SEEN or _is_hidden(token):
            if tag not in _VOID and not (token.self_closing and tag == "svg"):
                self._hide(tag)
        elif tag == "a":
            self.flow.close_link()
            if href := token.attr("href"):
                self.link(href)
        elif tag == "img":
            self.image(token.attr("alt") or "")
        elif tag == "br":
            self.flow.wish(NEWLINE)
        elif tag in _CELLS:
            self.flow.wish(CELL)
        else:
            self._break(tag)
            self._begin(tag, token)

    def _begin(self, tag: str, token: Token) -> None:
        if tag in _LISTS:
            start = token.attr("start") or ""
            first = int(start) if _NUMBER.fullmatch(start) else 1
            self._lists.append(first if tag == "ol" else None)
            self._numbered += tag == "ol"
        elif tag == "li":
            self.flow.item(self._marker())
        elif tag == "pre":
            self._preformatted += 1

    def _end(self, token: Token) -> None:
        tag = token.tag or ""
        if self._hidden:
            self._unhide(tag)
            return
        if tag == "a":
            self.flow.close_link()
        elif tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        elif tag in _LISTS:
            self.flow.wish(NO_ITEM)
            if self._lists and self._lists.pop() is not None:
                self._numbered -= 1
        elif tag == "li":
            self.flow.wish(NO_ITEM)
        self._break(tag)

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.flow.wish(LINE if self._lists else PARAGRAPH)
        elif tag in _LINES:
            self.flow.wish(LINE)

    def _marker(self) -> str:
        indent = "  " * min(len(self._lists) - 1, MAX_INDENT)
        number = self._lists[-1] if self._lists else None
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "

    def _hide(self, tag: str) -> None:
        self._hidden.append(tag)
        self._hidden_open[tag] += 1

    def _hidden_until(self, tag: str) -> bool:
        """Whether a start tag ends what is hidden; else it is part of that."""
        first = self._hidden[0]
        nested = self._hidden_open["table"] + self._hidden_open["ul"] + self._hidden_open["ol"]
        if tag in _ENDED_BY_NEXT.get(first, ()) and not nested:
            self._hidden.clear()
            self._hidden_open.clear()
            return True
        if tag not in _VOID:
            self._hide(tag)
        return False

    def _unhide(self, tag: str) -> None:
        if not self._hidden_open[tag]:
            # The end of what lies around it, unless it is a stray one.
            if tag in _CELLS or (tag in _BLOCKS and tag != "p"):
                self._hidden.clear()
                self._hidden_open.clear()
            return
        while True:
            last = self._hidden.pop()
            self._hidden_open[last] -= 1
            if last == tag:
                return


def _is_hidden(token: Token) -> bool:
    attributes = token.attrs
    if not attributes:
        return False
    return any(
        name == "hidden" or (name == "style" and _HIDDEN.search(value) is not None)
        for name, value in attributes
    )
