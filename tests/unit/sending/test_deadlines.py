"""Deadlines: each answer has its own, whichever comes first."""

from __future__ import annotations

import asyncio

import pytest

from paceline.sending.deadlines import Deadlines


async def test_what_is_not_answered_in_time_is_given_up_and_the_rest_is_not() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(0.02)
    answered, given_up, later = (loop.create_future() for _ in range(3))
    for answer in (answered, given_up):
        deadlines.set(answer)
    answered.set_result("yes")
    with pytest.raises(TimeoutError, match=r"no answer within 0\.02 s"):
        await given_up
    assert deadlines.set(later) is later
    assert await answered == "yes"
    with pytest.raises(TimeoutError):
        await later


async def test_whoever_no_longer_waits_is_passed_over() -> None:
    deadlines = Deadlines(0.01)
    gone, waiting = (asyncio.get_running_loop().create_future() for _ in range(2))
    for answer in (gone, waiting):
        deadlines.set(answer)
    gone.cancel()
    with pytest.raises(TimeoutError):
        await waiting
    assert gone.cancelled()
