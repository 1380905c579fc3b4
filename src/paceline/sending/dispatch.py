"""One sender's turn: look, ask the gate and the limits, claim, hand over, and say when next.

Owns the order of these steps. It knows nothing of queues or jobs: the engine gives it a turn and
puts the lane to sleep for as long as the answer says.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from paceline import clock
from paceline.auth.secretbox import SecretUnreadable
from paceline.delivery import Account
from paceline.domain.gate import Demand, Wait, judge
from paceline.domain.lifecycle import JobState, SenderState
from paceline.domain.replies.outcome import says_nothing
from paceline.errors import DomainError, OperationalError
from paceline.limits import Budget, CampaignBudget, Denied, Granted, Limits
from paceline.observability.faultpoints import FaultPoint, faultpoint
from paceline.persistence.lanes import Rest
from paceline.persistence.ledger import MAX_CLAIM, Claim, Ledger, Outcome
from paceline.persistence.standing import LaneView, Standing
from paceline.sending.consequences import Consequence, SenderEffect
from paceline.sending.content import Content
from paceline.sending.crowding import Crowding
from paceline.sending.handover import Handover, Job, Terms
from paceline.sending.identities import Identity
from paceline.sending.leases import Leases
from paceline.sending.lines import SLOW_SECONDS, Lines
from paceline.sending.neighbours import Neighbours
from paceline.sending.resting import SenderHealth
from paceline.sending.shares import LaneShares

TURN_SECONDS = 10.0  # so that many lanes share one worker
# A moment this near is waited for on the spot; a later one is left to the queue.
NEAR = timedelta(milliseconds=250)
# With a campaign that goes one at a time in the round, the others take small bites.
BITE_BESIDE_A_GAP = 16

# Whoever takes longer to come to an end holds up the end of the turn, but not the turn.
LAST_ORDERS_SECONDS = 2.0

LOOK_SECONDS = 0.5  # whether the lane is still ours

# Which trouble of a turn counts, the last one most.
_GRAVITY = (
    SenderEffect.NONE,
    SenderEffect.CROWD,
    SenderEffect.REST,
    SenderEffect.LIMIT,
    SenderEffect.BREAK,
)

log = logging.getLogger(__name__)

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
        self._terms = _all_terms(view)
        self._ends_at = clock.boottime() + TURN_SECONDS
        self._account: Account | None = None  # once it is in use
        self._effect = SenderEffect.NONE
        self._reason = ""
        self._as_of = view.updated_at  # the sender that this is about
        self._host_answered = False
        self._accepted = False
        self._accepted_since = False  # since there was trouble
        self._by_policy = False  # that trouble is a refusal that stands, whatever else is accepted
        self._crowded = 0  # connections refused
        self._width = parts.crowding.width(sender_id, view.max_connections)
        self._lines = Lines(self._send, width=1 if view.min_delay_ms else self._width)

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
            watch.cancel()
        if trouble is not None:
            raise trouble
        return await self._finish(rest)

    async def _work(self) -> Rest:
        while not await self._over():
            seen_at, view = clock.boottime(), self._view
            verdict = judge(view.standing, view.demands, now=view.now)
            if isinstance(verdict, Wait):
                rest = _rest(verdict, now=view.now)
            elif self._lines.room:
                rest = _no_later_than_due(await self._send_some(view, verdict.demands), view)
            else:
                await self._lines.make_room()
                rest = AT_ONCE
            if rest.wait is not None and rest.wait <= NEAR:
                await self._parts.handover.pause(rest.wait.total_seconds())
            elif self._lines.busy:
                # What is on its way may change the picture: by a retry, or as a campaign's last.
                # And what is new must not wait for a server that does not answer.
                await self._lines.drain(within=NEAR.total_seconds())
            else:
                return _shortened(rest, by=timedelta(seconds=clock.boottime() - seen_at))
            seen = await self._parts.standing.look(self._sender_id)
            if seen is None:
                break
            self._view = seen
            # A decision or a limit that has changed holds for what is queued as well.
            if (terms := _all_terms(seen)) != self._terms:
                self._terms = terms
                await self._hand_back(unless=lambda job: job.terms in self._terms)
        return AT_ONCE

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
        has_gap = view.min_delay_ms > 0 or any(d.min_delay_ms for d in demands)
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
        contents = await self._parts.content.load(
            slot.campaign_id for slot in granted.slots if slot.campaign_id is not None
        )
        claims = await self._claim(granted)
        gaps = {d.campaign_id for d in demands if d.min_delay_ms or view.min_delay_ms}
        waits = {slot.campaign_id: slot.wait for slot in granted.slots}
        terms = {d.campaign_id: _terms(view, d) for d in demands}
        jobs = [
            Job(
                claim=claim,
                identity=identity,
                texts=None if claim.campaign_id is None else contents[claim.campaign_id],
                reservation=granted.reservation,
                one_at_a_time=claim.campaign_id in gaps,
                ready_at=granted_at + waits[claim.campaign_id].total_seconds(),
                terms=terms[claim.campaign_id],
            )
            for claim in claims
        ]
        if not await self._lines.feed(jobs):
            await self._hand_back()
        if has_gap:
            await self._drain()
        return AT_ONCE

    async def _drain(self) -> None:
        """Wait for what is under way, and keep nothing waiting behind it for long."""
        while not await self._lines.drain(within=SLOW_SECONDS):
            await self._hand_back()
            if self._parts.stopping.is_set():
                return

    async def _identity(self, view: LaneView) -> Identity | None:
        """The sender ready to send; None when its row is unusable, which stops it."""
        try:
            return await self._parts.content.identity(self._sender_id, updated_at=view.updated_at)
        except (DomainError, SecretUnreadable) as error:
            self._trouble(SenderEffect.BREAK, str(error), as_of=view.updated_at)
            return None

    async def _claim(self, granted: Granted) -> tuple[Claim, ...]:
        """Claim what was booked; what is no longer there is given back."""
        wanted = {slot.campaign_id: slot.granted for slot in granted.slots}
        asked_at = clock.boottime()
        faultpoint(FaultPoint.BEFORE_CLAIM)
        if not granted.reservation.holds:
            return ()  # this process was frozen meanwhile
        claimed = await self._parts.ledger.claim(
            self._sender_id,
            of_campaigns={c: n for c, n in wanted.items() if c is not None},
            single=wanted.get(None, 0),
        )
        faultpoint(FaultPoint.AFTER_CLAIM)
        for claim in claimed.claims:
            self._parts.leases.hold(claim.attempt, asked_at=asked_at)
        taken = Counter(claim.campaign_id for claim in claimed.claims)
        unused = {c: n - taken[c] for c, n in wanted.items() if n > taken[c]}
        if unused and granted.reservation.holds:
            await self._parts.handover.give_back(granted.reservation, unused=unused)
        return claimed.claims

    async def _send(self, job: Job) -> None:
        if not self._holds():
            self._lines.stop()
            await self._parts.handover.hand_back([job])
            return
        result = await self._parts.handover.hand_over(job)
        if result is None:
            return
        if result.fenced and self._parts.handover.cannot_mark:
            self._lines.stop()  # the next ones would fare no better
        await self._lines.follow_up(self._parts.handover.record(result.outcome))
        self._host_answered = self._host_answered or result.left
        self._judge(result, to=job.claim.address, as_of=job.identity.as_of)

    def _judge(self, result: Consequence, *, to: str, as_of: datetime) -> None:
        """What the end of one email says about the sender of them all."""
        reason = result.outcome.reply_text or "no reason given"
        match result.sender:
            case SenderEffect.BREAK | SenderEffect.REST | SenderEffect.LIMIT:
                self._trouble(result.sender, reason, as_of=as_of)
            case SenderEffect.CROWD:
                self._crowded += 1
                self._trouble(result.sender, reason, as_of=as_of)
            case SenderEffect.SUSPECT:
                effect, reason = self._parts.health.note_policy(self._sender_id, reason)
                self._by_policy = True
                self._trouble(effect, reason, as_of=as_of)
            case SenderEffect.ACCUSED:
                self._perhaps(self._parts.health.note_accusation, reason, as_of=as_of)
            case SenderEffect.DOUBTED:
                self._perhaps(self._parts.health.note_refusal, reason, as_of=as_of)
                if _says_nothing(result.outcome):
                    note_alike = functools.partial(self._parts.health.note_alike, to=to)
                    self._perhaps(note_alike, reason, as_of=as_of)
            case SenderEffect.NONE if result.outcome.state is JobState.SENT:
                self._parts.health.note_acceptance(self._sender_id)
                self._accepted = self._accepted_since = True
            case _:
                return

    def _perhaps(
        self,
        note: Callable[[uuid.UUID, str], tuple[SenderEffect, str]],
        reason: str,
        *,
        as_of: datetime,
    ) -> None:
        """One refusal says little; a row of them says that it is about the sender."""
        effect, reason = note(self._sender_id, reason)
        if effect is not SenderEffect.NONE:
            self._trouble(effect, reason, as_of=as_of)

    def _trouble(self, effect: SenderEffect, reason: str, *, as_of: datetime) -> None:
        """Start nothing more; a refused account outweighs a quota, and a quota a lost server."""
        if _GRAVITY.index(effect) >= _GRAVITY.index(self._effect):
            self._effect, self._reason, self._as_of = effect, reason, as_of
        self._accepted_since = False
        self._lines.stop()

    async def _finish(self, rest: Rest) -> Rest:
        health = self._parts.health
        self._forgive()
        if self._effect is not SenderEffect.NONE:
            await health.note_trouble(
                self._sender_id,
                self._effect,
                as_of=self._as_of,
                host_failures=self._view.host_failures,
                reason=self._reason,
                others_work=self._accepted_since,
            )
            return AT_ONCE  # the gate says for how long
        if self._host_answered and self._view.host_failures:
            await health.host_reached(self._sender_id)
        await self._complete_campaigns()
        return rest

    def _forgive(self) -> None:
        """No rest while other connections work: an email was accepted all the same."""
        if self._effect is SenderEffect.CROWD and self._accepted:
            width = self._parts.crowding.refused(
                self._sender_id, of=self._width, refused=self._crowded
            )
            log.info(
                "sender %s goes on with %d connections: %s", self._sender_id, width, self._reason
            )
        elif self._effect is not SenderEffect.REST or self._by_policy or not self._accepted_since:
            return
        self._effect, self._host_answered = SenderEffect.NONE, True

    async def _complete_campaigns(self) -> None:
        # Asked only when the last look has seen one with nothing waiting: a sender that goes one at
        # a time would otherwise ask after every email.
        if any(d.campaign_id and d.next_due_at is None for d in self._view.demands):
            await self._parts.health.complete_campaigns(self._sender_id)

    async def _over(self) -> bool:
        if self._parts.stopping.is_set() or self._lines.stopped or not self._holds():
            return True
        if clock.boottime() < self._ends_at:
            return False
        if await self._lines.drain(within=LAST_ORDERS_SECONDS):
            return True
        await self._complete_campaigns()
        self._ends_at = clock.boottime() + TURN_SECONDS  # the others need not wait for a straggler
        return False


def _all_terms(view: LaneView) -> frozenset[Terms]:
    """Those under which emails may go now; none while the sender may not send."""
    if view.standing.state is not SenderState.ACTIVE:
        return frozenset()
    return frozenset(_terms(view, demand) for demand in view.demands)


def _terms(view: LaneView, demand: Demand) -> Terms:
    return Terms(
        campaign_id=demand.campaign_id,
        hourly_limit=demand.hourly_limit,
        min_delay_ms=demand.min_delay_ms,
        senders_hourly_limit=view.hourly_limit,
        senders_min_delay_ms=view.min_delay_ms,
    )


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


def _says_nothing(outcome: Outcome) -> bool:
    return (
        outcome.reply_code is not None
        and outcome.phase is not None
        and says_nothing(
            phase=outcome.phase,
            code=outcome.reply_code,
            enhanced=outcome.reply_enhanced,
            text=outcome.reply_text or "",
        )
    )
