"""Reads merge fields that an editor has changed as what they stand for, once per campaign.

Editors put `&nbsp;`, curly quotes, entities, percent signs and markup into what somebody typed as
`{{ first_name }}`. Inside the braces these are taken back; markup moves outside, in its order, so
that the HTML around stays as sound as it was. A tag that is none of ours even so is reported with
its text, unless nobody would see it: in a style sheet, a script or a comment it stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

from paceline.delivery.foreign_tags import STRING, advice, hyphenated
from paceline.delivery.tag_reading import GAPS, INVISIBLE, MARK, MAX_PIECES, TagReading, read_tag
from paceline.delivery.template_engine import reads

MAX_FOREIGN = 20  # reported at once
MAX_READ = 20_000  # tags that are looked at closely
MAX_EXCERPT = 60  # characters

_OPENING = {
    html: re.compile(rf"\{{(?P<gap>{GAPS[html]})(?P<second>[{{%])") for html in (True, False)
}
# Nearly every tag: nothing in it that an editor makes. It needs only to be understood.
_QUOTED = r"""\"[ !#-$'-;=?-\[\]-z|~]{0,200}\"|'[ !-$(-;=?-\[\]-z|~]{0,200}'"""
_INSIDE = rf"(?:[ !#$(-;=?-\[\]-z|~\t\r\n]|{_QUOTED}){{0,4000}}"
_TYPED = re.compile(rf"\{{\{{{_INSIDE}\}}\}}(?!\}})|\{{%{_INSIDE}%\}}")
_ENCODED = re.compile(
    r"%7B%7B(?P<field>(?:(?!%7[BD])[^<>\"'\s{}]){1,300})%7D%7D"
    r"|%7B(?:%25|%)(?P<statement>(?:(?!%7[BD])[^<>\"'\s{}]){1,300}?)(?:%25|%)%7D",
    re.IGNORECASE,
)
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_ENDRAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_QUIET = re.compile(r"<(?:(style|script)(?=[\s>])|!--)", re.IGNORECASE)
_STRIPPED = re.compile(MARK)
_UNSEEN = re.compile(f"[{INVISIBLE}]")
_PART = re.compile(r"(?<![\w.)\]])(?!loop\.)[A-Za-z_]\w*\.[A-Za-z_][\w.]*(?![\w(])")

# Nobody subtracts a word: it is the title of a column, or another program's field.
_HYPHENATED = re.compile(r"\{\{\s*[A-Za-z_]\w*(?:-[A-Za-z_]\w*)+\s*(?:\|.*)?\}\}", re.DOTALL)


class Foreign(NamedTuple):
    """A tag that is none of ours: where it stands, what it says, and what to write instead."""

    line: int
    excerpt: str
    advice: str

    def __str__(self) -> str:
        return f"line {self.line}: “{self.excerpt}” {self.advice}"


class Spelled(NamedTuple):
    """The source as it is meant, and what in it cannot be meant for us."""

    source: str
    foreign: tuple[Foreign, ...]


def spelled(source: str, *, html: bool) -> Spelled:
    """A source with every tag of ours as it would be typed. Never raises."""
    if "{" not in source and "%7" not in source:
        return Spelled(source, ())
    if html and "%7" in source:
        source = _ENCODED.sub(_decoded, source)
    return _Speller(source, html=html).spelled()


def excerpt(text: str) -> str:
    """A piece of a source as a report shows it: on one line, without markup, of bounded length."""
    shown = _plain(text)
    return shown if len(shown) <= MAX_EXCERPT else shown[: MAX_EXCERPT - 1] + "…"


def _plain(text: str) -> str:
    return " ".join(_UNSEEN.sub("", unescape(_STRIPPED.sub("", text))).split())


def _decoded(found: re.Match[str]) -> str:
    inner = unquote(found["field"] or found["statement"])
    tag = f"{{{{{inner}}}}}" if found["field"] else f"{{%{inner}%}}"
    return tag if reads(_plain(tag)) else found[0]


class _Speller:
    """Goes through one source."""

    def __init__(self, source: str, *, html: bool) -> None:
        self._source = source
        self._html = html
        self._made: list[str] = []
        self._foreign: list[Foreign] = []
        self._known: dict[str, bool] = {}
        self._has_sections = "{{#" in source
        self._quiet = quiet_zones(source) if html else []

    def spelled(self) -> Spelled:
        source, position = self._source, 0
        opening = _OPENING[self._html]
        for _ in range(MAX_READ):
            found = opening.search(source, position)
            if found is None or len(self._foreign) == MAX_FOREIGN:
                break
            self._made.append(source[position : found.start()])
            position = self._tag(found)
        self._made.append(source[position:])
        return Spelled("".join(self._made), tuple(self._foreign))

    def _tag(self, found: re.Match[str]) -> int:
        """One tag, put into what is made; returns where it ends."""
        source, start = self._source, found.start()
        if raw := _RAW.match(source, start):
            end = _ENDRAW.search(source, raw.end())
            return self._keep(start, end.end() if end else len(source))
        if typed := _TYPED.match(source, start):
            sound = self._is_sound(typed[0])
            return (self._keep if sound else self._report)(start, typed.end())
        if source.startswith("{{{", start):
            end_at = source.find("}}}", start, start + MAX_PIECES)
            return self._report(start, end_at + 3 if end_at >= 0 else start + 3)
        tag = read_tag(source, found, html=self._html)
        return self._put(start, tag) if tag.closed else self._unclosed(found, tag)

    def _put(self, start: int, tag: TagReading) -> int:
        written = self._source[start : tag.end]
        # `<b` may be a comparison, and markup that is quoted may be meant to be there.
        as_typed = not tag.changed or ("<" in written and (tag.opening == "{%" or not tag.marked))
        if as_typed and self._is_sound(written):
            return self._keep(start, tag.end)
        for reading in tag.readings():
            if self._is_sound(reading):
                self._made += [*tag.before, reading, *tag.after]
                return tag.end
        return self._report(start, tag.end)

    def _is_sound(self, tag: str) -> bool:
        known = self._known.get(tag)
        if known is None:
            known = self._known[tag] = reads(tag) and not self._is_other(tag)
        return known

    def _is_other(self, tag: str) -> bool:
        """Whether the engine reads it, and it means something only to another program."""
        if len(tag) > MAX_PIECES:
            return False
        return bool(
            _PART.search(STRING.sub("''", tag))
            or _HYPHENATED.fullmatch(tag)
            or (tag.startswith("{%") and hyphenated(tag))
            or (self._has_sections and tag.strip("{} ") == "this")
        )

    def _unclosed(self, found: re.Match[str], tag: TagReading) -> int:
        """A tag whose end was not found; an apostrophe may be to blame."""
        if tag.end - found.end() >= MAX_PIECES:
            return self._keep(found.start(), len(self._source))  # too long, and refused as that
        if found["gap"]:
            return self._keep(found.start(), found.end())  # two braces by chance
        start, closing = found.start(), "}}" if tag.opening == "{{" else "%}"
        end = self._source.find(closing, found.end(), tag.end)
        if end >= 0:
            return self._report(start, end + 2)
        end = max(found.end(), min(tag.end, start + MAX_EXCERPT))
        return self._report(start, end, why=f"is not closed with {closing}")

    def _report(self, start: int, end: int, *, why: str = "") -> int:
        written = self._source[start:end]
        if self._is_quiet(start):
            self._made.append(written.replace("{", "{{ '{' }}"))
            return end
        line = self._source.count("\n", 0, start) + 1
        shown = excerpt(written)
        self._foreign.append(Foreign(line, shown, why or advice(_plain(written))))
        return self._keep(start, end)

    def _keep(self, start: int, end: int) -> int:
        self._made.append(self._source[start:end])
        return end

    def _is_quiet(self, position: int) -> bool:
        place = bisect_right(self._quiet, (position, len(self._source) + 1)) - 1
        return place >= 0 and position < self._quiet[place][1]


def quiet_zones(source: str) -> list[tuple[int, int]]:
    """Where nobody would see a tag: style sheets, scripts and comments."""
    zones, position = [], 0
    lowered = source.lower()
    while found := _QUIET.search(source, position):
        closing = f"</{found[1].lower()}" if found[1] else "-->"
        end = lowered.find(closing, found.end())
        position = len(source) if end < 0 else end + len(closing)
        zones.append((found.start(), position))
    return zones
