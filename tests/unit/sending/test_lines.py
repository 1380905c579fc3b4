"""Lines: so many at once, topped up while they run, stopped without losing what was not begun."""

from __future__ import annotations

import asyncio

import pytest

from paceline.sending.lines import Lines


class Work:
    """Jobs that go on until they are let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.most_at_once = 0
        self._gate = asyncio.Event()

    async def send(self, job: int) -> None:
        self.begun.append(job)
        self.most_at_once = max(self.most_at_once, len(self.begun) - len(self.done))
        await self._gate.wait()
        self.done.append(job)

    def let_go(self) -> None:
        self._gate.set()


async def test_never_more_than_the_width_at_once_and_all_in_the_end() -> None:
    work = Work()
    async with Lines(work.send, width=3) as lines:
        feeding = asyncio.create_task(lines.feed(range(10)))
        await asyncio.sleep(0)
        assert lines.busy
        work.let_go()
        await feeding
        await lines.drain()
    assert sorted(work.done) == list(range(10))
    assert work.most_at_once <= 3


async def test_feeding_returns_while_a_width_of_jobs_is_still_queued() -> None:
    work = Work()
    async with Lines(work.send, width=2) as lines:
        await lines.feed(range(4))  # two run, two wait: time to ask for more
        assert work.done == []
        work.let_go()
        await lines.drain()


async def test_what_was_not_begun_when_stopped_is_handed_back() -> None:
    work = Work()
    async with Lines(work.send, width=2) as lines:
        await lines.feed(range(4))
        await asyncio.sleep(0)
        lines.stop()
        work.let_go()
        await lines.drain()
        assert lines.unstarted() == [2, 3]
    assert sorted(work.done) == [0, 1]


async def test_a_failure_stops_the_lines_and_cancels_nobody() -> None:
    work = Work()

    async def send(job: int) -> None:
        if job == 0:
            raise ZeroDivisionError
        await work.send(job)

    async def send_all() -> None:
        async with Lines(send, width=2) as lines:
            await lines.feed(range(4))
            await asyncio.sleep(0)
            work.let_go()
            await lines.drain()

    with pytest.raises(ExceptionGroup) as failure:
        await send_all()
    assert failure.group_contains(ZeroDivisionError)
    assert work.done == [1]
