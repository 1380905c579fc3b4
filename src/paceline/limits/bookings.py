"""What is said to the counters and what they answer: budgets, bookings, what was spent."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from paceline.errors import OperationalError


class LimitsUnavailable(OperationalError):
    """Redis did not answer, so nothing may be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A sender's own limits. `hourly_limit` None: unlimited."""

    sender_id: uuid.UUID
    hourly_limit: int | None
    min_delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignBudget:
    """One campaign's limits, and how many emails it wants to send now. None: single emails."""

    campaign_id: uuid.UUID | None
    want: int
    hourly_limit: int | None
    min_delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """How many emails of one campaign may go, and how soon."""

    campaign_id: uuid.UUID | None
    granted: int
    wait: timedelta


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # each is one of its own
class Reservation:
    """Where a grant was booked; needed to confirm it, and to settle it."""

    sender_id: uuid.UUID
    hour: datetime  # by Redis' clock
    taken_at: int  # by Redis' clock, ms
    epochs: Mapping[uuid.UUID | None, str]  # of each campaign's counters and, None, of the sender's


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """These may go. Settle each of them, sent or not."""

    reservation: Reservation
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Nothing may go for so long, because of `held_by` (`hourly_limit`, `min_delay`, …)."""

    wait: timedelta
    held_by: str


class SpentSoFar(Protocol):
    """What one counter must hold."""

    @property
    def used_this_hour(self) -> int: ...
    @property
    def last_seconds_ago(self) -> float | None: ...  # negative: one is still under way


SpentSource = Callable[
    [uuid.UUID, Sequence[uuid.UUID], datetime], Awaitable[Mapping[uuid.UUID, SpentSoFar]]
]
"""(sender, campaigns, start of the hour) → what each has spent, from the evidence."""
