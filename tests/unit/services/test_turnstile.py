"""So many of an owner at once; the others wait, and other owners do not."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from paceline.errors import TooMuchAtOnce
from paceline.services.turnstile import Turnstile

ANN, BOB = uuid.uuid4(), uuid.uuid4()


class Work:
    """Enters as an owner, says so, and stays until it is told to go."""

    def __init__(self, turnstile: Turnstile, owner_id: uuid.UUID) -> None:
        self.inside = asyncio.Event()
        self._go = asyncio.Event()
        self.task = asyncio.create_task(self._run(turnstile, owner_id))

    async def _run(self, turnstile: Turnstile, owner_id: uuid.UUID) -> None:
        async with turnstile.turn(owner_id):
            self.inside.set()
            await self._go.wait()

    async def end(self) -> None:
        self._go.set()
        await self.task


async def begun(turnstile: Turnstile, owner_id: uuid.UUID) -> Work:
    work = Work(turnstile, owner_id)
    await asyncio.sleep(0)
    return work


async def test_who_is_one_too_many_waits_and_others_do_not() -> None:
    turnstile = Turnstile(most=2, most_waiting=2)
    first, second, third = [await begun(turnstile, ANN) for _ in range(3)]
    assert not third.inside.is_set()
    other = await begun(turnstile, BOB)
    assert other.inside.is_set()
    await first.end()
    await third.inside.wait()
    for work in (second, third, other):
        await work.end()


async def test_where_as_many_wait_as_may_it_is_said_when_to_come_back() -> None:
    turnstile = Turnstile(most=1, most_waiting=1, retry_after_seconds=7)
    works = [await begun(turnstile, ANN) for _ in range(2)]
    with pytest.raises(TooMuchAtOnce) as refused:
        async with turnstile.turn(ANN):
            pass
    assert refused.value.retry_after_seconds == 7
    for work in works:
        await work.end()


async def test_whoever_stops_waiting_takes_no_turn_away() -> None:
    turnstile = Turnstile(most=1, most_waiting=3)
    first, leaver, last = [await begun(turnstile, ANN) for _ in range(3)]
    leaver.task.cancel()
    await first.end()
    await last.inside.wait()
    await last.end()
    async with turnstile.turn(ANN):
        pass


async def test_a_turn_that_comes_as_its_owner_leaves_is_passed_on() -> None:
    turnstile = Turnstile(most=1, most_waiting=3)
    first, leaver, last = [await begun(turnstile, ANN) for _ in range(3)]
    first._go.set()
    await asyncio.wait([first.task])
    leaver.task.cancel()
    await last.inside.wait()
    await last.end()
