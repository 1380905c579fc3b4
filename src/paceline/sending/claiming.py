"""From a look to jobs: what may go is booked with the limits, claimed in the ledger, confirmed.

Owns the order of the three, and that nothing is kept when one of them fails: the booking of what
was not claimed is given back, and what was claimed and cannot be confirmed waits again.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from paceline import clock
from paceline.domain.gate import Demand
from paceline.errors import OperationalError
from paceline.limits import Budget, CampaignBudget, Denied, Granted
from paceline.observability.faultpoints import FaultPoint, faultpoint
from paceline.persistence.lanes import Rest
from paceline.persistence.ledger import MAX_CLAIM, Claim
from paceline.persistence.standing import LaneView
from paceline.sending.handover import Job
from paceline.sending.identities import Identity
from paceline.sending.parts import Parts
from paceline.sending.terms import terms

# With a campaign that goes one at a time in the round, the others take small bites.
BITE_BESIDE_A_GAP = 16


class Claiming:
    """Of one turn."""

    def __init__(self, parts: Parts, sender_id: uuid.UUID, holds: Callable[[], bool]) -> None:
        self._parts = parts
        self._sender_id = sender_id
        self._holds = holds

    async def claim(
        self,
        view: LaneView,
        demands: Sequence[Demand],
        identity: Identity,
        *,
        room: int,
        early: timedelta,
    ) -> list[Job] | Rest:
        """Jobs for these demands, at most as many as there is room for; or how long the limits
        allow none. A moment as near as `early` is granted, and waited for with the job."""
        has_gap = any(demand.due and demand.min_delay_ms for demand in view.demands)
        granted = await self._parts.limits.reserve(
            Budget(
                sender_id=self._sender_id,
                hourly_limit=view.hourly_limit,
                min_delay_ms=view.min_delay_ms,
            ),
            [_campaign_budget(demand) for demand in demands],
            capacity=min(room, BITE_BESIDE_A_GAP if has_gap else MAX_CLAIM),
            early=early,
        )
        # Counted from the answer: from the question, a slow answer would make a gap too short.
        granted_at = clock.boottime()
        if isinstance(granted, Denied):
            return Rest(wait=granted.wait, held_by=granted.held_by)
        async with self._or_given_back(granted):
            contents = await self._parts.content.load(
                slot.campaign_id for slot in granted.slots if slot.campaign_id is not None
            )
        claims = await self._claimed(granted, account_version=identity.account_version)
        gaps = {d.campaign_id for d in demands if d.min_delay_ms or view.min_delay_ms}
        waits = {slot.campaign_id: slot.wait for slot in granted.slots}
        of = {d.campaign_id: terms(view, d) for d in demands}
        return [
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

    async def _claimed(self, granted: Granted, *, account_version: int) -> tuple[Claim, ...]:
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


def _campaign_budget(demand: Demand) -> CampaignBudget:
    return CampaignBudget(
        campaign_id=demand.campaign_id,
        want=demand.due,
        hourly_limit=demand.hourly_limit,
        min_delay_ms=demand.min_delay_ms,
    )
