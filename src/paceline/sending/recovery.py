"""Takes back what dead workers held, and lets `resend` campaigns settle their doubts."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from paceline import clock
from paceline.domain.lifecycle import JobState
from paceline.domain.providers import IDEMPOTENCY_HEADERS, REMEMBERED_FOR
from paceline.errors import OperationalError
from paceline.observability.figures import Figures
from paceline.observability.troubles import Trouble
from paceline.persistence.database import Database
from paceline.persistence.lanes import Lanes
from paceline.persistence.ledger import Ledger
from paceline.persistence.stores import pieces
from paceline.persistence.stores.campaigns import is_my_turn
from paceline.persistence.taking_back import cancel_stragglers, recover_expired, resend_doubtful
from paceline.sending.blackbox import FoundBox, find_boxes

# Longer than the ten minutes a server may take to answer the final dot (RFC 5321 §4.5.3.2.6).
RESEND_GRACE = timedelta(minutes=15)
RETRY_SECONDS = 1.0
# Cancelled campaigns are looked at for so long; at first all of them, for nobody may have looked.
LATELY = timedelta(days=1)
EVER = timedelta(days=36_500)

log = logging.getLogger(__name__)


async def read_black_boxes(folder: Path, ledger: Ledger, lanes: Lanes) -> None:
    """Record what workers of this machine that died had still known, and wake the lanes concerned.

    Before a worker's first lane: it settles in a moment what would otherwise wait for leases to
    run out, and turns most doubt into knowledge. A database that is away is waited for.
    """
    trouble = Trouble(log, "a dead worker's black box waits to be recorded")
    for box in find_boxes(folder):
        while not await _settled(box, ledger, lanes, trouble):  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(RETRY_SECONDS)
        box.destroy()


async def _settled(box: FoundBox, ledger: Ledger, lanes: Lanes, trouble: Trouble) -> bool:
    outcomes = box.outcomes
    if not outcomes:
        return True
    try:
        recorded = sum(await ledger.record(outcomes))
        await lanes.signal_for([outcome.attempt.email_id for outcome in outcomes])
    except OperationalError as error:
        trouble.met(error)
        return False
    log.warning(
        "a worker died with %d emails; %d of them were settled by its black box",
        len(outcomes),
        recorded,
    )
    return True


class Recovery:
    """One round of it, as the keeper calls it."""

    def __init__(
        self,
        database: Database,
        *,
        resend_grace: timedelta = RESEND_GRACE,
        figures: Figures | None = None,
        known_beat: Callable[[], int] = lambda: 0,
    ) -> None:
        self._database = database
        self._figures = figures or Figures()
        self._resend_grace = resend_grace
        self._known_beat = known_beat
        self._all_cancelled_at: float | None = None  # when a look at them found nothing to do

    async def run(self) -> set[uuid.UUID]:
        """Recover expired leases, resend what policy allows; the senders whose lanes to ring."""
        recovered = await recover_expired(self._database)
        self._figures.recovered.update(str(email.state) for email in recovered)
        if recovered:
            doubtful = sum(email.state is JobState.IN_DOUBT for email in recovered)
            log.warning(
                "took back %d emails from workers that are gone, %d of them in doubt",
                len(recovered),
                doubtful,
            )
        await self._cancel()
        await self._clear()
        await self._move()
        senders = await resend_doubtful(
            self._database,
            grace=self._resend_grace,
            deduplicating_hosts=IDEMPOTENCY_HEADERS,
            remembered_for=REMEMBERED_FOR,
            known_beat=self._known_beat(),
        )
        if senders:
            log.info("trying doubtful emails of %d senders again", len(senders))
        return senders | {email.sender_id for email in recovered}

    async def _cancel(self) -> None:
        """Cancel what a cancellation has left, however long nobody could look."""
        began = clock.boottime()
        since = self._all_cancelled_at
        within = EVER if since is None else LATELY + timedelta(seconds=began - since)
        cancelled = await cancel_stragglers(self._database, within=within)
        if cancelled:
            log.info("cancelled %d more emails with their campaign", cancelled)
        else:
            self._all_cancelled_at = began

    async def _move(self) -> None:
        """Move a piece of a campaign to its new start, where a process stopped half-way.

        Not while somebody else has its turn, for a keeper that waits is taken for dead.
        """
        async with self._database.transaction() as session:
            for campaign_id in await pieces.moving(session):
                if await is_my_turn(session, campaign_id):
                    await pieces.move(session, campaign_id)
                    return

    async def _clear(self) -> None:
        """Remove a piece of a draft that was thrown away, where a process stopped half-way."""
        async with self._database.transaction() as session:
            campaign_id = await pieces.thrown_away(session)
            if campaign_id is not None:
                await pieces.clear(session, campaign_id)
