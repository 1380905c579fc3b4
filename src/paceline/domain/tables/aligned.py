"""Tables whose columns are held apart by blanks alone, as reports and terminals print them.

A column begins where, on each line that was looked at, at least two blanks end; below a rule of
dashes it begins where they do. A line that runs over an edge is cut at its own blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from paceline.domain.addresses import looks_like_an_address
from paceline.domain.tables.lines import Lines, is_rule
from paceline.domain.tables.rows import Row

_MAX_LINES = 200  # looked at
_MIN_ROWS = 2  # with an address, below a header
_MIN_SHARE = 0.8  # of the lines with an @ must have an address in a column
_GAP = re.compile(r" {2,}")
_DASHES = re.compile(r"[-=]+")


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the columns begin, in characters from 0."""

    starts: tuple[int, ...]

    def cut(self, line: str) -> list[str]:
        """The cells of a line."""
        within = self.starts[1:]
        if any(edge < len(line) and " " not in line[edge - 1 : edge + 1] for edge in within):
            cells = _GAP.split(line.strip())
            if len(cells) == len(self.starts):
                return cells
        ends = (*within, len(line))
        return [line[a:b].strip() for a, b in zip((0, *within), ends, strict=True)]


class AlignedRows:
    """Cuts text into rows at the same edges everywhere."""

    def __init__(self, edges: Edges, *, first_line: int = 1) -> None:
        self._edges = edges
        self._lines = Lines(first_line=first_line)

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The rows that this piece completes."""
        for number, line in self._lines.feed(text, final=final):
            if line.strip() and not is_rule(line):
                yield Row(number, self._edges.cut(line.rstrip()))


def aligned_edges(text: str, *, final: bool) -> Edges | None:
    """The edges of a table that begins so; None where blanks hold no columns apart."""
    lines = [line.rstrip() for line in text.splitlines()[:_MAX_LINES]]
    if not final and lines:
        del lines[-1]  # cut anywhere
    rows = [i for i, line in enumerate(lines) if "@" in line]
    if len(rows) < _MIN_ROWS or not rows[0] or any("\t" in lines[i] for i in rows):
        return None
    table = [lines[i] for i in rows]
    above = [line for line in lines[: rows[0]] if line.strip()]
    rule = above.pop() if above and is_rule(above[-1]) else None
    if not above:
        return None
    edges = Edges(_below_dashes(rule) if rule else _after_blanks([above[-1], *table]))
    if len(edges.starts) < 2:
        return None
    with_address = sum(any(map(looks_like_an_address, edges.cut(line))) for line in table)
    return edges if with_address >= _MIN_SHARE * len(table) else None


def _below_dashes(rule: str) -> tuple[int, ...]:
    return tuple(matched.start() for matched in _DASHES.finditer(rule))


def _after_blanks(lines: Sequence[str]) -> tuple[int, ...]:
    width = max(map(len, lines))
    filled = [False] * width
    for line in lines:
        for matched in re.finditer(r"\S+", line):
            filled[matched.start() : matched.end()] = [True] * len(matched[0])
    return tuple(
        at
        for at, is_filled in enumerate(filled)
        if is_filled and (at == 0 or not any(filled[max(at - 2, 0) : at]))
    )
