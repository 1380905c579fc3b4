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
from datetime import timedelta
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
        self._long_since: float | None = None  # boot time; None: it is time for more
        self._ended_at = clock.boottime()  # a job, last
        self._news: asyncio.Future[None] | None = None  # of whoever decides
        self._fewer_trail = asyncio.Event()
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
        await self._until_trailing(0)
        if self._failed:
            raise ExceptionGroup("emails could not be handed over", self._failed)

    @property
    def busy(self) -> bool:
        """Whether anything is queued or under way."""
        return bool(self._running or self._trailing or self._queue)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way, nor will be of what is queued."""
        return not self._running and not self._trailing and (self._stopped or not self._queue)

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
        """For how many more jobs there is a free line, or a place in the queue; for none while what
        was fed last waits."""
        if self._long_since is not None:
            return 0
        return max(0, self._width - self._running + self._ahead - len(self._queue))

    def feed(self, jobs: Sequence[Job]) -> None:
        """Queue jobs, and start what lines are free for."""
        self._queue.extend(jobs)
        self._short = min(self._width, self._ahead // 2)
        self._long_since = clock.boottime()
        while self._queue and self._running < self._width and not self._stopped:
            self._running += 1
            self._tasks.create_task(self._line(self._next()))
        self._perhaps_short()

    def overdue(self) -> list[Job]:
        """Take back what no line has come for within a second; less is asked for then."""
        if self._long_since is None or clock.boottime() - self._long_since < SLOW_SECONDS:
            return []
        self._long_since = None
        self._ahead //= 2
        late = list(self._queue)
        self._queue.clear()
        return late

    async def news(self, *, within: float) -> None:
        """Wait for what there is to decide about, so many seconds at most.

        The queue has become short, all is done, the lines were stopped, or somebody `tell`s.
        """
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        self._news = loop.create_future()
        timer = loop.call_later(within, self.tell)
        try:
            await self._news
        finally:
            timer.cancel()
            self._news = None

    def patience(self, *, at_least: timedelta, until: timedelta | None) -> float:
        """For how many seconds news may be waited for: as long again as no job has ended.

        Silent servers hold many lanes, and each of them looks again afterwards. No longer than
        `until` less `at_least`, and half a second while anything may be called back.
        """
        longest = SLOW_SECONDS / 2 if self._queue or self._waiting else SLOW_SECONDS
        if until is not None:
            longest = min(longest, (until - at_least).total_seconds())
        return max(at_least.total_seconds(), min(clock.boottime() - self._ended_at, longest))

    def tell(self) -> None:
        """Let whoever waits for news decide."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def begin(self, job: Job) -> bool:
        """Let a job out of the queue's hands. False: it is no longer its line's to begin."""
        if self._stopped or job not in self._waiting:
            return False
        del self._waiting[job]
        self._begun.add(job)
        return True

    async def trail(self, rest: asyncio.Future[Any]) -> None:
        """Let a job's line take the next one while the `rest` of this one is done elsewhere.

        Waits while too much of it piles up, so that no more is begun than can be finished.
        """
        self._trailing += 1
        rest.add_done_callback(self._trailed)
        await self._until_trailing(MAX_TRAILING * self._width)

    def stop(self) -> None:
        """Start no more jobs; those under way go on to their end."""
        self._stopped = True
        self.tell()

    def unstarted(self, unless: Callable[[Job], bool] | None = None) -> list[Job]:
        """Take back what was fed and not begun, `unless` it may stay."""
        jobs = [job for job in chain(self._waiting, self._queue) if not (unless and unless(job))]
        taken = set(jobs)
        self._waiting = {job: None for job in self._waiting if job not in taken}
        self._queue = deque(job for job in self._queue if job not in taken)
        self._perhaps_short()
        return jobs

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
                self._ended_at = clock.boottime()
                if self._stopped or not self._queue:
                    return
                job = self._next()
        finally:
            self._running -= 1
            if self.at_rest or not self._ahead:  # there is room again where none waits
                self.tell()

    def _next(self) -> Job:
        job = self._queue.popleft()
        self._waiting[job] = None
        if self._long_since is not None:
            self._perhaps_short()
        return job

    def _perhaps_short(self) -> None:
        """Whether it is time for more, and for more at once than the last time."""
        if self._long_since is None or len(self._queue) > self._short:
            return
        if clock.boottime() - self._long_since < QUICK_SECONDS:
            self._ahead = min(max(1, 2 * self._ahead), MAX_AHEAD)
        self._long_since = None
        self.tell()

    def _trailed(self, rest: asyncio.Future[Any]) -> None:
        self._trailing -= 1
        if not rest.cancelled() and isinstance(error := rest.exception(), Exception):
            self._fail(error)
        self._fewer_trail.set()
        if self.at_rest:
            self.tell()

    async def _until_trailing(self, at_most: int) -> None:
        while self._trailing > at_most:
            self._fewer_trail.clear()
            await self._fewer_trail.wait()

    def _fail(self, error: Exception) -> None:
        self._failed.append(error)
        self.stop()
