"""The text part of a campaign whose author gave HTML alone: a template made out of a template.

Owns the proof that this may be done once for all recipients: that rendering the outline and laying
it out says the same as the text of each recipient's HTML would. Where that is not certain there is
no outline, and each recipient's HTML has to be read, which costs several times as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from turbohtml import Token

from paceline.delivery import template_rules
from paceline.delivery.plain_text import Position, Reader
from paceline.delivery.text_flow import INVISIBLE, NO_TEXT

# Of a source that has been checked: values in addresses have brought filters since then.
MAX_TOKENS = 8 * template_rules.MAX_TOKENS
# What stands for a tag while HTML is read: for a value, with a blank in it. That tells a quoted
# attribute from the other places inside a tag, where a value might become anything.
_STAND_IN = re.compile("(\ufdd0([0-9]{1,7}) \ufdd1|\ufdd2([0-9]{1,7})\ufdd3)")
_IN_A_NAME = re.compile("[\ufdd0-\ufdd3]")
# Where a value could become part of its surroundings: of a tag's name, `&am`, `p;` or `--` `>`.
_OPEN_TAG = re.compile(r"<[^\s>]*\Z")
_OPEN_ENTITY = re.compile(r"&[#\w]*\Z")
_NAME = re.compile(r"\w+")
_COMPLETES = re.compile(r"-{0,2}!?>")
# Filters and tests that mean something else where nothing is escaped.
_ABOUT_ESCAPING = frozenset({"safe", "e", "escape", "escaped"})
# Attributes by which a value would decide what is seen, or how.
_DECISIVE = frozenset({"style", "start"})


class Uncertain(Exception):
    """There is no outline that is known to be right for all recipients."""


def outline_of(source: str) -> str:
    """The template whose result, given to `laid_out`, is the text part. Raises `Uncertain`.

    `source` is HTML that the engine has compiled. The outline has no other merge fields, and has
    them under the same conditions.
    """
    if NO_TEXT.search(source):
        raise Uncertain
    if source.endswith("\n"):  # the engine drops the last line end, and `pre` would show it
        source = source[:-1].removesuffix("\r")
    literals, tags = _cut(source)
    reader = _TemplateReader(tags)
    reader.read("".join(_interleaved(literals, map(_stand_in, range(len(tags)), tags))))
    reader.finish()
    # Braces that the HTML spells as entities are no tags.
    text = str(reader.flow).replace("{", "{{ '{' }}")
    return _STAND_IN.sub(lambda found: tags[int(found[2] or found[3])], text)


def _cut(source: str) -> tuple[list[str], list[str]]:
    """The source's tags, without signs for white space, and the literals around them."""
    literals, tags, position = [""], [], 0
    trims = False  # the tag before eats the white space that follows it
    for tag in template_rules.tags(source, most=MAX_TOKENS):
        literal, written = source[position : tag.start], source[tag.start : tag.end]
        literals[-1] += _trimmed(literal, left=trims, right=written[2:3] == "-")
        position, trims = tag.end, written[-3:-2] == "-"
        tags.append(_unsigned(written, tag.tokens))
        literals.append("")
    literals[-1] += _trimmed(source[position:], left=trims, right=False)
    if any(map(_is_open_ended, literals[:-1])) or any(map(_COMPLETES.match, literals[1:])):
        raise Uncertain
    return literals, tags


def _is_open_ended(literal: str) -> bool:
    tag, entity = literal.rfind("<"), literal.rfind("&")
    return bool(
        (tag >= 0 and _OPEN_TAG.match(literal, tag))
        or (entity >= 0 and _OPEN_ENTITY.match(literal, entity))
    )


def _trimmed(literal: str, *, left: bool, right: bool) -> str:
    literal = literal.lstrip() if left else literal
    return literal.rstrip() if right else literal


def _unsigned(written: str, tokens: Sequence[template_rules.Token]) -> str:
    if not tokens:
        raise Uncertain  # a raw block
    for before, token in pairwise(tokens):
        if token.text in _ABOUT_ESCAPING and before.text in ("|", "is", "not"):
            raise Uncertain
    start = 3 if written[2] in "-+" else 2
    end = -3 if written[-3] in "-+" else -2
    return f"{written[:2]} {written[start:end].strip()} {written[-2:]}"


def _stand_in(number: int, tag: str) -> str:
    return f"\ufdd2{number}\ufdd3" if tag.startswith("{%") else f"\ufdd0{number} \ufdd1"


def _interleaved(literals: Sequence[str], others: Iterator[str]) -> Iterator[str]:
    yield literals[0]
    for other, literal in zip(others, literals[1:], strict=True):
        yield other
        yield literal


class _TemplateReader(Reader):
    """Reads HTML with stand-ins. Everything that could depend on a value raises `Uncertain`."""

    def __init__(self, tags: Sequence[str]) -> None:
        super().__init__()
        self._tags = tags
        self._next = 0  # the number below which no stand-in may come any more
        self._statements_left = sum(tag.startswith("{%") for tag in tags)
        self._open: list[Position] = []  # where each construct that is open has begun

    def finish(self) -> None:
        """Everything has been read. A statement that is not seen might still decide what is."""
        if self._statements_left:
            raise Uncertain

    def text(self, data: str) -> None:
        self._mixed(data, attribute=False)

    def image(self, description: str) -> None:
        self._mixed(description, attribute=True)

    def link(self, href: str) -> None:
        pieces = _STAND_IN.split(href)
        if any(map(NO_TEXT.search, pieces[::4])) or any(pieces[3::4]):
            raise Uncertain
        for number in pieces[2::4]:
            self._in_order(int(number))
        self.flow.open_link(href, is_template=len(pieces) > 1)

    def started(self, token: Token) -> None:
        if _IN_A_NAME.search(token.tag or ""):
            raise Uncertain
        for name, value in token.attrs or ():
            if _IN_A_NAME.search(name) or (name in _DECISIVE and _STAND_IN.search(value)):
                raise Uncertain

    def _mixed(self, data: str, *, attribute: bool) -> None:
        pieces = _STAND_IN.split(data)
        if len(pieces) > 1 and (self.position.preformatted or INVISIBLE.search(data)):
            raise Uncertain
        for place in range(0, len(pieces), 4):
            if NO_TEXT.search(pieces[place]):
                raise Uncertain
            if place:
                self._tag(*pieces[place - 3 : place], attribute=attribute)
            (self.flow.text if attribute else super().text)(pieces[place])

    def _tag(
        self, stand_in: str, value: str | None, statement: str | None, *, attribute: bool
    ) -> None:
        self._in_order(int(value or statement or 0))
        if statement:
            if attribute:
                raise Uncertain
            self._statement(self._tags[int(statement)])
        self.flow.template(stand_in, is_value=not statement)

    def _in_order(self, number: int) -> None:
        """An entity may spell a stand-in, but cannot be in its place."""
        if not self._next <= number < len(self._tags):
            raise Uncertain
        self._next = number + 1

    def _statement(self, tag: str) -> None:
        """All tags of a construct must stand in one place: then so does what is between them."""
        self._statements_left -= 1
        found = _NAME.search(tag)
        name = found[0] if found else ""
        here = self.position
        if here.numbered:
            raise Uncertain  # how many items there are is not known
        if name in ("if", "for"):
            self._open.append(here)
        elif not self._open or self._open[-1] != here:
            raise Uncertain
        elif name.startswith("end"):
            self._open.pop()
