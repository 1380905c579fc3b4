"""Lines: so many at once, topped up while they run, stopped without losing what was not begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from paceline.sending.lines import Lines


class Work:
    """Jobs that begin at once and go on until they are let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.most_at_once = 0
        self._gate = asyncio.Event()

    def lines(self, width: int, send: Callable[[int], Awaitable[None]] | None = None) -> Lines[int]:
        self._lines = Lines(send or self.send, width=width)
        return self._lines

    async def until_begun(self, count: int) -> None:
        while len(self.begun) < count:
            await asyncio.sleep(0)

    async def send(self, job: int) -> None:
        assert self._lines.begin(job)
        self.begun.append(job)
        self.most_at_once = max(self.most_at_once, len(self.begun) - len(self.done))
        await self._gate.wait()
        self.done.append(job)

    async def until_done(self) -> None:
        while not self._lines.at_rest:
            await self._lines.news(within=60)

    def let_go(self) -> None:
        self._gate.set()


async def test_never_more_than_the_width_at_once_and_all_in_the_end() -> None:
    work = Work()
    async with work.lines(3) as lines:
        lines.feed(range(10))
        await asyncio.sleep(0)
        assert lines.busy
        work.let_go()
        await work.until_done()
    assert sorted(work.done) == list(range(10))
    assert work.most_at_once <= 3


async def test_more_is_asked_for_while_some_jobs_are_still_queued() -> None:
    work = Work()
    async with work.lines(2) as lines:
        lines.feed(range(3))  # two run, one waits: time to ask for more
        assert lines.room == 3  # of four, for the queue may be longer after that
        lines.feed(range(3, 6))
        assert lines.room == 0
        work.let_go()
        await lines.news(within=60)
        assert lines.room > 0
        await work.until_done()


async def test_what_no_line_has_come_for_within_a_second_is_given_back_and_less_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = Work()
    async with work.lines(2) as lines:
        assert lines.room == 4
        lines.feed(range(4))
        assert lines.overdue() == []
        monkeypatch.setattr("paceline.sending.lines.SLOW_SECONDS", 0)
        assert lines.overdue() == [2, 3]
        assert lines.room == 1
        lines.feed([2])
        assert lines.overdue() == [2]
        assert lines.room == 0
        await lines.news(within=0.01)
        assert lines.room == 0
        work.let_go()
        await lines.news(within=60)
        assert lines.room > 0  # once a line is free, where none is queued


async def test_the_longer_nothing_ends_the_less_often_it_is_looked_and_not_past_what_comes_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("paceline.clock.boottime", lambda: now)
    near = timedelta(seconds=0.25)
    work = Work()
    async with work.lines(1) as lines:
        lines.feed([1, 2])
        await work.until_begun(1)
        assert lines.patience(at_least=near, until=None) == 0.25
        now = 0.4
        assert lines.patience(at_least=near, until=None) == 0.4
        now = 100.0
        assert lines.patience(at_least=near, until=None) == 0.45  # one may still be called back
        lines.unstarted()
        assert lines.patience(at_least=near, until=None) == 0.9
        assert lines.patience(at_least=near, until=timedelta(seconds=0.75)) == 0.5
        assert lines.patience(at_least=near, until=timedelta(seconds=0.3)) == 0.25
        work.let_go()
        await lines.news(within=60)
        assert lines.patience(at_least=near, until=None) == 0.25


async def test_the_queue_grows_while_it_is_emptied_quickly() -> None:
    work = Work()
    work.let_go()
    async with work.lines(2) as lines:
        for _ in range(12):
            lines.feed(range(lines.room))
            await work.until_done()
        assert lines.room == 2 + 256


async def test_what_may_stay_in_the_queue_stays_in_order() -> None:
    work = Work()
    async with work.lines(1) as lines:
        lines.feed(range(5))
        assert lines.unstarted(unless=lambda job: job % 2 == 0) == [1, 3]
        work.let_go()
        await work.until_done()
    assert work.done == [0, 2, 4]


async def test_what_was_not_begun_when_stopped_is_handed_back() -> None:
    work = Work()
    async with work.lines(2) as lines:
        lines.feed(range(4))
        await work.until_begun(2)
        lines.stop()
        work.let_go()
        await lines.news(within=60)
        assert lines.unstarted() == [2, 3]
    assert sorted(work.done) == [0, 1]


async def test_what_its_line_still_waits_with_can_be_taken_back_and_does_not_begin() -> None:
    a_place, begun = asyncio.Event(), []

    async def send(job: int) -> None:
        await a_place.wait()
        if lines.begin(job):
            begun.append(job)

    async with Lines(send, width=2) as lines:
        lines.feed(range(4))
        await asyncio.sleep(0)
        assert lines.unstarted(unless=lambda job: job % 2 == 0) == [1, 3]
        assert sorted(lines.jobs) == [0, 2]
        a_place.set()
        while not lines.at_rest:
            await lines.news(within=60)
    assert begun == [0, 2]


async def test_nothing_begins_once_stopped_and_all_of_it_is_to_be_handed_back() -> None:
    a_place, begun = asyncio.Event(), []

    async def send(job: int) -> None:
        await a_place.wait()
        begun.append(lines.begin(job))

    lines = Lines(send, width=2)
    async with lines:
        lines.feed(range(3))
        await asyncio.sleep(0)
        lines.stop()
        a_place.set()
    assert lines.unstarted() == [0, 1, 2]
    assert begun == [False, False]


async def test_whoever_decides_is_told_of_one_end_before_the_others() -> None:
    ends, going = {0: asyncio.Event(), 1: asyncio.Event()}, asyncio.Event()

    async def send(job: int) -> None:
        lines.begin(job)
        going.set()
        await ends[job].wait()
        lines.tell()

    async with Lines(send, width=2) as lines:
        lines.feed(range(2))
        await going.wait()
        ends[1].set()
        await lines.news(within=60)
        assert list(lines.jobs) == [0]
        await lines.news(within=0.01)
        assert list(lines.jobs) == [0]
        ends[0].set()


async def test_a_line_takes_the_next_job_while_the_rest_of_one_is_done_elsewhere() -> None:
    rests: list[asyncio.Future[None]] = []

    async def send(job: int) -> None:
        rests.append(asyncio.get_running_loop().create_future())
        await lines.trail(rests[-1])

    async with Lines(send, width=1) as lines:
        lines.feed(range(9))
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(rests) == 5  # four may trail, and the line waits with the fifth
        for done in range(9):
            rests[done].set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
    assert len(rests) == 9


async def test_the_end_waits_for_what_trails_and_tells_what_went_wrong_with_it() -> None:
    rest: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(_: int) -> None:
        await lines.trail(rest)
        asyncio.get_running_loop().call_soon(rest.set_exception, ZeroDivisionError())

    lines = Lines(send, width=1)

    async def send_it() -> None:
        async with lines:
            lines.feed([1])
            while not lines.stopped:
                await lines.news(within=60)

    with pytest.raises(ExceptionGroup) as failure:
        await send_it()
    assert failure.group_contains(ZeroDivisionError)


async def test_a_failure_stops_the_lines_and_cancels_nobody() -> None:
    work = Work()

    async def send(job: int) -> None:
        if job == 0:
            await work.until_begun(1)
            raise ZeroDivisionError
        await work.send(job)

    async def send_all() -> None:
        async with work.lines(2, send) as lines:
            lines.feed(range(4))
            while not lines.stopped:
                await lines.news(within=60)
            work.let_go()

    with pytest.raises(ExceptionGroup) as failure:
        await send_all()
    assert failure.group_contains(ZeroDivisionError)
    assert work.done == [1]
