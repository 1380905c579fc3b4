"""What is done side by side ends with whoever waits for it."""

from __future__ import annotations

import asyncio

import pytest

from paceline.together import together


class Work:
    """It goes on until it is let go of, and takes a while to end."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.has_ended = False

    async def do(self) -> str:
        self.has_begun.set()
        try:
            await self.let_go.wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.has_ended = True
        return "done"


async def fails() -> int:
    raise ValueError("no")


async def one() -> int:
    return 1


async def test_each_result_is_in_its_place() -> None:
    work = Work()
    work.let_go.set()
    assert await together(one(), work.do()) == (1, "done")


async def test_a_failure_is_told_once_the_others_have_ended() -> None:
    work = Work()
    waiting = asyncio.create_task(together(one(), fails(), work.do()))
    await work.has_begun.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    work.let_go.set()
    with pytest.raises(ValueError, match="no"):
        await waiting
    assert work.has_ended


async def test_whoever_calls_it_off_waits_for_all_to_end() -> None:
    first, second = Work(), Work()
    waiting = asyncio.create_task(together(first.do(), second.do()))
    await second.has_begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert first.has_ended
    assert second.has_ended
