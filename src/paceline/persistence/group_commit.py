"""Group commit: many callers, one statement. What makes three marks per email affordable.

While one batch is being committed, the next one gathers. So the batch grows with the load by
itself. One loop per kind of statement, owned by the worker. Where somebody's lock is in the way of
some items, those are set apart and the others go on.

Items for which nobody waits may travel in another statement's transaction, if one comes soon: that
saves a commit. Whatever is in the way of them there, they are committed here in the end. Nothing
travels while a batch is committed here, nor the other way round: the two statements could lock the
same rows in opposite order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import Generic, TypeAlias, TypeVar

from paceline.observability.troubles import Trouble
from paceline.persistence.database import DatabaseBusy, DatabaseUnavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MAX_BATCH = 512
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)  # the last one over and over
# Between two looks at what is set apart.
HELD_SECONDS = 0.5
# How long, at least, what can travel with others waits for them.
RIDE_SECONDS = 0.02

log = logging.getLogger(__name__)

Waiting: TypeAlias = tuple[Item, "asyncio.Future[Answer]"]


class GroupCommit(Generic[Item, Answer]):
    """Gathers items and hands them to `execute`, which answers one for one.

    With `insist`, a database that is away is asked again until it answers, so that no item is
    dropped; without it, the callers are told (`DatabaseUnavailable`). `unhindered` says of which
    items nobody else holds what they need: the others are then asked again by themselves.
    What `rides` waits a moment for somebody who will `carry` it.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        insist: bool,
        unhindered: Callable[[Sequence[Item]], Awaitable[Sequence[bool]]] | None = None,
        rides: Callable[[Item], bool] = lambda _: False,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._execute = execute
        self._insist = insist
        self._unhindered = unhindered
        self._rides = rides
        self._max_batch = max_batch
        self._waiting: deque[Waiting[Item, Answer]] = deque()
        self._something = asyncio.Event()
        self._riding: deque[Waiting[Item, Answer]] = deque()
        self._somebody_rides = asyncio.Event()
        self._committing = asyncio.Lock()  # what comes, or what rides
        self._gone = 0  # of all that ever rode: carried, or sent on by themselves
        self._held: list[Waiting[Item, Answer]] = []
        self._something_held = asyncio.Event()
        self._trouble = Trouble(log, "outcomes wait to be recorded")
        self._hindrance = Trouble(log, "outcomes wait for what somebody holds in the database")

    def submit(self, item: Item) -> asyncio.Future[Answer]:
        """The answer to this item, once its batch has been committed."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        # What may need what somebody holds is looked at here first, and delays nobody else's.
        if self._rides(item) and not self._held:
            self._riding.append((item, future))
            self._somebody_rides.set()
        else:
            self._waiting.append((item, future))
            self._something.set()
        return future

    async def carry(
        self, execute: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | None]]]
    ) -> None:
        """Let what rides travel in `execute`'s transaction. None: that item goes by itself.

        Whatever `execute` raises is raised; nothing is lost by it. It never waits for a batch that
        is being committed here, but nothing travels meanwhile.
        """
        # Whoever waits for the lock has something waiting: else we could come behind him.
        is_free = not (self._held or self._waiting or self._committing.locked())
        riders = self._take_riders(self._max_batch) if is_free else []
        try:
            async with self._committing if riders else nullcontext():
                answers = await execute([item for item, _ in riders])
        except DatabaseBusy as error:
            if riders:
                self._hindrance.met(error)
                self._hold(riders)
            raise
        except BaseException:
            self._go_alone(riders)
            raise
        left = []
        for rider, answer in zip(riders, answers, strict=True):
            if answer is None:
                left.append(rider)
            elif not rider[1].done():
                rider[1].set_result(answer)
        self._go_alone(left)

    async def run(self) -> None:
        """Commit batches until cancelled."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._commit_what_comes())
            loops.create_task(self._commit_what_is_held())
            loops.create_task(self._send_on_what_rides())

    async def _send_on_what_rides(self) -> None:
        while True:
            await self._somebody_rides.wait()
            came = self._gone + len(self._riding)
            await asyncio.sleep(RIDE_SECONDS)
            if came > self._gone:  # these have waited long enough
                self._go_alone(self._take_riders(came - self._gone))
            if not self._riding:
                self._somebody_rides.clear()

    def _take_riders(self, most: int) -> list[Waiting[Item, Answer]]:
        size = min(len(self._riding), most)
        self._gone += size
        return [self._riding.popleft() for _ in range(size)]

    def _go_alone(self, riders: Sequence[Waiting[Item, Answer]]) -> None:
        self._waiting += riders
        if self._waiting:
            self._something.set()

    async def _commit_what_comes(self) -> None:
        while True:
            await self._something.wait()
            # What is held needs no such lock: nothing travels as long as anything is.
            async with self._committing:
                await self._commit_next()

    async def _commit_next(self) -> None:
        size = min(len(self._waiting), self._max_batch)
        batch = [self._waiting.popleft() for _ in range(size)]
        if not self._waiting:
            self._something.clear()
        if self._held:  # some of these would wait for the same
            free = await self._free(batch)
            self._hold(_without(batch, free))
            batch = free
        # A caller that was cancelled has dropped its connection; its item is still recorded.
        if batch and not await self._commit(batch):
            self._hold(batch)

    async def _commit_what_is_held(self) -> None:
        while True:
            await self._something_held.wait()
            free = (await self._free(self._held))[: self._max_batch]
            if free and not await self._commit(free):
                # One of them by what `unhindered` does not see, or by what came since.
                free = [each for each in free if await self._commit_alone(each)]
            if free:
                self._held = _without(self._held, free)
                self._hindrance.over()
            if not self._held:
                self._something_held.clear()
            else:
                await asyncio.sleep(HELD_SECONDS)

    async def _commit_alone(self, waiting: Waiting[Item, Answer]) -> bool:
        return bool(await self._free([waiting])) and await self._commit([waiting])

    def _hold(self, batch: Sequence[Waiting[Item, Answer]]) -> None:
        self._held += batch
        if self._held:
            self._something_held.set()

    async def _free(self, batch: list[Waiting[Item, Answer]]) -> list[Waiting[Item, Answer]]:
        """Those that nobody hinders; all of them where that cannot be found out."""
        assert self._unhindered is not None, "else nothing is held"
        batch = list(batch)
        try:
            free = await self._unhindered([item for item, _ in batch])
        except DatabaseUnavailable as error:
            self._trouble.met(error)
            return batch
        return [waiting for waiting, is_free in zip(batch, free, strict=True) if is_free]

    async def _commit(self, batch: Sequence[Waiting[Item, Answer]]) -> bool:
        """Answer all of them. False: somebody holds what one of them needs."""
        try:
            answers = await self._answers([item for item, _ in batch])
        except BaseException as error:
            if isinstance(error, DatabaseBusy) and self._unhindered is not None:
                self._hindrance.met(error)
                return False
            for _, future in batch:
                if not future.done():
                    future.set_exception(
                        error if isinstance(error, Exception) else asyncio.CancelledError()
                    )
            if not isinstance(error, DatabaseUnavailable):
                raise
            return True
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        return True

    async def _answers(self, items: Sequence[Item]) -> Sequence[Answer]:
        tries = 0
        while True:
            try:
                answers = await self._execute(items)
                self._trouble.over()
                return answers
            except DatabaseUnavailable as error:
                is_told = isinstance(error, DatabaseBusy) and self._unhindered is not None
                if is_told or not self._insist:
                    raise
                pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                self._trouble.met(error)
                tries += 1
                await asyncio.sleep(pause)


def _without(
    all_of: Sequence[Waiting[Item, Answer]], some: Sequence[Waiting[Item, Answer]]
) -> list[Waiting[Item, Answer]]:
    """By identity: two items may be alike."""
    left_out = {id(waiting) for waiting in some}
    return [waiting for waiting in all_of if id(waiting) not in left_out]
