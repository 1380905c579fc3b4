"""Which lists are short: those are counted to the end, and sorted by whatever one likes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_COUNTED = 10_000  # emails of a filtered list; of longer ones it is said that there are more
MAX_SORTED = 5_000  # emails that are sorted anew for each page


class SortBy(StrEnum):
    """What a short list can be sorted by, other than its time."""

    RECIPIENT = "recipient"
    CAMPAIGN = "campaign"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Extent:
    """How many emails a list holds; so many at least where they were not counted to the end."""

    number: int
    is_exact: bool = True

    @property
    def is_short(self) -> bool:
        """Whether it can be sorted by more than its time."""
        return self.is_exact and self.number <= MAX_SORTED
