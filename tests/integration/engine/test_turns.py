"""A turn by itself: what was claimed begins only while it may."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from paceline.bootstrap import worker
from paceline.engine.ending import end
from paceline.engine.witness import Witness
from paceline.observability.figures import Figures
from paceline.sending.dispatch import Dispatch, Parts
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import World


@pytest.fixture
async def parts(
    settings: Settings, black_boxes: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Parts]:
    """What a worker works with, one email at a time."""
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 3_600)
    one = replace(settings, worker=replace(settings.worker, concurrency=1))
    async with worker._ground(one, black_boxes) as ground:
        witness = Witness(ground.database, ground.redis, black_boxes)
        await witness.check()
        stopping = asyncio.Event()
        parts = worker._parts(one, ground, stopping, uuid.uuid4(), Figures(), witness)
        marks = parts.handover.marks
        running = [asyncio.create_task(mark.run()) for mark in (marks.write_ahead, marks.record)]
        try:
            yield parts
        finally:
            await end(running)


@pytest.mark.parametrize("ends_by", ["a lost lane", "a stop"])
async def test_what_still_waits_for_a_place_does_not_begin_after(
    world: World, sink: Sink, parts: Parts, ends_by: str
) -> None:
    sender = await world.sender(port=sink.port, max_connections=3)
    ids = await world.emails(sender, await world.campaign(sender), 3)
    lost = asyncio.Event()
    with await parts.handover.in_flight.take():
        taking = Dispatch(parts).take_turn(sender, lambda: not lost.is_set())
        turn = asyncio.create_task(taking)
        await world.until_all_are(ids, "claimed")
        (lost if ends_by == "a lost lane" else parts.stopping).set()
    await turn
    assert set(await world.states(ids)) == {"scheduled"}
    assert sink.taken == []


async def test_what_is_on_a_connection_stays_before_its_dot_once_the_lane_is_lost(
    world: World, sink: Sink, parts: Parts
) -> None:
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, await world.campaign(sender), 2)
    lost = asyncio.Event()
    sink.at_rcpt = lambda _: lost.set()
    await Dispatch(parts).take_turn(sender, lambda: not lost.is_set())
    assert await world.states(ids) == ["scheduled"] * 2
    assert sink.taken == []
