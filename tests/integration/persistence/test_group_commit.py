"""Group commit: one statement for all who wait, and nobody's outcome is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from paceline.persistence import group_commit as module
from paceline.persistence.database import DatabaseBusy, DatabaseUnavailable
from paceline.persistence.group_commit import GroupCommit


@asynccontextmanager
async def running(commit: GroupCommit[int, int]) -> AsyncIterator[None]:
    task = asyncio.create_task(commit.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def doubling(batches: list[list[int]]) -> Callable[[Sequence[int]], Awaitable[list[int]]]:
    async def execute(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        await asyncio.sleep(0)
        return [2 * item for item in items]

    return execute


async def test_what_gathers_during_one_commit_goes_with_the_next() -> None:
    batches: list[list[int]] = []
    commit = GroupCommit(doubling(batches), insist=False)
    async with running(commit):
        answers = await asyncio.gather(*(commit.submit(n) for n in range(100)))
    assert answers == [2 * n for n in range(100)]
    assert len(batches) <= 2


async def test_a_batch_has_an_upper_bound() -> None:
    batches: list[list[int]] = []
    commit = GroupCommit(doubling(batches), insist=False, max_batch=10)
    async with running(commit):
        await asyncio.gather(*(commit.submit(n) for n in range(35)))
    assert max(len(batch) for batch in batches) == 10


async def test_a_caller_is_told_when_the_database_is_away() -> None:
    async def execute(items: Sequence[int]) -> list[int]:
        raise DatabaseUnavailable("away")

    commit = GroupCommit[int, int](execute, insist=False)
    async with running(commit):
        with pytest.raises(DatabaseUnavailable):
            await commit.submit(1)


async def test_an_insistent_commit_waits_until_the_database_is_back() -> None:
    tries = 0

    async def execute(items: Sequence[int]) -> list[int]:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise DatabaseUnavailable("away")
        return list(items)

    commit = GroupCommit[int, int](execute, insist=True)
    async with running(commit):
        assert await commit.submit(7) == 7
    assert tries == 3


class Lock:
    """Somebody holds what some items need, until it is `free`."""

    def __init__(self, *held: int, is_seen: bool = True) -> None:
        self.held = set(held)
        self.is_seen = is_seen
        self.met = 0

    async def execute(self, items: Sequence[int]) -> list[int]:
        await asyncio.sleep(0)
        if self.held & set(items):
            self.met += 1
            raise DatabaseBusy("somebody holds it")
        return list(items)

    async def unhindered(self, items: Sequence[int]) -> list[bool]:
        await asyncio.sleep(0)
        return [not (self.is_seen and item in self.held) for item in items]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_SECONDS", 0.001)


@pytest.mark.usefixtures("often")
async def test_what_waits_for_a_lock_keeps_nobody_else_waiting_and_is_committed_in_the_end() -> (
    None
):
    lock = Lock(3, 13)
    commit = GroupCommit[int, int](lock.execute, insist=True, unhindered=lock.unhindered)
    async with running(commit):
        tasks = {n: asyncio.ensure_future(commit.submit(n)) for n in range(20)}
        others = [task for n, task in tasks.items() if n not in lock.held]
        assert await asyncio.gather(*others) == [n for n in range(20) if n not in lock.held]
        assert not any(tasks[n].done() for n in lock.held)
        lock.held = {13}
        assert await tasks[3] == 3
        assert not tasks[13].done()
        lock.held = set()
        assert await tasks[13] == 13


@pytest.mark.usefixtures("often")
async def test_what_waits_for_a_lock_that_nobody_sees_keeps_nobody_else_waiting() -> None:
    lock = Lock(3, is_seen=False)
    commit = GroupCommit[int, int](lock.execute, insist=True, unhindered=lock.unhindered)
    async with running(commit), asyncio.timeout(60):
        tasks = {n: asyncio.ensure_future(commit.submit(n)) for n in range(20)}
        others = [task for n, task in tasks.items() if n not in lock.held]
        assert await asyncio.gather(*others) == [n for n in range(20) if n not in lock.held]
        assert not tasks[3].done()
        lock.held = set()
        assert await tasks[3] == 3


@pytest.mark.usefixtures("often")
async def test_while_something_waits_for_a_lock_no_later_batch_runs_into_it() -> None:
    lock = Lock(1)
    commit = GroupCommit[int, int](lock.execute, insist=True, unhindered=lock.unhindered)
    async with running(commit):
        held = [asyncio.ensure_future(commit.submit(1))]
        for n in range(2, 50):
            held.append(asyncio.ensure_future(commit.submit(1)))
            assert await commit.submit(n) == n
        assert lock.met == 1
        lock.held = set()
        assert await asyncio.gather(*held) == [1] * len(held)


@pytest.mark.usefixtures("often")
async def test_an_item_whose_caller_is_gone_is_committed_all_the_same() -> None:
    lock, committed = Lock(1), asyncio.Event()

    async def execute(items: Sequence[int]) -> list[int]:
        done = await lock.execute(items)
        if 1 in items:
            committed.set()
        return done

    commit = GroupCommit[int, int](execute, insist=True, unhindered=lock.unhindered)
    async with running(commit):
        gone = asyncio.ensure_future(commit.submit(1))
        await commit.submit(2)
        gone.cancel()
        lock.held = set()
        async with asyncio.timeout(60):
            await committed.wait()


@pytest.mark.usefixtures("often")
async def test_what_rides_goes_by_itself_where_nobody_comes_to_carry_it() -> None:
    batches: list[list[int]] = []
    commit = GroupCommit(doubling(batches), insist=True, rides=lambda _: True)
    async with running(commit), asyncio.timeout(60):
        assert await asyncio.gather(*(commit.submit(n) for n in range(3))) == [0, 2, 4]
    assert batches == [[0, 1, 2]]


def riding(commit: GroupCommit[int, int], *items: int) -> list[asyncio.Future[int]]:
    """These items, which wait for somebody to carry them."""
    return [commit.submit(item) for item in items]


async def test_what_rides_is_committed_by_whoever_carries_it_and_by_nobody_else() -> None:
    batches: list[list[int]] = []
    commit = GroupCommit(doubling(batches), insist=True, rides=lambda item: item < 10)
    async with running(commit), asyncio.timeout(60):
        assert await commit.submit(11) == 22
        tasks = riding(commit, 1, 2)

        async def execute(items: Sequence[int]) -> list[int]:
            return [100 * item for item in items]

        await commit.carry(execute)
        assert await asyncio.gather(*tasks) == [100, 200]
    assert batches == [[11]]


async def test_what_is_given_no_answer_goes_by_itself() -> None:
    batches: list[list[int]] = []
    commit = GroupCommit(doubling(batches), insist=True, rides=lambda _: True)
    async with running(commit), asyncio.timeout(60):
        tasks = riding(commit, 1, 2, 3)

        async def execute(items: Sequence[int]) -> list[int | None]:
            return [None if item == 2 else item for item in items]

        await commit.carry(execute)
        assert await asyncio.gather(*tasks) == [1, 4, 3]
    assert batches == [[2]]


async def test_what_was_carried_into_trouble_goes_by_itself_until_it_is_committed() -> None:
    batches: list[list[int]] = []
    commit = GroupCommit(doubling(batches), insist=True, rides=lambda _: True)
    async with running(commit), asyncio.timeout(60):
        tasks = riding(commit, 1, 2)

        async def execute(items: Sequence[int]) -> list[int]:
            raise DatabaseUnavailable("away")

        with pytest.raises(DatabaseUnavailable):
            await commit.carry(execute)
        assert await asyncio.gather(*tasks) == [2, 4]


@pytest.mark.usefixtures("often")
async def test_what_met_somebodys_lock_is_carried_by_nobody_until_it_is_let_go() -> None:
    lock = Lock(1)
    commit = GroupCommit[int, int](
        lock.execute, insist=True, unhindered=lock.unhindered, rides=lambda _: True
    )
    async with running(commit), asyncio.timeout(60):
        (held,) = riding(commit, 1)
        with pytest.raises(DatabaseBusy):
            await commit.carry(lock.execute)
        (same,) = riding(commit, 1)  # looked at first: it runs into the lock no more
        (other,) = riding(commit, 2)
        carried: list[int] = []

        async def execute(items: Sequence[int]) -> list[int]:
            carried.extend(items)
            return list(items)

        await commit.carry(execute)
        assert carried == []
        assert await other == 2
        assert not held.done()
        assert lock.met == 1
        lock.held = set()
        assert await asyncio.gather(held, same) == [1, 1]


class Slow:
    """Commits when it is let go on, and tells when it has begun."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def execute(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.goes_on.wait()
        return list(items)


async def test_while_a_batch_is_committed_nothing_travels_and_nobody_waits_for_it() -> None:
    slow = Slow()
    commit = GroupCommit[int, int](slow.execute, insist=True, rides=lambda item: item < 10)
    async with running(commit), asyncio.timeout(60):
        alone = commit.submit(11)
        await slow.begun.wait()
        tasks = riding(commit, 1, 2)
        carried: list[list[int]] = []
        await commit.carry(doubling(carried))
        assert carried == [[]]
        assert not alone.done()
        slow.goes_on.set()
        assert await asyncio.gather(alone, *tasks) == [11, 1, 2]


async def test_while_something_travels_no_batch_begins_and_the_next_carrier_does_not_wait() -> None:
    batches: list[list[int]] = []
    commit = GroupCommit(doubling(batches), insist=True, rides=lambda item: item < 10)
    async with running(commit), asyncio.timeout(60):
        (first,) = riding(commit, 1)
        slow = Slow()
        carrier = asyncio.create_task(commit.carry(slow.execute))
        await slow.begun.wait()
        (second,) = riding(commit, 2)
        alone = commit.submit(11)
        for _ in range(10):
            await asyncio.sleep(0)
        assert batches == []
        carried: list[list[int]] = []
        await commit.carry(doubling(carried))
        assert carried == [[]]
        assert batches == []
        slow.goes_on.set()
        await carrier
        assert slow.batches == [[1]]
        assert [await each for each in (first, second, alone)] == [1, 4, 22]


async def test_whoever_carries_again_at_once_does_not_wait_for_the_batch_that_waited() -> None:
    slow = Slow()
    commit = GroupCommit[int, int](slow.execute, insist=True, rides=lambda item: item < 10)
    async with running(commit), asyncio.timeout(60):
        (first,) = riding(commit, 1)
        carried: list[list[int]] = []

        async def execute(items: Sequence[int]) -> list[int]:
            carried.append(list(items))
            if items:
                commit.submit(11)
                commit.submit(2)
                await asyncio.sleep(0)  # the batch waits now
            return list(items)

        await commit.carry(execute)
        await commit.carry(execute)
        assert carried == [[1], []]
        assert await first == 1
        await slow.begun.wait()
        slow.goes_on.set()
