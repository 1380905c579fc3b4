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
from paceline.persistence.database import DatabaseBusy
from paceline.persistence.standing import LaneView, Standing
from paceline.sending.dispatch import Dispatch
from paceline.sending.parts import Parts
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import World, settings_for


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(f"{database_url}&lock_timeout=500ms", redis_url)


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
        taking = Dispatch(parts).take_turn(sender, lambda: not lost.is_set(), lambda: None)
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
    await Dispatch(parts).take_turn(sender, lambda: not lost.is_set(), lambda: None)
    assert await world.states(ids) == ["scheduled"] * 2
    assert sink.taken == []


async def test_what_is_booked_and_cannot_be_claimed_is_given_back(
    world: World, sink: Sink, parts: Parts
) -> None:
    sender = await world.sender(port=sink.port, hourly_limit=3)
    ids = await world.emails(sender, await world.campaign(sender), 3)
    async with world.database.driver() as other, other.transaction():
        await other.execute("LOCK TABLE email_jobs IN EXCLUSIVE MODE")
        with pytest.raises(DatabaseBusy):
            await Dispatch(parts).take_turn(sender, lambda: True, lambda: None)
    await Dispatch(parts).take_turn(sender, lambda: True, lambda: None)
    assert await world.states(ids) == ["sent"] * 3


class Faulty(Standing):
    """Has a bug in the second look at a sender."""

    looks = 0

    async def look(self, sender_id: uuid.UUID) -> LaneView | None:
        self.looks += 1
        if self.looks == 2:
            raise RuntimeError("a bug")
        return await super().look(sender_id)


async def test_a_bug_in_a_turn_keeps_no_lease_alive_of_what_had_not_begun(
    world: World, sink: Sink, parts: Parts
) -> None:
    sender = await world.sender(port=sink.port, max_connections=2)
    await world.emails(sender, await world.campaign(sender), 3)
    faulty = replace(parts, standing=Faulty(world.database))
    with await parts.handover.in_flight.take(), pytest.raises(ExceptionGroup):
        await Dispatch(faulty).take_turn(sender, lambda: True, lambda: None)
    assert parts.leases.held == 0
