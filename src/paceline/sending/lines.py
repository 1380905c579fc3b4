"""The sending side of one lane: so many emails at once, each on a connection of its own.

It owns the queue between claiming and sending: how long it may be, so that nothing in it waits for
longer than a second, and what happens when the sender or its server turns out to be at fault:
nothing more is started, and what was not started is handed back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import compress
from types import TracebackType
from typing import Generic, TypeVar

from paceline import clock

Job = TypeVar("Job")

MAX_TRAILING = 4  # unfinished follow-ups per line
MAX_AHEAD = 256
# The queue is made longer while it is emptied within the first, and shorter when that takes longer
# than the second: a decision about what is queued shall not come too late for it.
QUICK_SECONDS = 0.25
SLOW_SECONDS = 1.0


class Lines(Generic[Job]):
    """Runs `send` for every job fed to it, at most `width` at a time.

    Use it as an async context manager: leaving it waits for the jobs under way.
    """

    def __init__(self, send: Callable[[Job], Awaitable[None]], *, width: int) -> None:
        self._send = send
        self._width = width
        self._ahead = width  # how many may be queued
        self._queue: deque[Job] = deque()
        self._running = 0
        self._trailing = 0
        self._failed: list[Exception] = []
        self._stopped = False
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Lines[Job]:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = True
        await self._tasks.__aexit__(kind, error, trace)
        if self._failed:
            raise ExceptionGroup("emails could not be handed over", self._failed)

    @property
    def busy(self) -> bool:
        """Whether anything is queued or under way."""
        return bool(self._running or self._trailing or self._queue)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called: nothing more will be started."""
        return self._stopped

    @property
    def room(self) -> int:
        """For how many more jobs there is a free line, or a place in the queue."""
        return max(0, self._width - self._running + self._ahead - len(self._queue))

    async def make_room(self) -> bool:
        """Wait a second for room. False: there is still none."""
        return await self._within(SLOW_SECONDS, lambda: self._stopped or self.room > 0)

    async def feed(self, jobs: Sequence[Job]) -> bool:
        """Queue jobs; returns when the queue is short enough to ask for more.

        False: a second has passed and it is not. What is `unstarted` had better be taken back.
        """
        self._queue.extend(jobs)
        self._start()
        begun_at = clock.boottime()
        enough = min(self._width, self._ahead // 2)
        short = await self._within(
            SLOW_SECONDS, lambda: self._stopped or len(self._queue) <= enough
        )
        if not short:
            self._ahead //= 2
        elif clock.boottime() - begun_at < QUICK_SECONDS:
            self._ahead = min(max(1, 2 * self._ahead), MAX_AHEAD)
        return short

    async def drain(self, *, within: float | None = None) -> bool:
        """Wait until every job fed so far is done, or the lines were stopped and what was under way
        is done. False: so many seconds have passed, and something is not."""
        return await self._within(
            within,
            lambda: not self._running and not self._trailing and (self._stopped or not self._queue),
        )

    async def follow_up(self, work: Coroutine[object, object, None]) -> None:
        """Do the rest of a job beside its line, which takes the next one meanwhile.

        Waits while too much of it piles up, so that no more is begun than can be finished.
        """
        await self._until(lambda: self._trailing < MAX_TRAILING * self._width)
        self._trailing += 1
        self._tasks.create_task(self._trail(work))

    def stop(self) -> None:
        """Start no more jobs; those under way go on to their end."""
        self._stopped = True
        self._tell()

    def unstarted(self, unless: Callable[[Job], bool] | None = None) -> list[Job]:
        """Take back what was queued and not begun, `unless` it may stay."""
        stay = [unless is not None and unless(job) for job in self._queue]
        taken = [job for job, stays in zip(self._queue, stay, strict=True) if not stays]
        self._queue = deque(compress(self._queue, stay))
        return taken

    def _start(self) -> None:
        while self._queue and self._running < self._width and not self._stopped:
            self._running += 1
            self._tasks.create_task(self._line(self._queue.popleft()))

    async def _trail(self, work: Coroutine[object, object, None]) -> None:
        try:
            await self._guarded(work)
        finally:
            self._trailing -= 1
            self._tell()

    async def _line(self, job: Job) -> None:
        try:
            await self._guarded(self._send(job))
            while self._queue and not self._stopped:
                job = self._queue.popleft()
                self._tell()
                await self._guarded(self._send(job))
        finally:
            self._running -= 1
            self._tell()

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Keep a bug from cancelling the other lines, whose emails may be past their final dot."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - raised again when all have ended
            self._failed.append(error)
            self.stop()

    # An `asyncio.Condition` would wake everybody at every email, in turn for its lock.

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            told = asyncio.get_running_loop().create_future()
            waiting = (holds, told)
            self._waiting.append(waiting)
            try:
                await told
            finally:
                self._waiting.remove(waiting)

    async def _within(self, seconds: float | None, holds: Callable[[], bool]) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._until(holds)
        except TimeoutError:
            return holds()
        return True

    def _tell(self) -> None:
        for holds, told in self._waiting:
            if not told.done() and holds():
                told.set_result(None)
