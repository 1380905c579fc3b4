"""One claimed email's way out: its slot, the message, the guard before the dot, the record.

Owns the order: what the limits were told comes before what the ledger is told, and the lease is
held until the outcome is on disk.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from paceline import clock
from paceline.delivery import Pool
from paceline.errors import DomainError, OperationalError
from paceline.limits import Limits, Reservation
from paceline.persistence.group_commit import GroupCommit
from paceline.persistence.ledger import Attempt, Claim, Outcome
from paceline.services.consequences import (
    Consequence,
    History,
    consequence,
    released,
    unsendable,
)
from paceline.services.content import Content, Identity
from paceline.services.leases import Leases

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One claimed email, with the booking it uses."""

    claim: Claim
    identity: Identity
    reservation: Reservation
    one_at_a_time: bool  # a minimum delay is measured from its end
    ready_at: float  # boot time, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The ledger's two marks that are group-committed over all lanes of the process."""

    write_ahead: GroupCommit[Attempt, bool]
    record: GroupCommit[Outcome, bool]


class Handover:
    """Hands emails over, for all lanes of a process."""

    def __init__(
        self,
        *,
        marks: Marks,
        leases: Leases,
        limits: Limits,
        content: Content,
        pool: Pool,
        in_flight: asyncio.Semaphore,
        stopping: asyncio.Event,
    ) -> None:
        self._marks = marks
        self._leases = leases
        self._limits = limits
        self._content = content
        self._pool = pool
        self._in_flight = in_flight
        self._stopping = stopping

    async def hand_over(self, job: Job) -> Consequence | None:
        """Send one email. None: handed back, since the worker is stopping.

        What came of it is to be `record`ed by the caller, whatever else happens.
        """
        await self.pause(job.ready_at - clock.boottime())
        if self._stopping.is_set():
            await self.hand_back([job])
            return None
        async with self._in_flight:
            result = await self._deliver(job)
        await self._settle(job, left=result.left)
        return result

    async def hand_back(self, jobs: Sequence[Job]) -> None:
        """Release what was claimed and not begun: it waits again as it did before."""
        for reservation, unused in _unused(jobs):
            await self.give_back(reservation, unused=unused)
        await asyncio.gather(
            *(self.record(released(j.claim.attempt, deferrals=j.claim.deferrals)) for j in jobs)
        )

    async def give_back(
        self, reservation: Reservation, *, unused: Mapping[uuid.UUID | None, int]
    ) -> None:
        """Return bookings to the limits."""
        await self._tell_limits(reservation, unused=unused, left={})

    async def pause(self, seconds: float) -> None:
        """Wait on the spot; a stopping worker waits for nothing."""
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _deliver(self, job: Job) -> Consequence:
        claim = job.claim
        try:
            message = self._content.message(claim, job.identity)
        except DomainError as error:
            return unsendable(claim.attempt, str(error))
        result = await self._pool.send(
            job.identity.account,
            message.envelope,
            message.content,
            guard=lambda: self._may_leave(claim.attempt),
        )
        # Both times are the database's, so that no clock of this machine decides an expiry.
        history = History(deferrals=claim.deferrals, age=claim.due_at - claim.scheduled_at)
        return consequence(claim.attempt, result, history, roll=random.random())

    async def _may_leave(self, attempt: Attempt) -> bool:
        """The guard before the final dot: written ahead, and the lease certainly still ours."""
        asked_at = clock.boottime()
        try:
            if not await self._marks.write_ahead.submit(attempt):
                return False
        except OperationalError as error:
            log.warning("not written ahead, so not sent: %s", error)
            return False
        self._leases.hold(attempt, asked_at=asked_at)
        return self._leases.is_ours(attempt)

    async def _settle(self, job: Job, *, left: bool) -> None:
        if left and not job.one_at_a_time:
            return  # the booking is used up as it was made
        campaign = job.claim.campaign_id
        await self._tell_limits(
            job.reservation,
            unused={} if left else {campaign: 1},
            left={campaign: 1} if left else {},
        )

    async def _tell_limits(
        self,
        reservation: Reservation,
        *,
        unused: Mapping[uuid.UUID | None, int],
        left: Mapping[uuid.UUID | None, int],
    ) -> None:
        try:
            await self._limits.settle(reservation, unused=unused, left=left)
        except OperationalError as error:
            # The counters stay too high, which errs on the side of sending less; the outcome of
            # the email must be recorded all the same.
            log.warning("limits not settled: %s", error)

    async def record(self, outcome: Outcome) -> None:
        """Write down how an attempt ended; returns when it is on disk."""
        if not await self._marks.record.submit(outcome):
            log.warning(
                "attempt %d of email %s ended as %s after its lease: kept as evidence",
                outcome.attempt.number,
                outcome.attempt.email_id,
                outcome.evidence,
            )
        self._leases.drop(outcome.attempt)


def _unused(jobs: Sequence[Job]) -> Iterator[tuple[Reservation, Counter[uuid.UUID | None]]]:
    by_reservation: dict[Reservation, Counter[uuid.UUID | None]] = {}
    for job in jobs:
        by_reservation.setdefault(job.reservation, Counter())[job.claim.campaign_id] += 1
    yield from by_reservation.items()
