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
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from itertools import chain
from types import TracebackType
from typing import Any, Generic, TypeVar

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
        self._short = 0  # with so many queued it is time for more
        self._queue: deque[Job] = deque()
        self._waiting: dict[Job, None] = {}  # with a line, and not begun
        self._begun: set[Job] = set()
        self._running = 0  # lines
        self._trailing = 0  # jobs that have left their line and are not done
        self._failed: list[Exception] = []
        self._stopped = False
        self._asking: list[asyncio.Future[None]] = []  # who waits for something to have changed
        self._watched = 0  # by so many who wait for the end of a job, whichever
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
        await self._until(lambda: not self._trailing)
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
        return await self.until(lambda: self.room > 0, within=SLOW_SECONDS)

    async def feed(self, jobs: Sequence[Job]) -> list[Job]:
        """Queue jobs; returns when the queue is short enough to ask for more.

        When a second has passed and it is not, it is emptied: what no line has come for is returned
        and has to be handed back.
        """
        self._queue.extend(jobs)
        self._short = min(self._width, self._ahead // 2)
        begun_at = clock.boottime()
        self._start()
        if not await self._until(self._is_short, within=SLOW_SECONDS):
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
        return await self._until(self._is_at_rest, within=within)

    async def until(self, holds: Callable[[], bool], *, within: float) -> bool:
        """Wait for what the end of a job may bring about, or until the lines are stopped.
        False: so many seconds have passed, and it does not hold."""
        self._watched += 1
        try:
            return await self._until(lambda: self._stopped or holds(), within=within)
        finally:
            self._watched -= 1

    async def trail(self, rest: asyncio.Future[Any]) -> None:
        """Let a job's line take the next one while the `rest` of this one is done elsewhere.

        Waits while too much of it piles up, so that no more is begun than can be finished.
        """
        self._trailing += 1
        rest.add_done_callback(self._trailed)
        most = MAX_TRAILING * self._width
        if self._trailing > most:
            await self._until(lambda: self._trailing <= most)

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
        self._tell()
        return jobs

    def _start(self) -> None:
        while self._queue and self._running < self._width and not self._stopped:
            self._running += 1
            self._tasks.create_task(self._line(self._next()))

    def _next(self) -> Job:
        job = self._queue.popleft()
        self._waiting[job] = None
        if len(self._queue) == self._short:
            self._tell()
        return job

    async def _line(self, job: Job) -> None:
        """One connection's work: one job after another, as long as there are any."""
        try:
            while True:
                try:
                    await self._send(job)
                # A bug must not cancel the other lines, whose emails may be past their final dot.
                except Exception as error:  # noqa: BLE001 - raised again when all have ended
                    self._fail(error)
                self._begun.discard(job)
                if self._watched:
                    self._tell()
                if self._stopped or not self._queue:
                    return
                job = self._next()
        finally:
            self._running -= 1
            if not self._running:
                self._tell()

    def _trailed(self, rest: asyncio.Future[Any]) -> None:
        self._trailing -= 1
        if not rest.cancelled() and isinstance(error := rest.exception(), Exception):
            self._fail(error)
        if self._trailing == MAX_TRAILING * self._width or self._is_at_rest():
            self._tell()

    def _fail(self, error: Exception) -> None:
        self._failed.append(error)
        self.stop()

    def _is_short(self) -> bool:
        return self._stopped or len(self._queue) <= self._short

    def _is_at_rest(self) -> bool:
        return not self._running and not self._trailing and (self._stopped or not self._queue)

    async def _until(self, holds: Callable[[], bool], *, within: float | None = None) -> bool:
        """Asks again only when there is news: `_tell` says which."""
        loop = asyncio.get_running_loop()
        ends_at = None if within is None else loop.time() + within
        while not holds():
            if ends_at is not None and loop.time() >= ends_at:
                return False
            news: asyncio.Future[None] = loop.create_future()
            timer = None if ends_at is None else loop.call_at(ends_at, _set, news)
            self._asking.append(news)
            try:
                await news
            finally:
                self._asking.remove(news)
                if timer is not None:
                    timer.cancel()
        return True

    def _tell(self) -> None:
        """The queue has become short, all is done, or a job that is waited for has ended."""
        for news in self._asking:
            _set(news)


def _set(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)
