"""One claimed email's way out: its slot, the message, the guard before the dot, the record.

Owns the order: what the limits were told comes before what the ledger is told, and the lease is
held until the outcome is on disk.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from paceline import clock
from paceline.delivery import Attached, Kind, Pool
from paceline.errors import DomainError, OperationalError
from paceline.limits import Limits, Reservation
from paceline.observability.faultpoints import FaultPoint, faultpoint
from paceline.observability.tracing import NO_TRACES, Traces, Tried
from paceline.observability.troubles import Trouble
from paceline.persistence.ledger import Claim, Departure, Outcome
from paceline.persistence.marks import Marks
from paceline.persistence.standing import CampaignContent
from paceline.places import Places
from paceline.sending.attached_files import FilesAway
from paceline.sending.blackbox import BlackBox
from paceline.sending.consequences import (
    Consequence,
    History,
    accepted,
    consequence,
    released,
    unsendable,
)
from paceline.sending.content import Content
from paceline.sending.deadlines import Deadlines
from paceline.sending.identities import Identity
from paceline.sending.leases import Leases
from paceline.sending.terms import Terms

log = logging.getLogger(__name__)

# For PostgreSQL to answer while a connection is held open before its dot. A host that is cut off
# has to let go of it before the lane is another worker's.
MARK_SECONDS = 3.0
_NOT_WRITTEN_AHEAD = "attempts are not written ahead, so not sent"
_FILES_AWAY = "files are not at hand, so that nothing is sent that has some"
_NOT_SETTLED = "limits are not settled, and count too much"


@dataclass(slots=True, kw_only=True, eq=False)  # not frozen: one is made for each email
class Job:
    """One claimed email, with the booking it uses."""

    claim: Claim
    identity: Identity
    texts: CampaignContent | None  # None: a single email carries its own
    reservation: Reservation
    one_at_a_time: bool  # a minimum delay is measured from its end
    ready_at: float  # boot time, seconds
    terms: Terms
    lane_holds: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Hands emails over, for all lanes of a process."""

    marks: Marks
    leases: Leases
    limits: Limits
    content: Content
    pool: Pool
    box: BlackBox
    in_flight: Places  # for the emails under way in the whole process
    stopping: asyncio.Event
    traces: Traces = NO_TRACES
    _mark_by: Deadlines = field(default_factory=lambda: Deadlines(MARK_SECONDS))
    _unmarked: Trouble = field(default_factory=lambda: Trouble(log, _NOT_WRITTEN_AHEAD))
    _without_files: Trouble = field(default_factory=lambda: Trouble(log, _FILES_AWAY))
    _unsettled: Trouble = field(default_factory=lambda: Trouble(log, _NOT_SETTLED))

    async def hand_over(self, job: Job, *, begins: Callable[[Job], bool]) -> Consequence | None:
        """Send one email, if it still `begins` after all that it has to wait for.

        None: it did not; its files were away, or it is another's to hand back. Else what came of it
        is to be `record`ed by the caller, whatever else happens.
        """
        await self.pause(job.ready_at - clock.boottime())
        try:
            if job.texts is None or not job.texts.attached_octets:
                result = await self._deliver(job, None, begins)
            else:
                async with self.content.attached(job.claim, job.texts) as files:
                    self._without_files.over()
                    result = await self._deliver(job, files, begins)
        except FilesAway as error:
            self._without_files.met(error)
            if begins(job):
                await self.hand_back([job])
            return None
        except BaseException:
            # Nobody will say how it ended: its lease has to run out, so that it is taken back.
            self.leases.drop(job.claim.attempt)
            raise
        if result is not None and (job.one_at_a_time or not result.left):
            await self._settle(job, left=result.left)  # else it is used up as it was booked
        return result

    async def hand_back(self, jobs: Sequence[Job]) -> None:
        """Release what was claimed and not begun: it waits again as it did before."""
        by_reservation: dict[Reservation, list[Claim]] = {}
        for job in jobs:
            by_reservation.setdefault(job.reservation, []).append(job.claim)
        await asyncio.gather(*(self.release(r, claims) for r, claims in by_reservation.items()))

    async def release(self, reservation: Reservation, claims: Sequence[Claim]) -> None:
        """Let go of claims for this booking, and of as much of it."""
        await self.give_back(reservation, unused=Counter(claim.campaign_id for claim in claims))
        await asyncio.gather(
            *(self.record(released(c.attempt, deferrals=c.deferrals)) for c in claims)
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
                await self.stopping.wait()
        except TimeoutError:
            return

    async def _deliver(
        self, job: Job, files: Attached | None, begins: Callable[[Job], bool]
    ) -> Consequence | None:
        place = await self.in_flight.take()
        try:
            if not begins(job):
                return None
            if not self.traces.is_on:
                return await self._send(job, files)
            began_at_ns = time.time_ns()
            result = await self._send(job, files)
        finally:
            place.leave()
        self.traces.tried(_tried(job, result.outcome, began_at_ns))
        return result

    async def _send(self, job: Job, files: Attached | None) -> Consequence:
        claim = job.claim
        try:
            message = await self.content.message(claim, job.identity, job.texts, files)
        except DomainError as error:
            return unsendable(claim.attempt, str(error))
        result = await self.pool.send(
            job.identity.account,
            message.envelope,
            message.content,
            guard=lambda: self._may_leave(job),
        )
        if result.kind is Kind.SENT:
            decided = accepted(claim.attempt, result)
        else:
            decided = consequence(claim.attempt, result, _history(claim), roll=random.random())
        self.box.ended(decided.outcome)
        return decided

    @property
    def cannot_mark(self) -> bool:
        """Whether PostgreSQL takes no marks just now: nothing can leave."""
        return self._unmarked.lasts

    async def _may_leave(self, job: Job) -> bool:
        """The guard before the dot: written ahead, and lane and lease certainly still ours."""
        if not job.lane_holds():
            return False
        attempt = job.claim.attempt
        asked_at = clock.boottime()
        self.box.preparing(attempt, deferred=job.claim.deferrals > 0)
        departure = Departure(
            attempt=attempt,
            account_version=job.identity.account_version,
            booked_hour=job.reservation.hour,
        )
        try:
            if not await self._mark_by.set(self.marks.write_ahead.submit(departure)):
                return False
        except (OperationalError, TimeoutError) as error:
            self._unmarked.met(error)
            return False
        self._unmarked.over()
        faultpoint(FaultPoint.AFTER_WRITE_AHEAD)
        self.leases.hold(attempt, asked_at=asked_at)
        if not self.leases.is_ours(attempt):
            return False
        self.box.leaving(attempt)
        return True

    async def _settle(self, job: Job, *, left: bool) -> None:
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
            await self.limits.settle(reservation, unused=unused, left=left)
        except OperationalError as error:
            # The counters stay too high, which errs on the side of sending less; the outcome of
            # the email must be recorded all the same.
            self._unsettled.met(error)
        else:
            self._unsettled.over()

    def record(self, outcome: Outcome) -> asyncio.Future[bool]:
        """Have it written down how an attempt ended; done when that is on disk."""
        faultpoint(FaultPoint.BEFORE_OUTCOME)
        recorded = self.marks.record.submit(outcome)
        recorded.add_done_callback(partial(self._recorded, outcome))
        return recorded

    def _recorded(self, outcome: Outcome, recorded: asyncio.Future[bool]) -> None:
        if recorded.cancelled() or recorded.exception() is not None:
            return  # whoever waits for it hears of that
        if not recorded.result() and outcome.evidence is not None:
            log.warning(
                "attempt %d of email %s ended as %s after its lease: kept as evidence",
                outcome.attempt.number,
                outcome.attempt.email_id,
                outcome.evidence,
            )
        faultpoint(FaultPoint.AFTER_OUTCOME)
        self.leases.drop(outcome.attempt)
        self.box.forget(outcome.attempt)


def _history(claim: Claim) -> History:
    return History(
        deferrals=claim.deferrals,
        tries=claim.tries,
        age=claim.age,
        expires_after=claim.expires_after,
    )


def _tried(job: Job, outcome: Outcome, began_at_ns: int) -> Tried:
    return Tried(
        email_id=outcome.attempt.email_id,
        campaign_id=job.claim.campaign_id,
        number=outcome.attempt.number,
        began_at_ns=began_at_ns,
        server=job.identity.account.host,
        evidence=outcome.evidence or "handed_back",
        state=outcome.state,
        phase=outcome.phase,
        reply_code=outcome.reply_code,
        reply_enhanced=outcome.reply_enhanced,
    )
