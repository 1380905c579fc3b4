"""The sending side of one lane: so many emails at once, each on a connection of its own.

It owns the queue between claiming and sending: how long it may be, so that nothing in it waits for
longer than a second, and what happens when the sender or its server turns out to be at fault:
nothing more is started, and what was not started is handed back.

A job stays in the queue's hands while its line waits with it, for its slot, its files or a place.
There is one moment at which it leaves them, `begin`, and nothing is waited for after that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterator, Sequence
from itertools import chain
from types import TracebackType
from typing import Generic, TypeVar

from paceline import clock

Job = TypeVar("Job", bound=Hashable)

MAX_TRAILING = 4  # unfinished follow-ups per line
MAX_AHEAD = 256
# The queue is made longer while it is emptied within the first, and shorter when that takes longer
# than the second: with a look after that, a decision about what is queued holds within a second.
QUICK_SECONDS = 0.25
SLOW_SECONDS = 0.9


class Lines(Generic[Job]):
    """Runs `send` for every job fed to it, at most `width` at a time.

    `send` waits for what its job needs, and then asks `begin` whether it still may. Use it as an
    async context manager: leaving it waits for the jobs under way.
    """

    def __init__(self, send: Callable[[Job], Awaitable[None]], *, width: int) -> None:
        self._send = send
        self._width = width
        self._ahead = width  # how many may be queued
        self._queue: deque[Job] = deque()
        self._waiting: dict[Job, None] = {}  # with a line, and not begun
        self._begun: set[Job] = set()
        self._running = 0  # lines
        self._trailing = 0
        self._failed: list[Exception] = []
        self._stopped = False
        self._asking: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
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
    def jobs(self) -> Iterator[Job]:
        """What is queued or under way."""
        return chain(self._queue, self._waiting, self._begun)

    @property
    def room(self) -> int:
        """For how many more jobs there is a free line, or a place in the queue."""
        return max(0, self._width - self._running + self._ahead - len(self._queue))

    async def make_room(self) -> bool:
        """Wait a second for room. False: there is still none."""
        return await self._within(SLOW_SECONDS, lambda: self._stopped or self.room > 0)

    async def feed(self, jobs: Sequence[Job]) -> list[Job]:
        """Queue jobs; returns when the queue is short enough to ask for more.

        When a second has passed and it is not, it is emptied: what no line has come for is returned
        and has to be handed back.
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
            late = list(self._queue)
            self._queue.clear()
            return late
        if clock.boottime() - begun_at < QUICK_SECONDS:
            self._ahead = min(max(1, 2 * self._ahead), MAX_AHEAD)
        return []

    def begin(self, job: Job) -> bool:
        """Let a job out of the queue's hands. False: it is no longer its line's to begin."""
        if self._stopped or job not in self._waiting:
            return False
        del self._waiting[job]
        self._begun.add(job)
        return True

    async def drain(self, *, within: float | None = None) -> bool:
        """Wait until every job fed so far is done, or the lines were stopped and what was under way
        is done. False: so many seconds have passed, and something is not."""
        return await self._within(
            within,
            lambda: not self._running and not self._trailing and (self._stopped or not self._queue),
        )

    async def until(self, holds: Callable[[], bool], *, within: float) -> bool:
        """Wait for what the end of a job may bring about, or until the lines are stopped.
        False: so many seconds have passed, and it does not hold."""
        return await self._within(within, lambda: self._stopped or holds())

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
        """Take back what was fed and not begun, `unless` it may stay."""
        jobs = [job for job in chain(self._waiting, self._queue) if not (unless and unless(job))]
        taken = set(jobs)
        self._waiting = {job: None for job in self._waiting if job not in taken}
        self._queue = deque(job for job in self._queue if job not in taken)
        return jobs

    def _start(self) -> None:
        while self._queue and self._running < self._width and not self._stopped:
            self._running += 1
            self._tasks.create_task(self._line(self._next()))

    def _next(self) -> Job:
        job = self._queue.popleft()
        self._waiting[job] = None
        return job

    async def _trail(self, work: Coroutine[object, object, None]) -> None:
        try:
            await self._guarded(work)
        finally:
            self._trailing -= 1
            self._tell()

    async def _line(self, job: Job) -> None:
        try:
            while True:
                await self._guarded(self._send(job))
                self._begun.discard(job)
                if self._stopped or not self._queue:
                    return
                job = self._next()
                self._tell()
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
            asking = (holds, told)
            self._asking.append(asking)
            try:
                await told
            finally:
                self._asking.remove(asking)

    async def _within(self, seconds: float | None, holds: Callable[[], bool]) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._until(holds)
        except TimeoutError:
            return holds()
        return True

    def _tell(self) -> None:
        for holds, told in self._asking:
            if not told.done() and holds():
                told.set_result(None)
