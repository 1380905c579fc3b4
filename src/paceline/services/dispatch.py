"""One sender's turn: look, ask the gate and the limits, claim, send, record, and say when next.

Owns the order of these steps. It knows nothing of queues or jobs: the engine gives it a turn and
puts the lane to sleep for as long as the answer says.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from paceline import clock
from paceline.delivery import Pool
from paceline.domain.gate import Demand, Wait, judge
from paceline.errors import DomainError, OperationalError
from paceline.limits import Budget, CampaignBudget, Denied, Granted, Limits, Reservation
from paceline.persistence.group_commit import GroupCommit
from paceline.persistence.lanes import Rest
from paceline.persistence.ledger import MAX_CLAIM, Attempt, Claim, Ledger, Outcome
from paceline.persistence.standing import LaneView, Standing
from paceline.services.consequences import (
    Consequence,
    History,
    SenderEffect,
    consequence,
    released,
    unsendable,
)
from paceline.services.content import Content, Identity
from paceline.services.leases import Leases
from paceline.services.lines import Lines
from paceline.services.resting import SenderHealth

SLICE_SECONDS = 10.0  # so that many lanes share one worker
# A moment this near is waited for on the spot; a later one is left to the queue.
NEAR = timedelta(milliseconds=250)
# With a campaign that goes one at a time in the round, the others take small bites.
BITE_BESIDE_A_GAP = 16

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One claimed email on its way, with the booking it uses."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a turn works with; one of each per worker process."""

    standing: Standing
    ledger: Ledger
    marks: Marks
    leases: Leases
    limits: Limits
    content: Content
    pool: Pool
    health: SenderHealth
    in_flight: asyncio.Semaphore  # emails under way in the whole process
    stopping: asyncio.Event


class Dispatch:
    """Gives senders their turns."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def take_turn(self, sender_id: uuid.UUID) -> Rest:
        """Send what may go, for about ten seconds at the most; how long the lane may sleep then."""
        return await _Turn(self._parts, sender_id).run()


class _Turn:
    """The state of one turn."""

    def __init__(self, parts: Parts, sender_id: uuid.UUID) -> None:
        self._parts = parts
        self._sender_id = sender_id
        self._ends_at = clock.boottime() + SLICE_SECONDS
        self._effect = SenderEffect.NONE
        self._reason = ""
        self._host_answered = False

    async def run(self) -> Rest:
        view = await self._parts.standing.look(self._sender_id)
        if view is None:
            return Rest(wait=None)
        lines = Lines(self._send, width=1 if view.min_delay_ms else view.max_connections)
        self._lines = lines
        async with lines:
            try:
                rest = await self._work(view)
            finally:
                lines.stop()
                await self._release(lines.unstarted())
        return await self._finish(view, rest)

    async def _work(self, view: LaneView | None) -> Rest:
        while view is not None and not self._over():
            seen_at = clock.boottime()
            verdict = judge(view.standing, view.demands, now=view.now)
            if isinstance(verdict, Wait):
                rest = _rest(verdict, now=view.now)
            else:
                rest = await self._send_some(view, verdict.demands)
            if rest.wait is not None and rest.wait <= NEAR:
                await self._pause(rest.wait)
            elif self._lines.busy:
                # What is on its way may change the picture: by a retry, or as a campaign's last.
                await self._lines.drain()
            else:
                return _shortened(rest, by=_since(seen_at))
            view = await self._parts.standing.look(self._sender_id)
        await self._lines.drain()
        return Rest(wait=timedelta(0))

    async def _send_some(self, view: LaneView, demands: tuple[Demand, ...]) -> Rest:
        """Book, claim and queue one batch; a positive wait when the limits allow nothing."""
        asked_at = clock.boottime()
        budget = Budget(
            sender_id=self._sender_id,
            hourly_limit=view.hourly_limit,
            min_delay_ms=view.min_delay_ms,
        )
        has_gap = view.min_delay_ms > 0 or any(d.min_delay_ms for d in demands)
        granted = await self._parts.limits.reserve(
            budget,
            [_campaign_budget(demand) for demand in demands],
            capacity=BITE_BESIDE_A_GAP if has_gap else MAX_CLAIM,
            early=NEAR,
        )
        if isinstance(granted, Denied):
            return Rest(wait=granted.wait, held_by=granted.held_by)
        jobs = await self._claim(view, granted, demands, asked_at=asked_at)
        await self._lines.feed(jobs)
        if has_gap:
            await self._lines.drain()
        return Rest(wait=timedelta(0))

    async def _claim(
        self, view: LaneView, granted: Granted, demands: tuple[Demand, ...], *, asked_at: float
    ) -> list[_Job]:
        wanted = {slot.campaign_id: slot.granted for slot in granted.slots}
        waits = {slot.campaign_id: slot.wait for slot in granted.slots}
        gaps = {d.campaign_id for d in demands if d.min_delay_ms or view.min_delay_ms}
        identity = await self._parts.content.identity(self._sender_id, updated_at=view.updated_at)
        await self._parts.content.load(c for c in wanted if c is not None)
        claim_asked_at = clock.boottime()
        claimed = await self._parts.ledger.claim(
            self._sender_id,
            of_campaigns={c: n for c, n in wanted.items() if c is not None},
            single=wanted.get(None, 0),
        )
        for claim in claimed.claims:
            self._parts.leases.hold(claim.attempt, asked_at=claim_asked_at)
        taken = Counter(claim.campaign_id for claim in claimed.claims)
        unused = {c: n - taken[c] for c, n in wanted.items() if n > taken[c]}
        if unused:
            await self._give_back(granted.reservation, unused=unused, left={})
        return [
            _Job(
                claim=claim,
                identity=identity,
                reservation=granted.reservation,
                one_at_a_time=claim.campaign_id in gaps,
                ready_at=asked_at + waits[claim.campaign_id].total_seconds(),
            )
            for claim in claimed.claims
        ]

    async def _send(self, job: _Job) -> None:
        await self._pause(timedelta(seconds=job.ready_at - clock.boottime()))
        if self._parts.stopping.is_set():
            await self._release([job])
            return
        async with self._parts.in_flight:
            result = await self._deliver(job)
        self._note(result)
        await self._settle(job, left=result.left)
        await self._record(result.outcome)
        self._parts.leases.drop(job.claim.attempt)

    async def _deliver(self, job: _Job) -> Consequence:
        claim = job.claim
        try:
            message = self._parts.content.message(claim, job.identity)
        except DomainError as error:
            return unsendable(claim.attempt, str(error))
        result = await self._parts.pool.send(
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
        if not await self._parts.marks.write_ahead.submit(attempt):
            return False
        self._parts.leases.hold(attempt, asked_at=asked_at)
        return self._parts.leases.is_ours(attempt)

    async def _settle(self, job: _Job, *, left: bool) -> None:
        if left and not job.one_at_a_time:
            return  # the booking is used up as it was made
        campaign = job.claim.campaign_id
        await self._give_back(
            job.reservation,
            unused={} if left else {campaign: 1},
            left={campaign: 1} if left else {},
        )

    async def _give_back(
        self,
        reservation: Reservation,
        *,
        unused: dict[uuid.UUID | None, int],
        left: dict[uuid.UUID | None, int],
    ) -> None:
        try:
            await self._parts.limits.settle(reservation, unused=unused, left=left)
        except OperationalError as error:
            # The counters stay too high, which errs on the side of sending less; the outcome of
            # the email must be recorded all the same.
            log.warning("limits not settled: %s", error)

    async def _record(self, outcome: Outcome) -> None:
        if not await self._parts.marks.record.submit(outcome):
            log.warning(
                "attempt %d of email %s ended as %s after its lease: kept as evidence",
                outcome.attempt.number,
                outcome.attempt.email_id,
                outcome.evidence,
            )

    async def _release(self, jobs: list[_Job]) -> None:
        """Hand back what was claimed and not begun."""
        for reservation, unused in _unused(jobs):
            await self._give_back(reservation, unused=unused, left={})
        outcomes = [released(j.claim.attempt, deferrals=j.claim.deferrals) for j in jobs]
        await asyncio.gather(*(self._record(outcome) for outcome in outcomes))
        for job in jobs:
            self._parts.leases.drop(job.claim.attempt)

    def _note(self, result: Consequence) -> None:
        if result.sender is SenderEffect.NONE:
            self._host_answered = self._host_answered or result.left
            return
        if self._effect is not SenderEffect.BREAK:
            self._effect = result.sender
            self._reason = result.outcome.reply_text or "no reason given"
        self._lines.stop()

    async def _finish(self, view: LaneView, rest: Rest) -> Rest:
        health = self._parts.health
        if self._effect is not SenderEffect.NONE:
            await health.note_trouble(self._sender_id, self._effect, view=view, reason=self._reason)
            return Rest(wait=timedelta(0))  # the gate says for how long
        if self._host_answered and view.host_failures:
            await health.host_reached(self._sender_id)
        await health.complete_campaigns(self._sender_id)
        return rest

    async def _pause(self, wait: timedelta) -> None:
        """Wait on the spot; a stopping worker waits for nothing."""
        seconds = wait.total_seconds()
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._parts.stopping.wait()
        except TimeoutError:
            return

    def _over(self) -> bool:
        return (
            clock.boottime() >= self._ends_at
            or self._parts.stopping.is_set()
            or self._lines.stopped
        )


def _rest(verdict: Wait, *, now: datetime) -> Rest:
    wait = None if verdict.until is None else verdict.until - now
    return Rest(wait=wait, held_by=verdict.held_by)


def _shortened(rest: Rest, *, by: timedelta) -> Rest:
    return rest if rest.wait is None else Rest(wait=rest.wait - by, held_by=rest.held_by)


def _campaign_budget(demand: Demand) -> CampaignBudget:
    return CampaignBudget(
        campaign_id=demand.campaign_id,
        want=demand.due,
        hourly_limit=demand.hourly_limit,
        min_delay_ms=demand.min_delay_ms,
    )


def _unused(jobs: list[_Job]) -> Iterator[tuple[Reservation, dict[uuid.UUID | None, int]]]:
    by_reservation: dict[Reservation, Counter[uuid.UUID | None]] = {}
    for job in jobs:
        by_reservation.setdefault(job.reservation, Counter())[job.claim.campaign_id] += 1
    for reservation, unused in by_reservation.items():
        yield reservation, dict(unused)


def _since(moment: float) -> timedelta:
    return timedelta(seconds=clock.boottime() - moment)
