"""Group commit: one statement for all who wait, and nobody's outcome is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from paceline.persistence.database import DatabaseUnavailable
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
