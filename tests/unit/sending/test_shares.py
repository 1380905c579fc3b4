"""Of a worker's lanes some are always left for whoever has few."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import ExitStack
from datetime import timedelta

import pytest

from paceline.sending.shares import LaneShares

ANN, BOB = uuid.uuid4(), uuid.uuid4()
LANES = 16
LEFT = 2  # an eighth


def shares(lanes: int = LANES) -> LaneShares:
    return LaneShares(lanes, slow_seconds=3_600)


async def test_one_owner_leaves_some_lanes_to_others() -> None:
    lanes = shares()
    with ExitStack() as work:
        taken = [work.enter_context(lanes.turn(ANN, uuid.uuid4())).wait for _ in range(LANES)]
        assert taken[: LANES - LEFT] == [None] * (LANES - LEFT)
        assert None not in taken[LANES - LEFT :]
        for _ in range(LEFT):
            assert work.enter_context(lanes.turn(BOB, uuid.uuid4())).wait is None


async def test_what_is_left_may_be_had_again() -> None:
    lanes = shares()
    for _ in range(3 * LANES):
        with lanes.turn(ANN, uuid.uuid4()) as share:
            assert share.wait is None


async def test_a_slow_turn_has_given_its_place_up() -> None:
    lanes = LaneShares(LANES, slow_seconds=0)
    with ExitStack() as work:
        for _ in range(LANES - LEFT):
            work.enter_context(lanes.turn(ANN, uuid.uuid4()))
        while lanes._turns:
            await asyncio.sleep(0)
        assert work.enter_context(lanes.turn(ANN, uuid.uuid4())).wait is None


async def test_a_turn_that_only_waits_leaves_its_share_once() -> None:
    lanes = shares()
    with ExitStack() as work:
        taken = [work.enter_context(lanes.turn(ANN, uuid.uuid4())) for _ in range(LANES - LEFT)]
        for _ in range(2):
            taken[0].leave()
        assert work.enter_context(lanes.turn(ANN, uuid.uuid4())).wait is None
        assert work.enter_context(lanes.turn(ANN, uuid.uuid4())).wait is not None


async def test_the_more_wait_the_longer_each_of_them_does() -> None:
    lanes = shares()
    with ExitStack() as work:
        for _ in range(LANES - LEFT):
            work.enter_context(lanes.turn(ANN, uuid.uuid4()))
        waits = [work.enter_context(lanes.turn(ANN, uuid.uuid4())).wait for _ in range(1_000)]
    assert waits[0] == timedelta(seconds=1)
    assert waits[-1] == timedelta(seconds=50)


@pytest.mark.parametrize("lanes", [1, 2, 7])
async def test_of_very_few_lanes_everybody_may_have_all(lanes: int) -> None:
    few = shares(lanes)
    with ExitStack() as work:
        assert {work.enter_context(few.turn(ANN, uuid.uuid4())).wait for _ in range(lanes)} == {
            None
        }
