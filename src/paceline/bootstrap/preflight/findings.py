"""One thing that was found out before a start: what is so, where it was set, what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from paceline.errors import SettingsError

Origin = Callable[[str], str | None]
"""Where a setting was made: `set in .env, line 3`; None: nowhere."""


class Weight(IntEnum):
    """What a finding means for the start."""

    FINE = 0
    REMARK = 1  # it works, and is worth knowing
    AWAY = 2  # it does not work now, and may by itself
    WRONG = 3  # it will not work until somebody changes something


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`settings` are the names of those that decide it; `remedy` is an order ("start it")."""

    about: str
    weight: Weight
    says: str
    remedy: str = ""
    settings: tuple[str, ...] = ()

    def line(self, origin: Origin | None = None) -> str:
        """One line, for a person."""
        told = f"{self.about}: {self.says}"
        if self.remedy:
            told += f"; {self.remedy}"
        if origin is None or not self.settings or self.weight is Weight.FINE:
            return told
        made = [f"{name} is {where}" for name in self.settings if (where := origin(name))]
        return f"{told} ({'; '.join(made) or f'{self.settings[0]} is not set'})"


class Unfit(SettingsError):
    """What was found stops the start, and would stop the next one."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(f for f in findings if f.weight is Weight.WRONG)
        super().__init__("; ".join(finding.line() for finding in self.findings))


def heaviest(findings: Sequence[Finding]) -> Weight:
    """The weight of the worst of them."""
    return max((finding.weight for finding in findings), default=Weight.FINE)
