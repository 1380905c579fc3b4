"""One sender's turn: look, ask the gate and the limits, claim, hand over, and say when next.

Owns the order of these steps. It knows nothing of queues or jobs: the engine gives it a turn and
puts the lane to sleep for as long as the answer says.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from paceline import clock
from paceline.auth.secretbox import SecretUnreadable
from paceline.delivery import Account
from paceline.domain.gate import Demand, Wait, judge
from paceline.errors import DomainError, OperationalError
from paceline.limits import Budget, CampaignBudget, Denied, Granted, Limits
from paceline.observability.faultpoints import FaultPoint, faultpoint
from paceline.persistence.lanes import Rest
from paceline.persistence.ledger import MAX_CLAIM, Claim, Ledger
from paceline.persistence.standing import LaneView, Standing
from paceline.sending.consequences import SenderEffect
from paceline.sending.content import Content
from paceline.sending.crowding import Crowding
from paceline.sending.findings import Findings
from paceline.sending.handover import Handover, Job
from paceline.sending.identities import Identity
from paceline.sending.leases import Leases
from paceline.sending.lines import SLOW_SECONDS, Lines
from paceline.sending.neighbours import Neighbours
from paceline.sending.resting import SenderHealth
from paceline.sending.shares import LaneShares
from paceline.sending.terms import all_terms, terms

TURN_SECONDS = 10.0  # so that many lanes share one worker
# A moment this near is waited for on the spot; a later one is left to the queue.
NEAR = timedelta(milliseconds=250)
# With a campaign that goes one at a time in the round, the others take small bites.
BITE_BESIDE_A_GAP = 16

# Whoever takes longer to come to an end holds up the end of the turn, but not the turn.
LAST_ORDERS_SECONDS = 2.0

# Whether the lane is still ours, and what was decided while an answer or the end of a turn was
# waited for.
LOOK_SECONDS = 0.5

AT_ONCE = Rest(wait=timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a turn works with; one of each per worker process."""

    standing: Standing
    ledger: Ledger
    leases: Leases
    limits: Limits
    content: Content
    handover: Handover
    health: SenderHealth
    crowding: Crowding
    shares: LaneShares
    neighbours: Neighbours
    stopping: asyncio.Event


class Dispatch:
    """Gives senders their turns."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def take_turn(self, sender_id: uuid.UUID, holds: Callable[[], bool]) -> Rest:
        """Send what may go, for about ten seconds at the most; how long the lane may sleep then.

        Nothing more begins once the lane `holds` no longer: it may be another worker's.
        """
        view = await self._parts.standing.look(sender_id)
        if view is None:
            return Rest(wait=None)
        with self._parts.shares.turn(view.owner_id, sender_id) as wait:
            if wait is not None:
                return Rest(wait=wait)
            with self._parts.handover.traces.turn(sender_id):
                return await _Turn(self._parts, sender_id, view, holds).run()


class _Turn:
    """The state of one turn."""

    def __init__(
        self, parts: Parts, sender_id: uuid.UUID, view: LaneView, holds: Callable[[], bool]
    ) -> None:
        self._parts = parts
        self._holds = holds
        self._sender_id = sender_id
        self._view = view  # as last seen
        self._seen_at = clock.boottime()
        self._ends_at = clock.boottime() + TURN_SECONDS
        self._account: Account | None = None  # once it is in use
        width = parts.crowding.width(sender_id, view.max_connections)
        self._lines = Lines(self._send, width=1 if view.min_delay_ms else width)
        self._findings = Findings(
            sender_id,
            parts.health,
            parts.crowding,
            width=width,
            as_of=view.updated_at,
            stop=self._lines.stop,
        )

    async def run(self) -> Rest:
        """Work, hand back what was not begun, let what is under way end, note what was learnt."""
        trouble: OperationalError | None = None
        rest = AT_ONCE
        watch = asyncio.create_task(self._stop_when_lost())
        try:
            async with self._lines:
                try:
                    rest = await self._work()
                except OperationalError as error:
                    # Raised only below: here it would cancel emails that may be past their dot.
                    trouble = error
                self._lines.stop()
                await asyncio.gather(self._let_go(), self._hand_back())
            await self._let_go()
        finally:
            for job in self._lines.unstarted():  # after a bug: they are taken back
                self._parts.leases.drop(job.claim.attempt)
            watch.cancel()
            await asyncio.wait([watch])
        if trouble is not None:
            raise trouble
        return await self._finish(rest)

    async def _work(self) -> Rest:
        """Look, decide, act: whatever was waited for, nothing more is claimed before another look.

        AT_ONCE: the time is up, or nothing more is to begin.
        """
        while not self._over():
            if self._seen_at < self._ends_at:
                rest = await self._act(self._view)
                if rest.wait is not None and rest.wait <= NEAR:
                    await self._parts.handover.pause(rest.wait.total_seconds())
                elif self._lines.busy:
                    # What is on its way may change the picture: by a retry, or as a campaign's
                    # last. And what is new must not wait for a server that does not answer.
                    await self._lines.drain(within=NEAR.total_seconds())
                else:
                    since = timedelta(seconds=clock.boottime() - self._seen_at)
                    return _shortened(rest, by=since)
            elif await self._last_orders():
                break
            if not await self._look():
                break
        return AT_ONCE

    def _over(self) -> bool:
        """Whether nothing more of this turn may begin."""
        return self._parts.stopping.is_set() or self._lines.stopped or not self._holds()

    async def _look(self) -> bool:
        """See what is so now; it holds for what was claimed as well. False: the sender is gone."""
        seen = await self._parts.standing.look(self._sender_id)
        if seen is None:
            return False
        before, self._view, self._seen_at = all_terms(self._view), seen, clock.boottime()
        if (stand := all_terms(seen)) == before:
            return True
        await self._hand_back(unless=lambda job: job.terms in stand)
        return await self._look()  # that took its time

    async def _last_orders(self) -> bool:
        """The time is up: let what was claimed come to its end. True: it has."""
        if await self._lines.drain(within=LOOK_SECONDS):
            return True
        if clock.boottime() >= self._ends_at + LAST_ORDERS_SECONDS:
            await self._complete_campaigns()
            self._ends_at = clock.boottime() + TURN_SECONDS  # the others do not wait for stragglers
        return False

    async def _act(self, view: LaneView) -> Rest:
        """Send what may go now; how long nothing more can be sent."""
        verdict = judge(view.standing, view.demands, now=view.now)
        if isinstance(verdict, Wait):
            return _rest(verdict, now=view.now)
        if not self._lines.room:
            await self._lines.make_room()
            return AT_ONCE
        rest = AT_ONCE
        if demands := self._free(view, verdict.demands):
            rest = await self._send_some(view, demands)
        left = self._seen_at + SLOW_SECONDS - clock.boottime()  # feeding may have taken its time
        await self._lines.until(
            lambda: self._free(view, verdict.demands) != (), within=max(0.0, left)
        )
        return _no_later_than_due(rest, view)

    def _free(self, view: LaneView, demands: tuple[Demand, ...]) -> tuple[Demand, ...]:
        """Those that may have another email: where they go one at a time, the last has ended."""
        one_at_a_time = view.min_delay_ms > 0
        taken = {j.claim.campaign_id for j in self._lines.jobs if one_at_a_time or j.one_at_a_time}
        if one_at_a_time and taken:
            return ()
        return tuple(demand for demand in demands if demand.campaign_id not in taken)

    async def _hand_back(self, *, unless: Callable[[Job], bool] | None = None) -> None:
        """Let go of what was claimed and not begun: it waits again as before."""
        if unstarted := self._lines.unstarted(unless):
            await self._parts.handover.hand_back(unstarted)

    async def _stop_when_lost(self) -> None:
        """The turn itself may be waiting for PostgreSQL then."""
        while self._holds():  # noqa: ASYNC110 - time alone may end it
            await asyncio.sleep(LOOK_SECONDS)
        self._lines.stop()
        await self._let_go()

    async def _let_go(self) -> None:
        """Close connections that the next turn's worker, which may be another, has no room for."""
        keep = self._parts.neighbours.kept(
            most=self._view.max_connections, one_at_a_time=self._view.min_delay_ms > 0
        )
        if keep is not None and self._account is not None:
            await self._parts.handover.pool.let_go(self._account, keep=keep)

    async def _send_some(self, view: LaneView, demands: tuple[Demand, ...]) -> Rest:
        """Book, claim and queue one batch; a positive wait when the limits allow nothing."""
        identity = await self._identity(view)
        if identity is None:
            return AT_ONCE
        self._account = identity.account
        has_gap = any(d.due and d.min_delay_ms for d in view.demands)
        granted = await self._parts.limits.reserve(
            Budget(
                sender_id=self._sender_id,
                hourly_limit=view.hourly_limit,
                min_delay_ms=view.min_delay_ms,
            ),
            [_campaign_budget(demand) for demand in demands],
            capacity=min(self._lines.room, BITE_BESIDE_A_GAP if has_gap else MAX_CLAIM),
            early=NEAR,
        )
        # Counted from the answer: from the question, a slow answer would make a gap too short.
        granted_at = clock.boottime()
        if isinstance(granted, Denied):
            return Rest(wait=granted.wait, held_by=granted.held_by)
        async with self._or_given_back(granted):
            contents = await self._parts.content.load(
                slot.campaign_id for slot in granted.slots if slot.campaign_id is not None
            )
        claims = await self._claim(granted, account_version=identity.account_version)
        gaps = {d.campaign_id for d in demands if d.min_delay_ms or view.min_delay_ms}
        waits = {slot.campaign_id: slot.wait for slot in granted.slots}
        of = {d.campaign_id: terms(view, d) for d in demands}
        jobs = [
            Job(
                claim=claim,
                identity=identity,
                texts=None if claim.campaign_id is None else contents[claim.campaign_id],
                reservation=granted.reservation,
                one_at_a_time=claim.campaign_id in gaps,
                ready_at=granted_at + waits[claim.campaign_id].total_seconds(),
                terms=of[claim.campaign_id],
                lane_holds=self._holds,
            )
            for claim in claims
        ]
        if clock.boottime() - self._seen_at > LOOK_SECONDS:
            jobs = await self._those_that_stand(jobs)
        if late := await self._lines.feed(jobs):
            await self._parts.handover.hand_back(late)
        return AT_ONCE

    async def _those_that_stand(self, jobs: list[Job]) -> list[Job]:
        """The limits, or the claim, were long in answering: by what is so now, which may go."""
        try:
            await self._look()
        except Exception:
            await self._parts.handover.hand_back(jobs)
            raise
        stand = all_terms(self._view)
        if fallen := [job for job in jobs if job.terms not in stand]:
            await self._parts.handover.hand_back(fallen)
        return [job for job in jobs if job.terms in stand]

    async def _identity(self, view: LaneView) -> Identity | None:
        """The sender ready to send; None when its row is unusable, which stops it."""
        try:
            return await self._parts.content.identity(self._sender_id, updated_at=view.updated_at)
        except (DomainError, SecretUnreadable) as error:
            self._findings.trouble(SenderEffect.BREAK, str(error), as_of=view.updated_at)
            return None

    async def _claim(self, granted: Granted, *, account_version: int) -> tuple[Claim, ...]:
        """Claim what was booked; what is no longer there is given back."""
        wanted = {slot.campaign_id: slot.granted for slot in granted.slots}
        asked_at = clock.boottime()
        faultpoint(FaultPoint.BEFORE_CLAIM)
        async with self._or_given_back(granted):
            claimed = await self._parts.ledger.claim(
                self._sender_id,
                of_campaigns={c: n for c, n in wanted.items() if c is not None},
                single=wanted.get(None, 0),
                account_version=account_version,
            )
        faultpoint(FaultPoint.AFTER_CLAIM)
        for claim in claimed.claims:
            self._parts.leases.hold(claim.attempt, asked_at=asked_at)
        taken = Counter(claim.campaign_id for claim in claimed.claims)
        unused = {c: n - taken[c] for c, n in wanted.items() if n > taken[c]}
        if unused:
            await self._parts.handover.give_back(granted.reservation, unused=unused)
        if not claimed.claims:
            return ()
        confirmed = False
        try:
            confirmed = await self._parts.limits.confirm(granted.reservation)
        finally:
            if not confirmed:
                await self._parts.handover.release(granted.reservation, claimed.claims)
        return claimed.claims if confirmed else ()

    @asynccontextmanager
    async def _or_given_back(self, granted: Granted) -> AsyncIterator[None]:
        """Without PostgreSQL a booking comes to nothing: nobody sends what it may have claimed."""
        try:
            yield
        except OperationalError:
            unused = {slot.campaign_id: slot.granted for slot in granted.slots}
            await self._parts.handover.give_back(granted.reservation, unused=unused)
            raise

    async def _send(self, job: Job) -> None:
        result = await self._parts.handover.hand_over(job, begins=self._begins)
        if result is None:
            return
        if result.fenced and self._parts.handover.cannot_mark:
            self._lines.stop()  # the next ones would fare no better
        await self._lines.trail(self._parts.handover.record(result.outcome))
        self._findings.of_email(result, to=job.claim.address, as_of=job.identity.as_of)

    def _begins(self, job: Job) -> bool:
        """Whether an email may still go, after all that it has waited for."""
        if self._over():
            self._lines.stop()
        return self._lines.begin(job)

    async def _finish(self, rest: Rest) -> Rest:
        if await self._findings.write_down(host_failures=self._view.host_failures):
            return AT_ONCE  # the gate says for how long
        await self._complete_campaigns()
        return rest

    async def _complete_campaigns(self) -> None:
        # Asked only when the last look has seen one with nothing waiting: a sender that goes one at
        # a time would otherwise ask after every email.
        if any(d.campaign_id and d.next_due_at is None for d in self._view.demands):
            await self._parts.health.complete_campaigns(self._sender_id)


def _campaign_budget(demand: Demand) -> CampaignBudget:
    return CampaignBudget(
        campaign_id=demand.campaign_id,
        want=demand.due,
        hourly_limit=demand.hourly_limit,
        min_delay_ms=demand.min_delay_ms,
    )


def _rest(verdict: Wait, *, now: datetime) -> Rest:
    wait = None if verdict.until is None else verdict.until - now
    return Rest(wait=wait, held_by=verdict.held_by)


def _no_later_than_due(rest: Rest, view: LaneView) -> Rest:
    """A campaign at its limit must not make another one, due in between, late."""
    coming = [d.next_due_at - view.now for d in view.demands if d.next_due_at and not d.due]
    if rest.wait is None or not coming:
        return rest
    return Rest(wait=min(rest.wait, *coming), held_by=rest.held_by)


def _shortened(rest: Rest, *, by: timedelta) -> Rest:
    return rest if rest.wait is None else Rest(wait=rest.wait - by, held_by=rest.held_by)
