"""What in a message is likely to be wrong, though it can be sent: said before the launch.

Fields as other programs write them (`%FIRSTNAME%`, `*|FNAME|*`, `[[name]]`, `{first_name}`), which
everybody would get as they stand; HTML that is shown instead of read, or that mail programs take
out; images that nobody will see. The patterns of fields are in `lookalikes.py`, those of what is
taken out in `dropped_parts.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from html import escape, unescape
from urllib.parse import unquote

from paceline.delivery import template_rules
from paceline.delivery.comparisons import compared_with_numbers
from paceline.delivery.dropped_parts import dropped_parts
from paceline.delivery.lookalikes import lookalikes
from paceline.delivery.markup import is_text_after_all, looks_like_html
from paceline.delivery.template_spelling import excerpt, quiet_zones, spelled
from paceline.domain.notes import AS_IT_STANDS

MAX_REMARKS = 20  # about one part


_SPINTAX = re.compile(r"(?<![{$#\w])\{[^{}|<>\n=;]{1,60}(?:\|[^{}|<>\n=;]{0,60}){1,12}\}(?!\})")
_COMMENT = re.compile(r"\{#[^{}\n]{1,200}?#\}")
_TO_FILL_IN = re.compile(
    r"\[\s*(?:insert|enter|your|add|put|hier|ihr|votre|tu)\b[^\[\]<>\n]{0,40}\](?!\()",
    re.IGNORECASE,
)
_DATA_IMAGE = re.compile(
    r"src\s{0,9}=\s{0,9}[\"']?\s{0,9}(data:image/[a-z+.-]{1,20})", re.IGNORECASE
)
_SHOWN_HTML = re.compile(
    r"&lt;(?:!doctype|/?(?:p|div|br|table|tr|td|html|head|body|a|span|b|i|u|strong|em|h[1-6]|ul|ol"
    r"|li|img|style|font|center)\b)[^&<>]{0,100}(?:&quot;[^<>]{0,100})?&gt;",
    re.IGNORECASE,
)
_SCRIPT_LINK = re.compile(
    r"href\s{0,9}=\s{0,9}[\"']?\s{0,9}(javascript:[^\"'<>\s]{0,30})", re.IGNORECASE
)
_IMAGE = re.compile(
    r"<img\b[^<>]{0,2000}?\ssrc\s{0,9}=\s{0,9}[\"']?([^\"'<>\s]{1,300})", re.IGNORECASE
)
_INLINE = re.compile(r"[\"'(=]\s{0,9}(cid:[^\"'<>()\s?#]{1,300})", re.IGNORECASE)
_LOCAL_LINK = re.compile(r"(?:href|src)\s{0,9}=\s{0,9}[\"']?(file:[^\"'<>\s]{0,80})", re.IGNORECASE)
_REACHED = re.compile(r"https?://|//|cid:|data:|\ufdd7|file:|%7B", re.IGNORECASE)
_BLOCK = re.compile(r"<(?:br|p|div|td|li|h[1-6]|pre|hr|blockquote|center|tr)\b", re.IGNORECASE)
_TWO_LINES = re.compile(r"[^\s<>][ \t]*\r?\n(?:[ \t]*\r?\n)?[ \t]*[^\s<>]")


def remarks(
    *,
    subject: str,
    text: str | None,
    html: str | None,
    fields: Collection[str] = (),
    inline: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Sentences for the author, each with its part and line. Never raises.

    `fields` are the names of what recipients have, where they are known;
    `inline` those of the images that go along, None where that is not known yet.
    """
    found: list[str] = []
    for part, source in (("subject", subject), ("text", text), ("html", html)):
        if source and source.strip():
            looked_at = _Part(part, source, fields)
            found += looked_at.remarks(has_text=bool(text and text.strip()), inline=inline)
    return tuple(found)


def missing_images(html: str, inline: Collection[str]) -> tuple[str, ...]:
    """The remark on an image that HTML shows by `cid:`, and that does not go along."""
    part = _Part("html", html, ())
    part.images(inline)
    return part.said


class _Part:
    """One part, with what cannot be at fault blotted out, character by character."""

    def __init__(self, part: str, source: str, columns: Collection[str]) -> None:
        self._part = part
        self._is_html = part == "html"
        self._source = spelled(source, html=self._is_html).source
        self._seen = _blotted(self._source, html=self._is_html)
        self._columns = columns
        self._lines: list[str] = []
        self._told: set[str] = set()
        self._covered = bytearray(len(self._seen))  # by what has been told

    def remarks(self, *, has_text: bool, inline: Collection[str] | None) -> list[str]:
        self._fields()
        self._each(_SPINTAX, f"{AS_IT_STANDS}: there are no alternatives to choose from here")
        self._each(_COMMENT, f"{AS_IT_STANDS}: there are no comments here")
        self._each(_TO_FILL_IN, f"{AS_IT_STANDS}: it seems still to be filled in")
        self._comparisons()
        if self._is_html:
            self._html(has_text=has_text)
            if inline is not None:
                self.images(inline)
        return self._lines[:MAX_REMARKS]

    def _fields(self) -> None:
        for found in lookalikes(self._seen, self._columns, html=self._is_html):
            self._tell(*found)

    def _comparisons(self) -> None:
        with suppress(template_rules.RuleBroken):  # refused for that
            for tag, field in compared_with_numbers(template_rules.tags(self._source)):
                self._tell(
                    tag.start,
                    self._source[tag.start : tag.end],
                    "compares with a number, which what comes out of a table is not: "
                    f"write {field} | int",
                )

    def _html(self, *, has_text: bool) -> None:
        source = self._source
        if is_text_after_all(source):
            how = "its line breaks are not shown" if has_text else "it is sent as plain text"
            self._say(f"has no HTML tags: {how}")
        elif (
            looks_like_html(source) and not _BLOCK.search(source) and _TWO_LINES.search(self._seen)
        ):
            self._say("has line breaks that are not shown: write <br> or <p>")
        self._first(
            _DATA_IMAGE,
            "is a data: image, which Gmail and Outlook do not show: attach the file inline, "
            'and write src="cid:" and its name',
        )
        self._first(_SHOWN_HTML, "is shown as text: these are HTML tags that were escaped")
        self._first(_SCRIPT_LINK, "is a link that mail programs take out")
        for position, markup, why in dropped_parts(source):
            self._tell(position, escape(markup), why)
        self._first(_LOCAL_LINK, "leads to a file on your own machine, which nobody else has")
        self._first(
            _IMAGE,
            "leads to no image outside your own site: write its whole address, or "
            "attach it inline and write cid: and its name",
            unless=_REACHED.match,
        )

    @property
    def said(self) -> tuple[str, ...]:
        """All remarks so far."""
        return tuple(self._lines)

    def images(self, inline: Collection[str]) -> None:
        """Those that are shown by `cid:` and do not go along."""
        self._first(
            _INLINE,
            "leads to no image: no file of this name is attached inline",
            unless=lambda link: "\ufdd7" in link or unquote(unescape(link[4:])) in inline,
        )

    def _each(self, regex: re.Pattern[str], why: str) -> None:
        for found in regex.finditer(self._seen):
            self._tell(found.start(), found[0], why)

    def _first(
        self,
        regex: re.Pattern[str],
        why: str,
        *,
        unless: Callable[[str], object] = lambda _: False,
    ) -> None:
        """The first of a kind, which stands for all: one mistake, made everywhere."""
        for found in regex.finditer(self._seen):
            shown = found[found.lastindex or 0]
            if not unless(shown):
                self._tell(found.start(), shown, why)
                return

    def _tell(self, position: int, written: str, why: str) -> None:
        if len(self._lines) >= MAX_REMARKS:
            return
        shown = excerpt(written) if self._is_html else excerpt(escape(written))
        if self._covered[position]:
            return
        self._covered[position : position + len(written)] = b"1" * len(written)
        if shown in self._told:
            return
        self._told.add(shown)
        line = self._seen.count("\n", 0, position) + 1
        self._lines.append(f"{self._part}, line {line}: “{shown}” {why}")

    def _say(self, what: str) -> None:
        self._lines.append(f"{self._part}: {what}")


def _blotted(source: str, *, html: bool) -> str:
    """The source without our own tags and what nobody sees; every position stays."""
    pieces, position = [], 0
    for start, end, mark in sorted([*_tags(source), *_quiet(source, html=html)]):
        if start < position:
            continue
        hidden = "".join(c if c == "\n" else mark for c in source[start:end])
        pieces += [source[position:start], hidden]
        position = end
    return "".join([*pieces, source[position:]])


def _tags(source: str) -> Iterator[tuple[int, int, str]]:
    try:
        for tag in template_rules.tags(source):
            yield tag.start, tag.end, "\ufdd7"
    except template_rules.RuleBroken:
        return  # refused for that


def _quiet(source: str, *, html: bool) -> Iterator[tuple[int, int, str]]:
    if html:
        for start, end in quiet_zones(source):
            yield start, end, " "
