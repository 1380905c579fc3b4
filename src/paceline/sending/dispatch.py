"""One sender's turn: look, ask the gate and the limits, claim, hand over, and say when next.

Owns the order of these steps. It knows nothing of queues or jobs: the engine gives it a turn and
puts the lane to sleep for as long as the answer says.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from paceline import clock
from paceline.auth.secretbox import SecretUnreadable
from paceline.delivery import Account
from paceline.domain.gate import Demand, Wait, judge
from paceline.errors import DomainError, OperationalError
from paceline.persistence.lanes import Rest
from paceline.persistence.standing import LaneView
from paceline.sending.claiming import Claiming
from paceline.sending.consequences import SenderEffect
from paceline.sending.findings import Findings
from paceline.sending.handover import Job
from paceline.sending.identities import Identity
from paceline.sending.lines import Lines
from paceline.sending.parts import Parts
from paceline.sending.terms import all_terms

TURN_SECONDS = 10.0  # so that many lanes share one worker
# A moment this near is waited for on the spot; a later one is left to the queue.
NEAR = timedelta(milliseconds=250)

# Whoever takes longer to come to an end holds up the end of the turn, but not the turn.
LAST_ORDERS_SECONDS = 2.0

# Whether the lane is still ours, and what was decided while something was waited for.
LOOK_SECONDS = 0.5

AT_ONCE = Rest(wait=timedelta(0))


class Dispatch:
    """Gives senders their turns."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def take_turn(
        self, sender_id: uuid.UUID, holds: Callable[[], bool], step_aside: Callable[[], None]
    ) -> Rest:
        """Send what may go, for about ten seconds at the most; how long the lane may sleep then.

        Nothing more begins once the lane `holds` no longer: it may be another worker's. It steps
        aside for other lanes before it waits for a moment that is near, or for a server.
        """
        view = await self._parts.standing.look(sender_id)
        if view is None:
            return Rest(wait=None)
        with (
            self._parts.waiting_shares.turn(view.owner_id, sender_id) as all_of_it,
            self._parts.shares.turn(view.owner_id, sender_id) as share,
        ):
            if (wait := all_of_it.wait or share.wait) is not None:
                return Rest(wait=wait)
            aside = share.leave, step_aside
            with self._parts.handover.traces.turn(sender_id):
                return await _Turn(self._parts, sender_id, view, holds, aside).run()


class _Turn:
    """The state of one turn."""

    def __init__(
        self,
        parts: Parts,
        sender_id: uuid.UUID,
        view: LaneView,
        holds: Callable[[], bool],
        aside: Iterable[Callable[[], None]],
    ) -> None:
        self._parts = parts
        self._holds = holds
        self._aside = aside
        self._sender_id = sender_id
        self._view = view  # as last seen
        self._seen_at = clock.boottime()
        self._ends_at = clock.boottime() + TURN_SECONDS
        self._account: Account | None = None  # once it is in use
        width = parts.crowding.width(sender_id, view.max_connections)
        self._lines = Lines(self._send, width=1 if view.min_delay_ms else width)
        self._claiming = Claiming(parts, sender_id, holds)
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
                if self._lines.busy:
                    self._step_aside()
                await asyncio.gather(self._let_go(), self._hand_back(self._lines.unstarted()))
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
        """Look, decide, act, again and again: after each wait comes a look, before all else.

        AT_ONCE: the time is up, or nothing more is to begin.
        """
        while not self._over():
            in_time = self._seen_at < self._ends_at
            rest = await (self._act(self._view) if in_time else self._last_orders())
            if rest is not None:
                return rest
            await self._hand_back(self._lines.overdue())
            if not await self._look():
                break
        return AT_ONCE

    def _step_aside(self) -> None:
        """From here on other lanes, and their owners, do not wait for this one."""
        for leave in self._aside:
            leave()

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
        await self._hand_back(self._lines.unstarted(unless=lambda job: job.terms in stand))
        return await self._look()  # that took its time

    async def _act(self, view: LaneView) -> Rest | None:
        """Send what may go, and wait for what may change that. None: look again; else nothing may
        go for so long, and the turn is over."""
        verdict = judge(view.standing, view.demands, now=view.now)
        if isinstance(verdict, Wait):
            return await self._wait(_rest(verdict, now=view.now))
        if wanting := self._wanting(view, verdict.demands):
            rest = await self._send_some(view, wanting)
            if rest is not None:
                # A campaign at its limit must not make another one, due in between, late.
                coming = (
                    d.next_due_at - view.now for d in view.demands if d.next_due_at and not d.due
                )
                return await self._wait(rest.no_later_than(coming))
        if not self._wanting(view, verdict.demands):
            await self._lines.news(within=LOOK_SECONDS)
        return None

    async def _wait(self, rest: Rest) -> Rest | None:
        """Nothing may go for so long: a near moment is waited for here. None: it may have come."""
        self._step_aside()
        if rest.wait is not None and rest.wait <= NEAR:
            await self._parts.handover.pause(rest.wait.total_seconds())
        elif self._lines.busy:
            # What is on its way may change the picture: by a retry, or as a campaign's last. And
            # what is new must not wait for a server that does not answer.
            await self._lines.news(within=self._lines.patience(at_least=NEAR, until=rest.wait))
        else:
            return rest.shortened(by=timedelta(seconds=clock.boottime() - self._seen_at))
        return None

    async def _last_orders(self) -> Rest | None:
        """The time is up: let what was claimed come to its end. None: it has not."""
        if not self._lines.at_rest:
            self._step_aside()
            await self._lines.news(within=LOOK_SECONDS)
        if self._lines.at_rest:
            return AT_ONCE
        if clock.boottime() >= self._ends_at + LAST_ORDERS_SECONDS:
            await self._complete_campaigns()
            self._ends_at = clock.boottime() + TURN_SECONDS  # the others do not wait for stragglers
        return None

    def _wanting(self, view: LaneView, demands: Sequence[Demand]) -> tuple[Demand, ...]:
        """Those that may have another email: there is room for it, and where they go one at a time,
        the last has ended."""
        if not self._lines.room:
            return ()
        one_at_a_time = view.min_delay_ms > 0
        taken = {j.claim.campaign_id for j in self._lines.jobs if one_at_a_time or j.one_at_a_time}
        if one_at_a_time and taken:
            return ()
        return tuple(demand for demand in demands if demand.campaign_id not in taken)

    async def _send_some(self, view: LaneView, demands: Sequence[Demand]) -> Rest | None:
        """Claim one batch and queue it; how long the limits allow nothing, if they do not."""
        identity = await self._identity(view)
        if identity is None:
            return None
        self._account = identity.account
        jobs = await self._claiming.claim(
            view, demands, identity, room=self._lines.room, early=NEAR
        )
        if isinstance(jobs, Rest):
            return jobs
        if clock.boottime() - self._seen_at > LOOK_SECONDS:
            jobs = await self._those_that_stand(jobs)
        self._lines.feed(jobs)
        return None

    async def _those_that_stand(self, jobs: list[Job]) -> list[Job]:
        """The limits, or the claim, were long in answering: by what is so now, which may go."""
        try:
            await self._look()
        except Exception:
            await self._hand_back(jobs)
            raise
        stand = all_terms(self._view)
        await self._hand_back([job for job in jobs if job.terms not in stand])
        return [job for job in jobs if job.terms in stand]

    async def _identity(self, view: LaneView) -> Identity | None:
        """The sender ready to send; None when its row is unusable, which stops it."""
        try:
            return await self._parts.content.identity(self._sender_id, updated_at=view.updated_at)
        except (DomainError, SecretUnreadable) as error:
            self._findings.trouble(SenderEffect.BREAK, str(error), as_of=view.updated_at)
            return None

    async def _hand_back(self, jobs: Sequence[Job]) -> None:
        """Let go of what was claimed and not begun: it waits again as before."""
        if jobs:
            await self._parts.handover.hand_back(jobs)

    async def _send(self, job: Job) -> None:
        """One email's way: handed over, its end recorded, and what that says of its sender."""
        handover = self._parts.handover
        result = await handover.hand_over(job, begins=self._begins)
        if result is not None:
            if result.fenced and handover.cannot_mark:
                self._lines.stop()  # the next ones would fare no better
            # Before it is recorded: a slow database must not let more of a spent quota go.
            self._findings.of_email(result, to=job.claim.address, as_of=job.identity.as_of)
            await self._lines.trail(handover.record(result.outcome))
        if job.one_at_a_time:
            self._lines.tell()  # the next one may be claimed

    def _begins(self, job: Job) -> bool:
        """Whether an email may still go, after all that it has waited for."""
        if self._over():
            self._lines.stop()
        return self._lines.begin(job)

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


def _rest(verdict: Wait, *, now: datetime) -> Rest:
    wait = None if verdict.until is None else verdict.until - now
    return Rest(wait=wait, held_by=verdict.held_by)
