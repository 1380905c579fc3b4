"""Words and the breaks between them, put together into plain text.

Owns what stands between two words: a break is a wish, and of several wishes the widest is granted,
so that there are no blank lines in a row and no trailing blanks. What stands beside a piece of a
template cannot be known before that is rendered: there the wishes are written down as marks, and
`laid_out` reads them again for each recipient. Knows nothing of HTML or of template syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# A mark is a control character, which has no business in any text, and a letter. ASCII, so that the
# outline of an ASCII text is one too, which Python and the engine handle faster.
_MARK = "\x02"
SPACE, CELL, LINE, PARAGRAPH = f"{_MARK}s", f"{_MARK}c", f"{_MARK}l", f"{_MARK}p"
NEWLINE, NO_ITEM = f"{_MARK}n", f"{_MARK}x"
_ITEM, _VALUE, _LINK, _END, _LINK_END = (_MARK + letter for letter in "iva./")
NO_TEXT = re.compile(f"[\0{_MARK}\ufdd0-\ufdef]")  # with the noncharacters (Unicode §23.7)
# Alone between blanks they are there to pad the preview line of a mailbox.
INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff]")
_PADDING = re.compile(rf"(?<!\S)[\s{INVISIBLE.pattern[1:-1]}]+(?!\S)")
_LINE_ENDS = re.compile("[\t\r\n]")

_WIDTH = {SPACE: 1, CELL: 2, LINE: 3, PARAGRAPH: 4}
_BETWEEN = ("", " ", "  ", "\n", "\n\n")
_NOT_TO_BE_WRITTEN = re.compile(r"(?:javascript|vbscript|data|cid|about):", re.IGNORECASE)
_SELF_EVIDENT = re.compile(r"(?:mailto|tel|sms):(?://)?", re.IGNORECASE)


class Flow:
    """Takes words, wishes for breaks and links in their order."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._wishes: list[str] = []
        self._begun = False
        self._settled = True  # no piece of a template stands between the last word and here
        self._link: tuple[int, str] | None = None  # where its target goes, and that
        self._link_begins = -1  # its first word
        self._link_settled = True

    def wish(self, mark: str) -> None:
        """SPACE, CELL, LINE or PARAGRAPH: at least that; NEWLINE: one more; NO_ITEM: no marker."""
        if mark == NEWLINE or not self._wishes or self._wishes[-1] != mark:
            self._wishes.append(mark)

    def item(self, marker: str) -> None:
        """A list item begins: on a line of its own, with its marker, once there is a word in it."""
        self._wishes.append(f"{_ITEM}{marker}{_END}")

    def text(self, text: str) -> None:
        """Words with white space between them, of which only the words count."""
        text = _legible(text)
        words = " ".join(text.split())
        if text[:1].isspace():
            self.wish(SPACE)
        if words:
            self.word(words)
            if text[-1].isspace():
                self.wish(SPACE)

    def lines(self, text: str) -> None:
        """Text whose line breaks and indentation count."""
        for place, line in enumerate(NO_TEXT.sub("", text).split("\n")):
            if place:
                self.wish(NEWLINE)
            if line.strip():
                self.word(line.rstrip())

    def word(self, word: str) -> None:
        """One or several words that are to stay as they are; not empty."""
        if self._settled:
            self._pieces.append(_between(self._wishes, begun=self._begun))
            self._wishes.clear()
        else:
            self._write_wishes()
        if self._link_begins < 0:
            self._link_begins = len(self._pieces)
        self._pieces.append(word)
        self._begun = self._settled = True

    def template(self, source: str, *, is_value: bool) -> None:
        """A piece of a template; what a value becomes is treated like `text`."""
        self._write_wishes()
        self._pieces.append(f"{_VALUE}{source}{_END}" if is_value else source)
        self._settled = self._link_settled = False
        self._begun = True

    def open_link(self, target: str, *, is_template: bool = False) -> None:
        """What follows leads to `target`, as it stands in `href`."""
        self._link = len(self._pieces), target
        self._link_begins = -1
        self._link_settled = not is_template
        self._settled = self._settled and not is_template
        self._pieces.append("")

    def close_link(self) -> None:
        """The target goes behind the words, unless they say it; without words, in their place."""
        if self._link is None:
            return
        (at, href), self._link = self._link, None
        if not self._link_settled:
            self._pieces[at] = f"{_LINK}{href}{_END}"
            self.template(_LINK_END, is_value=False)
        elif target := _target(href):
            if self._link_begins < 0:
                self.wish(SPACE)
                self.word(target)
                self.wish(SPACE)
            elif not _says(target, "".join(self._pieces[self._link_begins :])):
                self._pieces.append(f" ({target})")

    @property
    def link(self) -> int | None:
        """Which link is open."""
        return None if self._link is None else self._link[0]

    def __str__(self) -> str:
        return "".join(self._pieces)

    def _write_wishes(self) -> None:
        self._pieces += self._wishes
        self._wishes.clear()


def laid_out(outline: str) -> str:
    """The text of a `Flow` whose template pieces have been rendered. Takes whatever it is given."""
    flow = Flow()
    first, *marked = outline.split(_MARK)
    if first:
        flow.word(first)
    for piece in marked:
        act, rest = _ACTS.get(piece[:1]), piece[1:]
        if act is not None:
            act(flow, rest)
        else:
            if piece[:1] in _WISHES:
                flow.wish(_MARK + piece[0])
            if rest:
                flow.word(rest)
    flow.close_link()
    return str(flow)


def _end_link(flow: Flow, rest: str) -> None:
    flow.close_link()
    if rest:
        flow.word(rest)


# What to do with the text behind a mark; after the others it stands for itself.
_ACTS: dict[str, Callable[[Flow, str], None]] = {
    _ITEM[1]: Flow.item,
    _VALUE[1]: Flow.text,
    _LINK[1]: Flow.open_link,
    _LINK_END[1]: _end_link,
}
_WISHES = frozenset(mark[1] for mark in (SPACE, CELL, LINE, PARAGRAPH, NEWLINE, NO_ITEM))


def _between(wishes: list[str], *, begun: bool) -> str:
    width, marker = 0, ""
    for wish in wishes:
        if wish.startswith(_ITEM):
            width, marker = max(width, _WIDTH[LINE]), wish[2:-2]
        elif wish == NO_ITEM:
            marker = ""
        elif marker:
            pass  # an item's first word stands beside its marker, whatever it is wrapped in
        elif wish == NEWLINE:
            width = _WIDTH[LINE] if width < _WIDTH[LINE] else _WIDTH[PARAGRAPH]
        else:
            width = max(width, _WIDTH[wish])
    return (_BETWEEN[width] if begun else "") + marker


def _legible(text: str) -> str:
    """Without what is no text, and without what is invisible and stands alone."""
    if text.isascii():
        return text.replace("\0", "").replace(_MARK, "")
    return NO_TEXT.sub("", _PADDING.sub(" ", text))


def _target(href: str) -> str:
    """A link's target as people should read it; empty where it leads nowhere else."""
    target = "%20".join(_LINE_ENDS.sub("", NO_TEXT.sub("", href)).split())  # as browsers do
    if target.startswith("#") or _NOT_TO_BE_WRITTEN.match(target):
        return ""
    scheme = _SELF_EVIDENT.match(target)
    return target[scheme.end() :].partition("?")[0] if scheme else target


def _says(target: str, words: str) -> bool:
    return words.strip().rstrip("/") == target.rstrip("/")
