"""What a migration does to those who are at work meanwhile. Each says it in its `EFFECT`.

It is about tables that were there before: those that it makes are nobody's yet. A test compares all
of it with what PostgreSQL does (`test_what_migrations_do.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# For what was taken away when no release had it yet. No migration after 0029 may say it.
BEFORE_ANY_RELEASE = "before any release"


class Lock(StrEnum):
    """PostgreSQL's names, from the weakest to the strongest."""

    ROW_EXCLUSIVE = "ROW EXCLUSIVE"  # everybody reads and writes, but for the rows it writes
    SHARE = "SHARE"  # everybody reads, nobody writes
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"  # the same
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"  # nobody reads or writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What happens to which table; locks are held until the migration ends."""

    locks: Mapping[str, Lock] = field(default_factory=dict)  # the strongest of each table
    rewrites: tuple[str, ...] = ()  # every row, into a new file
    reads: tuple[str, ...] = ()  # every row, for an index or a check
    backfills: tuple[str, ...] = ()  # some rows
    # What older code used and does not find again → the release since which nothing uses it.
    # `emails.subject`, `campaigns`, `searched()`; `users.email null`: now it must have a value.
    contracts: Mapping[str, str] = field(default_factory=dict)

    @property
    def goes_on(self) -> str:
        """Since which release code can work beside it; "" for all."""
        return max(self.contracts.values(), default="", key=_age)


def _age(release: str) -> tuple[int, ...]:
    if release == BEFORE_ANY_RELEASE:
        return (0,)
    return tuple(int(part) for part in release.split("."))
