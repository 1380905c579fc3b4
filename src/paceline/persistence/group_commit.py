"""Group commit: many callers, one statement. What makes three marks per email affordable.

While one batch is being committed, the next one gathers. So the batch grows with the load by
itself, and a lone caller waits for nothing. One loop per kind of statement, owned by the worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from paceline.observability.troubles import Trouble
from paceline.persistence.database import DatabaseUnavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MAX_BATCH = 512
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)  # the last one over and over

log = logging.getLogger(__name__)


class GroupCommit(Generic[Item, Answer]):
    """Gathers items and hands them to `execute`, which answers one for one.

    With `insist`, a database that is away is asked again until it answers, so that no item is
    dropped; without it, the callers are told (`DatabaseUnavailable`).
    """

    def __init__(
        self,
        execute: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        insist: bool,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._execute = execute
        self._insist = insist
        self._max_batch = max_batch
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._something = asyncio.Event()
        self._trouble = Trouble(log, "outcomes wait to be recorded")

    async def submit(self, item: Item) -> Answer:
        """The answer to this item, once its batch has been committed."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._something.set()
        return await future

    async def run(self) -> None:
        """Commit batches until cancelled."""
        while True:
            await self._something.wait()
            size = min(len(self._waiting), self._max_batch)
            batch = [self._waiting.popleft() for _ in range(size)]
            if not self._waiting:
                self._something.clear()
            # A caller that was cancelled has dropped its connection; its item is still recorded.
            await self._commit(batch)

    async def _commit(self, batch: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._answers([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(
                        error if isinstance(error, Exception) else asyncio.CancelledError()
                    )
            if not isinstance(error, DatabaseUnavailable):
                raise
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _answers(self, items: Sequence[Item]) -> Sequence[Answer]:
        tries = 0
        while True:
            try:
                answers = await self._execute(items)
                self._trouble.over()
                return answers
            except DatabaseUnavailable as error:
                if not self._insist:
                    raise
                pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                self._trouble.met(error)
                tries += 1
                await asyncio.sleep(pause)
