"""A template without the lines that everybody gets alike: those are encoded once, not per email.

In their place stand marks. The engine renders what is left, which is little, and the marks say
where the lines go.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from paceline.delivery.body_encoding import MAX_FIXED_RUNS, MIN_FIXED, Body, FixedLines
from paceline.delivery.template_rules import Tag

# Of this process alone, so that no value can hold it. ASCII, which Python and the engine handle
# faster.
_MARK = f"\x1f{secrets.token_hex(8)}"  # behind it, the number of the run, as a character
_MARK_OCTETS = _MARK.encode()
_FIRST = ord("0")
_ABOUT_WHITE_SPACE = re.compile(r"(?:\{\{|\{%)-|-(?:\}\}|%\})")


class Skeleton:
    """One part's source. Made by `of`."""

    __slots__ = ("runs", "source", "written")

    def __init__(self, source: str, runs: list[tuple[str, FixedLines]]) -> None:
        self.source = source
        self.runs = [run for _, run in runs]
        self.written = sum(len(lines) for lines, _ in runs)  # characters of them all

    @classmethod
    def of(cls, source: str, tags: Iterable[Tag]) -> Skeleton | None:
        """None where there is nothing to gain, or white space is more than what it looks like.

        `tags` are those of the source. Lines in a loop stay: how often they come out is not known.
        """
        if _ABOUT_WHITE_SPACE.search(source) or "\r" in source.replace("\r\n", ""):
            return None
        pieces: list[str] = []
        runs: list[tuple[str, FixedLines]] = []
        position = loops = 0
        for tag in tags:
            pieces += _cut(source[position : tag.start], runs, after=position > 0, loops=loops)
            pieces.append(source[tag.start : tag.end])
            position = tag.end
            name = tag.tokens[1].text if tag.tokens[1:] and tag.tokens[0].text == "{%" else ""
            loops += (name == "for") - (name == "endfor")
        pieces += _cut(source[position:], runs, after=position > 0, loops=loops, ends=True)
        return cls("".join(pieces), runs) if runs else None

    def filled(self, rendered: str) -> Body | None:
        """What the engine made of it, with the lines put in; None where a value has line ends of
        its own, which may join those around it.

        Raises `UnicodeEncodeError`.
        """
        if "\r" in rendered:
            return None
        own = rendered.replace("\n", "\r\n").encode().split(_MARK_OCTETS)
        fixed = []
        for at, piece in enumerate(own[1:], start=1):
            fixed.append(self.runs[piece[0] - _FIRST])
            own[at] = piece[1:]
        if not own[-1].endswith(b"\n") and (own[-1] or not fixed):
            own[-1] += b"\r\n"
        return Body(own, fixed)


def _cut(
    text: str,
    runs: list[tuple[str, FixedLines]],
    *,
    after: bool,
    loops: int,
    ends: bool = False,
) -> list[str]:
    """Text between tags, its whole lines replaced by a mark where they are enough.

    `after` a tag it begins within a line; unless it `ends` the source, it ends in one.
    """
    text = text.replace("\r\n", "\n")
    begin = text.find("\n") + 1 if after else 0
    # The engine drops the source's last line end, and a message has one anyway.
    end = len(text.removesuffix("\n")) if ends else text.rfind("\n") + 1
    lines = text[begin:end]
    if loops or (after and not begin) or len(lines) < MIN_FIXED or len(runs) == MAX_FIXED_RUNS:
        return [text]
    mark = f"{_MARK}{chr(_FIRST + len(runs))}"
    runs.append((lines, FixedLines.of(lines)))
    return [text[:begin], mark] if ends else [text[:begin], mark, text[end:]]
