"""What a person prefers about the dashboard; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Theme(StrEnum):
    """Light, dark, or as their system has it."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Notice(StrEnum):
    """What a browser may tell of, also while somebody looks elsewhere."""

    FINISHED = "finished"  # a campaign
    SENDER = "sender"  # one that cannot send until somebody mends it
    TROUBLE = "trouble"  # emails that failed, or are in doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """`time_zone` is an IANA name; None: as each browser says. No `notices`, unless chosen."""

    time_zone: str | None = None
    theme: Theme = Theme.SYSTEM
    notices: frozenset[Notice] = frozenset()


DEFAULTS = Preferences()
