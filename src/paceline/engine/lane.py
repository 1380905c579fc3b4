"""A lane's life: wake, take a turn, go back to sleep. The protocol that loses no wake-up.

The order matters. The bell is read first, the signals second, the work is looked at third; then the
lane may sleep only if neither has moved: first over its row in PostgreSQL, then over the bell in
Redis. A ring or a signal that comes at any point in between sends it round again.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bullmq import DelayedError

from paceline import clock
from paceline.engine.ending import end
from paceline.engine.locks import LaneHold
from paceline.engine.queue import LaneQueue, Parked
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.database import DatabaseBusy, DatabaseUnavailable
from paceline.persistence.lanes import Lanes, Rest

# A sleeping lane wakes this much early and has everything in hand when its moment comes.
WAKE_LEAD = timedelta(milliseconds=150)
# A running lane is left alone by the keeper for so long, and says so again before the keeper takes
# for lost what was signalled meanwhile: the turn looks for itself. Not for longer, since a worker
# that was frozen says so too, although the lane is another one's by then.
BUSY_FOR = timedelta(seconds=10)
BUSY_AGAIN_SECONDS = 2.0
# A turn that hears nothing of PostgreSQL for so long gives its lane up.
UNHEARD_SECONDS = 8.0
# With nothing to do, a lane still looks once a day: a last net under every other one.
IDLE_LOOK = timedelta(hours=24)
TROUBLE_PAUSE = timedelta(seconds=2)
ASK_AGAIN_SECONDS = 0.5
MAX_ROUNDS = 8  # signalled again and again: let other lanes have a go

log = logging.getLogger(__name__)

TakeTurn = Callable[[uuid.UUID, Callable[[], bool], Callable[[], None]], Awaitable[Rest]]
"""One turn of a sender, for as long as its lane is held; it steps aside when it has to wait."""


class LaneRunner:
    """Runs lanes for a worker."""

    def __init__(
        self, queue: LaneQueue, lanes: Lanes, take_turn: TakeTurn, *, stopping: asyncio.Event
    ) -> None:
        self._queue = queue
        self._lanes = lanes
        self._take_turn = take_turn
        self._stopping = stopping
        seconds = TROUBLE_PAUSE.total_seconds()
        self._trouble = Trouble(log, f"a lane cannot work, and looks again in {seconds:g} s")
        self.is_silent = False  # PostgreSQL, as far as the last lane has heard

    async def until_heard(self) -> None:
        """Where PostgreSQL did not answer a lane, wait until it answers us.

        A lane that is taken without it is kept from another worker, who may hear it.
        """
        while self.is_silent:
            try:
                await self._lanes.ask()
                self.is_silent = False
            except OperationalError as error:
                self._trouble.met(error)
                await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def run(self, sender_id: uuid.UUID, hold: LaneHold) -> None:
        """One activation. Always raises `DelayedError`: a lane's job never completes or fails."""
        try:
            await self._until_asleep(sender_id, hold)
            self._trouble.over()
        except OperationalError as error:
            self._note_silence(error)
            self._trouble.met(error)
            await self._sleep_off(sender_id, hold.token)
        raise DelayedError

    async def _until_asleep(self, sender_id: uuid.UUID, hold: LaneHold) -> None:
        for _ in range(MAX_ROUNDS):
            bell = await self._queue.bell(sender_id)
            signal_seq = await self._lanes.begin(sender_id, busy_for=BUSY_FOR)
            rest = Rest(wait=None)
            if signal_seq is not None:
                rest = await self._turn(sender_id, hold)
                if not hold.stands():
                    log.warning("the lane of sender %s was lost: another turn takes it", sender_id)
                    break
                if not await self._lanes.park(sender_id, signal_seq=signal_seq, rest=rest):
                    if self._stopping.is_set():
                        break
                    continue
            wait = IDLE_LOOK if rest.wait is None else max(timedelta(0), rest.wait - WAKE_LEAD)
            parked = await self._queue.park(sender_id, token=hold.token, wait=wait, bell=bell)
            if parked is Parked.GONE:
                await self._queue.ring([sender_id])
            if parked is not Parked.RUNG:
                return
        await self._sleep_off(sender_id, hold.token, wait=timedelta(0))

    async def _turn(self, sender_id: uuid.UUID, hold: LaneHold) -> Rest:
        """A turn, which a server that does not answer may make a long one.

        Without PostgreSQL it cannot end, for its outcomes wait; others, who have PostgreSQL, are
        to go on with the lane meanwhile.
        """
        heard_at = clock.boottime()
        turn = asyncio.ensure_future(self._take_turn(sender_id, hold.stands, hold.step_aside))
        try:
            while not (await asyncio.wait([turn], timeout=BUSY_AGAIN_SECONDS))[0]:
                if await self._is_heard(sender_id):
                    heard_at = clock.boottime()
                if clock.boottime() - heard_at > UNHEARD_SECONDS:
                    hold.give_up()
            return turn.result()
        finally:
            await end([turn])

    async def _is_heard(self, sender_id: uuid.UUID) -> bool:
        """Say again that the lane runs. What is wrong the turn itself meets in better order."""
        try:
            await self._lanes.begin(sender_id, busy_for=BUSY_FOR)
        except DatabaseBusy:
            return True  # somebody holds the lane's row, which is an answer
        except OperationalError as error:
            self._note_silence(error)
            return False
        return True

    def _note_silence(self, error: OperationalError) -> None:
        if isinstance(error, DatabaseUnavailable) and not isinstance(error, DatabaseBusy):
            self.is_silent = True

    async def _sleep_off(
        self, sender_id: uuid.UUID, token: str, *, wait: timedelta = TROUBLE_PAUSE
    ) -> None:
        """Park whatever the bell says. If even that fails, BullMQ finds the stalled job."""
        try:
            parked = Parked.RUNG
            while parked is Parked.RUNG:
                bell = await self._queue.bell(sender_id)
                parked = await self._queue.park(sender_id, token=token, wait=wait, bell=bell)
        except OperationalError as error:
            self._trouble.met(error)
