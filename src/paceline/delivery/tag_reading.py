"""One tag of a source, read as it was meant: entities, typographic characters, markup and all.

What an editor puts into a tag is taken back here, character by character. Whether the result says
anything is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote

MAX_PIECES = 3_000  # characters, entities and tags of HTML within one tag of ours

MARK = "<(?:/?[a-zA-Z][^<>]{0,1000}|!--[^<>]{0,500}--)>"
INVISIBLE = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_INVISIBLE_ENTITY = "&(?:shy|zwnj|zwj|lrm|rlm|ZeroWidthSpace|NoBreak|#8203|#65279|#173|#x200[bB]);"
GAPS = {
    True: rf"(?:{MARK}|[{INVISIBLE}]|{_INVISIBLE_ENTITY}){{0,12}}",
    False: f"[{INVISIBLE}]{{0,12}}",
}

_PIECE = {
    True: re.compile(
        rf"(?P<markup>{MARK})|(?P<entity>&(?:#[0-9]{{1,7}}|#[xX][0-9a-fA-F]{{1,6}}|"
        r"[a-zA-Z][a-zA-Z0-9]{1,30});)|(?P<char>.)",
        re.DOTALL,
    ),
    False: re.compile(
        r"(?P<markup>(?!))|(?P<entity>&(?:quot|nbsp|amp|lt|gt|#39);)|(?P<char>.)", re.DOTALL
    ),
}
_CLOSING = {
    (second, html): re.compile(("%" if second == "%" else r"\}") + GAPS[html] + r"\}")
    for second in "{%"
    for html in (True, False)
}
_BLOCK = re.compile(r"</?(?:p|div|td|th|tr|table|tbody|li|ul|ol|br|h[1-6])[\s/>]", re.IGNORECASE)
_PERCENT = re.compile(r"%(?:20|22|27|28|29|2C|7C|3C|3E|3D|C2%A0)", re.IGNORECASE)
_MARKUP = re.compile(MARK)
_UNSEEN = re.compile(f"[{INVISIBLE}]")
_DOUBLE, _SINGLE = frozenset('"“”„‟″«»＂'), frozenset("'‘’‚‛′‹›＇")
_MEANT = {
    **dict.fromkeys("–—−‐‑‒", "-"),
    **{"≥": ">=", "≤": "<=", "≠": "!=", "｜": "|", "∣": "|", "（": "(", "）": ")", "，": ","},
}
_ENDS_A_STRING = re.compile(r"\s*(?:[)|,\]}%=!<>~+]|&[a-z#0-9]+;|<|and\b|or\b|else\b|in\b)")


@dataclass
class TagReading:
    """What stands in one tag: its words, and the markup that was among them."""

    opening: str
    end: int = 0
    closed: bool = False
    changed: bool = False  # something stands there that nobody would type
    marked: bool = False  # there is markup outside quotation marks
    before: list[str] = field(default_factory=list)  # markup, up to the first word
    after: list[str] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)
    _joined: list[str] = field(default_factory=list)  # the same, where markup parts no words

    def readings(self) -> list[str]:
        """What the tag may be meant to say, the likeliest first."""
        closing = "}}" if self.opening == "{{" else "%}"
        inner, joined = "".join(self._words), "".join(self._joined)
        readings = [inner, joined] if joined != inner else [inner]
        if _PERCENT.search(inner):
            readings.append(unquote(inner).replace("\u00a0", " "))
        return [f"{self.opening}{reading}{closing}" for reading in readings]

    def markup(self, marks: list[str]) -> None:
        """Tags of HTML within the tag."""
        for mark in marks:
            self.changed = True
            begun = any(word.strip() for word in self._words)
            (self.after if begun else self.before).append(mark)
            if _BLOCK.match(mark):
                self._words.append(" ")

    def add(self, written: str, meant: str) -> None:
        """A character, as it is written and as it is meant."""
        self.changed |= written != meant
        self._words.append(meant)
        if not meant.isspace() or "\n" not in meant:
            self._joined.append(meant)


def read_tag(source: str, opening: re.Match[str], *, html: bool) -> TagReading:
    """The tag that begins with `opening`, up to its end or to where it cannot be one any more."""
    gap = bool(opening["gap"])
    tag = TagReading("{" + opening["second"], changed=gap, marked=gap)
    tag.markup(_MARKUP.findall(opening["gap"]))
    closing, piece_at = _CLOSING[opening["second"], html], _PIECE[html].match
    position, quotes = opening.end(), _Quotes(source)
    for _ in range(MAX_PIECES):
        if not quotes.open:
            if end := closing.match(source, position):
                tag.markup(_MARKUP.findall(end[0]))
                tag.closed, tag.changed = True, tag.changed or len(end[0]) > 2
                position = end.end()
                break
            if source.startswith(("{{", "{%"), position):
                break
        piece = piece_at(source, position)
        if piece is None:
            break
        position = piece.end()
        if piece["markup"]:
            tag.marked |= not quotes.open
            tag.markup([piece[0]])
        else:
            tag.add(piece[0], quotes.meant(unescape(piece[0]), position))
    tag.end = position
    return tag


class _Quotes:
    """Knows what is quoted, by whichever marks, and what each character stands for."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._closing: frozenset[str] = frozenset()
        self._plain = ""

    @property
    def open(self) -> bool:
        return bool(self._plain)

    def meant(self, character: str, position: int) -> str:
        """The character, which ends at `position`, as it would be typed."""
        if self._plain:
            return self._quoted(character, position)
        if character in _DOUBLE or character in _SINGLE:
            kind = _DOUBLE if character in _DOUBLE else _SINGLE
            self._plain = '"' if kind is _DOUBLE else "'"
            self._closing = kind
            return self._plain
        if _UNSEEN.fullmatch(character):
            return ""
        if character.isspace() and character not in " \t\r\n":
            return " "
        return _MEANT.get(character, character)

    def _quoted(self, character: str, position: int) -> str:
        if character == self._plain or (
            character in self._closing and _ENDS_A_STRING.match(self._source, position)
        ):
            plain, self._plain = self._plain, ""
            return plain
        return character
