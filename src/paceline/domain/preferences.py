"""What a person prefers about the dashboard; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Theme(StrEnum):
    """Light, dark, or as their system has it."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """`time_zone` is an IANA name; None: as each browser says."""

    time_zone: str | None = None
    theme: Theme = Theme.SYSTEM


DEFAULTS = Preferences()
