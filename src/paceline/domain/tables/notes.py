"""What a reader comes across below the first rows, and tells at the end: a sentence each."""

from __future__ import annotations

from collections.abc import Sequence

from paceline.domain.printing import printable

_MAX_LINES = 5  # named in a sentence
_MAX_SHOWN = 100  # characters of one
_MAX_ADDRESSES = 20  # and of addresses that nobody writes to


class Notes:
    """Collects lines, bounded; counts all."""

    def __init__(self) -> None:
        self._several: list[int] = []
        self._not_taken: list[str] = []
        self._count_not_taken = 0
        self._joined: list[int] = []
        self._count_several = self._count_joined = 0

    def several(self, line: int, more: Sequence[str]) -> None:
        """A cell held more than one address: these as well."""
        if more:
            self._count_several += 1
            self._count_not_taken += len(more)
            self._not_taken += more[: _MAX_ADDRESSES - len(self._not_taken)]
            if len(self._several) < _MAX_LINES:
                self._several.append(line)

    def joined(self, line: int) -> None:
        """The header came again."""
        self._count_joined += 1
        if len(self._joined) < _MAX_LINES:
            self._joined.append(line)

    def _others(self) -> str:
        more = self._count_not_taken - len(self._not_taken)
        told = ", ".join(address[:_MAX_SHOWN] for address in self._not_taken)
        return printable(told) + (f" and {more:,} more" if more else "")

    def told(self, *, empty: bool) -> tuple[str, ...]:
        """The sentences. `empty`: no row was read at all."""
        found = []
        if empty:
            found.append("the table has a header and nobody below it")
        if self._count_several:
            found.append(
                f"more than one address in a cell, of which the first was taken: "
                f"{_lines(self._several, self._count_several)}; not written to: "
                f"{self._others()}. Give each a row of its own to write to it, too"
            )
        if self._count_joined:
            found.append(
                f"the header again, as where files were joined: "
                f"{_lines(self._joined, self._count_joined)}"
            )
        return tuple(found)


def _lines(lines: list[int], count: int) -> str:
    named = ", ".join(map(str, lines))
    more = f" and {count - len(lines):,} more" if count > len(lines) else ""
    return f"line{'s' if count > 1 else ''} {named}{more}"
