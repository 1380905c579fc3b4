"""Servers that take their time: what is decided meanwhile holds, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from paceline.bootstrap.worker import running_worker
from paceline.sending import dispatch
from paceline.settings import Settings, WorkerSettings
from tests.integration.engine.sink import Sink
from tests.world import World, settings_for


@pytest.fixture
async def slow(sink: Sink) -> AsyncIterator[asyncio.Event]:
    """The sink answers no dot of anybody at slow.example before this is set."""
    answers = asyncio.Event()

    async def wait(rcpt_to: str) -> None:
        if rcpt_to.endswith("@slow.example"):
            await answers.wait()

    sink.before_reply = wait
    yield answers
    answers.set()


_SENDER_OF = "SELECT sender_id FROM campaigns WHERE id = $1"


def slow_readers(count: int) -> list[str]:
    return [f"reader{n}@slow.example" for n in range(count)]


async def until_none_is_claimed(world: World) -> None:
    async def none() -> bool:
        return not await world.fetchval("SELECT count(*) FROM email_jobs WHERE state = 'claimed'")

    await world.until(none)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    "decision",
    [
        "UPDATE campaigns SET state = 'paused' WHERE id = $1",
        "UPDATE campaigns SET hourly_limit = 2 WHERE id = $1",
        "UPDATE campaigns SET min_delay_ms = 3600000 WHERE id = $1",
        f"UPDATE senders SET state = 'paused' WHERE id = ({_SENDER_OF})",
        f"UPDATE senders SET hourly_limit = 2 WHERE id = ({_SENDER_OF})",
    ],
)
async def test_a_decision_holds_for_all_that_is_not_on_its_way(
    world: World, sink: Sink, slow: asyncio.Event, decision: str
) -> None:
    sender = await world.sender(port=sink.port, max_connections=2)
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, slow_readers(40))
    await world.signal(sender)
    await sink.wait_for(2)
    await world.execute(decision, campaign)
    await world.signal(sender)
    await until_none_is_claimed(world)
    slow.set()

    async def over() -> bool:
        states = await world.states(ids)
        return states.count("scheduled") == 38 and states.count("sent") == 2

    await world.until(over)
    await world.signal(sender)  # another look finds nothing that may go
    await world.until(over)
    assert len(sink.taken) == 2


@pytest.mark.usefixtures("worker")
async def test_an_email_without_an_answer_holds_up_no_other_of_its_sender(
    world: World, sink: Sink, slow: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "TURN_SECONDS", 0.5)
    monkeypatch.setattr(dispatch, "LAST_ORDERS_SECONDS", 0.1)
    sender = await world.sender(port=sink.port, max_connections=2)
    await world.emails(sender, await world.campaign(sender), slow_readers(1))
    await world.signal(sender)
    await sink.wait_for(1)
    campaign = await world.campaign(sender)
    others = await world.emails(sender, campaign, 30)
    await world.signal(sender)
    await world.until_all_are(others, "sent")

    async def complete() -> bool:
        state = await world.fetchval("SELECT state FROM campaigns WHERE id = $1", campaign)
        return bool(state == "completed")

    await world.until(complete)
    assert not slow.is_set()


async def test_servers_without_an_answer_hold_up_no_other_sender(
    world: World,
    sink: Sink,
    slow: asyncio.Event,
    settings: Settings,
    black_boxes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paceline.bootstrap.worker.PATIENCE_SECONDS", 0.1)
    few = settings_for(
        settings.database.url, settings.redis.url, worker=WorkerSettings(concurrency=2)
    )
    async with running_worker(few, black_boxes=black_boxes) as running:
        stuck = await world.sender(port=sink.port, max_connections=8)
        await world.emails(stuck, await world.campaign(stuck), slow_readers(20))
        await world.signal(stuck)
        await sink.wait_for(8)
        other = await world.sender(port=sink.port)
        ids = await world.emails(other, await world.campaign(other), 30)
        await world.signal(other)
        await world.until_all_are(ids, "sent")
        slow.set()
        await running.stop()


async def test_one_owners_silent_servers_leave_a_lane_to_others(
    world: World,
    sink: Sink,
    slow: asyncio.Event,
    settings: Settings,
    black_boxes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paceline.bootstrap.worker.SLOW_LANE_SECONDS", 3_600)
    monkeypatch.setattr("paceline.engine.worker.SLOW_LANE_SECONDS", 3_600)
    few = replace(settings, worker=replace(settings.worker, lanes=8))
    bob = await World.create(world.database, watched=False)
    async with running_worker(few, black_boxes=black_boxes) as running:
        for _ in range(2 * few.worker.lanes):
            stuck = await world.sender(port=sink.port)
            await world.emails(stuck, await world.campaign(stuck), slow_readers(1))
            await world.signal(stuck)
        await sink.wait_for(few.worker.lanes - 1)
        other = await bob.sender(port=sink.port)
        ids = await bob.emails(other, await bob.campaign(other), 30)
        await bob.signal(other)
        await world.until(partial(all_sent, world, ids), within=120)
        slow.set()
        await running.stop()


async def all_sent(world: World, ids: Sequence[uuid.UUID]) -> bool:
    return set(await world.states(ids)) == {"sent"}
