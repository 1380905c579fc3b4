"""Which emails this process may still send: their leases, by a clock that cannot jump.

The database fences late *writes*; only this can stop a late *dot*. A worker that was frozen longer
than its lease comes back believing that nothing has happened, and the guard asks here before the
last three bytes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from paceline import clock
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.ledger import Attempt

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """How long a lease lasts, how often it is renewed, and how early the guard gives it up."""

    lease: timedelta = timedelta(seconds=12)
    heartbeat: timedelta = timedelta(seconds=4)
    guard_margin: timedelta = timedelta(seconds=3)


class Leases:
    """The attempts in the hands of this process and when each lease was last asked for."""

    def __init__(
        self,
        heartbeat: Callable[[Collection[Attempt]], Awaitable[dict[Attempt, bool]]],
        *,
        terms: LeaseTerms,
    ) -> None:
        self._heartbeat = heartbeat
        self._terms = terms
        self._usable = (terms.lease - terms.guard_margin).total_seconds()
        self._asked_at: dict[Attempt, float] = {}
        self._trouble = Trouble(log, "leases are not renewed")

    def hold(self, attempt: Attempt, *, asked_at: float) -> None:
        """Note a lease that was granted to a request made at `asked_at` (boot time, seconds).

        The request's time, not the answer's: a process frozen in between must not count the
        answer as fresh.
        """
        self._asked_at[attempt] = asked_at

    def drop(self, attempt: Attempt) -> None:
        """The attempt is over."""
        self._asked_at.pop(attempt, None)

    @property
    def held(self) -> int:
        """Emails in the hands of this process: claimed, and not yet said how they ended."""
        return len(self._asked_at)

    def is_ours(self, attempt: Attempt) -> bool:
        """Whether the lease certainly holds right now."""
        asked_at = self._asked_at.get(attempt)
        return asked_at is not None and clock.boottime() - asked_at < self._usable

    async def run(self) -> None:
        """Renew all leases, one statement per beat, until cancelled."""
        while True:
            await asyncio.sleep(self._terms.heartbeat.total_seconds())
            if self._asked_at:
                await self._beat()

    async def _beat(self) -> None:
        held = list(self._asked_at)
        asked_at = clock.boottime()
        try:
            ours = await self._heartbeat(held)
        except OperationalError as error:
            self._trouble.met(error)
            return
        self._trouble.over()
        for attempt in held:
            if attempt not in self._asked_at:
                continue  # finished meanwhile
            if attempt not in ours:
                self.drop(attempt)
            elif ours[attempt]:
                self._asked_at[attempt] = asked_at
