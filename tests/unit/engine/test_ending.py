"""Tasks end, whatever swallows their cancellation."""

from __future__ import annotations

import asyncio

from paceline.engine.ending import end


async def stubborn(swallows: int) -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not swallows:
                raise
            swallows -= 1


async def test_a_task_that_loses_its_first_cancellations_is_ended_all_the_same() -> None:
    tasks = [asyncio.create_task(stubborn(n)) for n in range(3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end(tasks, patience=0.01)
    assert all(task.cancelled() for task in tasks)


async def test_what_is_over_already_needs_no_end() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await end([task])
    assert not task.cancelled()


async def test_a_task_has_the_time_to_clean_up() -> None:
    cleaned = False

    async def tidy() -> None:
        nonlocal cleaned
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned = True

    task = asyncio.create_task(tidy())
    await asyncio.sleep(0)
    await end([task])
    assert cleaned
