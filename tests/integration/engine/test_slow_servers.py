"""Servers that take their time: what is decided meanwhile holds, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
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


async def test_what_waits_for_a_place_in_the_process_does_not_go_after_a_pause(
    world: World,
    sink: Sink,
    slow: asyncio.Event,
    settings: Settings,
    black_boxes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paceline.bootstrap.worker.PATIENCE_SECONDS", 3_600)
    few = replace(settings, worker=replace(settings.worker, concurrency=2))
    async with running_worker(few, black_boxes=black_boxes) as running:
        stuck = await world.sender(port=sink.port, max_connections=2)
        await world.emails(stuck, await world.campaign(stuck), slow_readers(2))
        await world.signal(stuck)
        await sink.wait_for(2)
        other = await world.sender(port=sink.port, max_connections=4)
        campaign = await world.campaign(other)
        ids = await world.emails(other, campaign, 4)
        await world.signal(other)
        await world.until_all_are(ids, "claimed")
        await world.execute("UPDATE campaigns SET state = 'paused' WHERE id = $1", campaign)
        await world.signal(other)
        await world.until_all_are(ids, "scheduled")
        slow.set()
        await running.stop()
    assert set(await world.states(ids)) == {"scheduled"}
    assert len(sink.taken) == 2


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("hung_has_a_delay", [False, True])
async def test_an_email_without_an_answer_holds_up_no_other_beside_a_minimum_delay(
    world: World, sink: Sink, slow: asyncio.Event, hung_has_a_delay: bool
) -> None:
    sender = await world.sender(port=sink.port, max_connections=3)
    hung = await world.campaign(sender, min_delay_ms=20 if hung_has_a_delay else 0)
    behind = await world.emails(sender, hung, slow_readers(1 + hung_has_a_delay))
    await world.signal(sender)
    await sink.wait_for(1)
    spaced = [f"spaced{n}@example.org" for n in range(5)]
    ids = await world.emails(sender, await world.campaign(sender, min_delay_ms=100), spaced)
    ids += await world.emails(sender, await world.campaign(sender), 100)
    await world.signal(sender)
    await world.until_all_are(ids, "sent")
    assert not slow.is_set()
    assert (await world.states(behind))[1:] == ["scheduled"] * hung_has_a_delay
    taken = [taken.at for taken in sink.taken if taken.rcpt_to in spaced]
    assert min(after - before for before, after in pairwise(taken)) >= 0.1


@pytest.mark.usefixtures("worker")
async def test_a_limit_that_is_set_while_a_turn_waits_for_its_last_emails_holds(
    world: World, sink: Sink, slow: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "TURN_SECONDS", 0.005)  # one batch
    sender = await world.sender(port=sink.port, max_connections=2)
    await world.emails(sender, await world.campaign(sender), slow_readers(1))
    short = await world.campaign(sender)
    await world.emails(sender, short, 1)
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 40)
    await world.signal(sender)

    async def only_the_slow_one_is_under_way() -> bool:
        states = Counter(row["state"] for row in await world.fetch("SELECT state FROM email_jobs"))
        return states["claimed"] + states["sending"] == 1 and states["sent"] > 1

    await world.until(only_the_slow_one_is_under_way)
    so_far = len(sink.taken)
    await world.execute("UPDATE campaigns SET hourly_limit = 1 WHERE id = $1", campaign)

    async def the_turn_goes_on() -> bool:
        state = await world.fetchval("SELECT state FROM campaigns WHERE id = $1", short)
        return bool(state == "completed")

    await world.until(the_turn_goes_on)
    slow.set()

    async def it_waits_for_the_next_hour() -> bool:
        held_by = await world.fetchval("SELECT held_by FROM lanes WHERE sender_id = $1", sender)
        return bool(held_by == "campaign_hourly_limit")

    await world.until(it_waits_for_the_next_hour)
    assert len(sink.taken) == so_far
    assert set(await world.states(ids)) == {"sent", "scheduled"}


@pytest.mark.usefixtures("worker")
async def test_a_limit_that_is_set_while_a_claim_is_long_in_coming_holds_for_what_it_brings(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LOOK_SECONDS", 0.001)
    sender = await world.sender(port=sink.port, max_connections=2)
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 40)
    async with world.database.driver() as driver, driver.transaction():
        await driver.execute("LOCK TABLE suppressions IN ACCESS EXCLUSIVE MODE")
        await world.signal(sender)
        await world.until_blocked(1)
        await world.execute("UPDATE campaigns SET hourly_limit = 1 WHERE id = $1", campaign)

    async def it_waits_for_the_next_hour() -> bool:
        held_by = await world.fetchval("SELECT held_by FROM lanes WHERE sender_id = $1", sender)
        return bool(held_by == "campaign_hourly_limit")

    await world.until(it_waits_for_the_next_hour)
    assert Counter(await world.states(ids)) == {"sent": 1, "scheduled": 39}


async def test_a_lane_that_only_waits_for_its_server_leaves_its_place_to_another(
    world: World,
    sink: Sink,
    slow: asyncio.Event,
    settings: Settings,
    black_boxes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paceline.bootstrap.worker.SLOW_LANE_SECONDS", 3_600)
    monkeypatch.setattr("paceline.engine.worker.SLOW_LANE_SECONDS", 3_600)
    one = replace(settings, worker=replace(settings.worker, lanes=1))
    async with running_worker(one, black_boxes=black_boxes) as running:
        stuck = await world.sender(port=sink.port)
        await world.emails(stuck, await world.campaign(stuck), slow_readers(1))
        await world.signal(stuck)
        await sink.wait_for(1)
        other = await world.sender(port=sink.port)
        ids = await world.emails(other, await world.campaign(other), 3)
        await world.signal(other)
        await world.until_all_are(ids, "sent")
        assert not slow.is_set()
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
    times = 2  # as many lanes as usual, with those that have stepped aside
    monkeypatch.setattr("paceline.bootstrap.worker.LANES_WITH_WAITING", times)
    monkeypatch.setattr("paceline.engine.worker.LANES_WITH_WAITING", times)
    few = replace(settings, worker=replace(settings.worker, lanes=8))
    bob = await World.create(world.database, watched=False)
    async with running_worker(few, black_boxes=black_boxes) as running:
        for _ in range(3 * times * few.worker.lanes):
            stuck = await world.sender(port=sink.port)
            await world.emails(stuck, await world.campaign(stuck), slow_readers(1))
            await world.signal(stuck)
        await sink.wait_for(times * few.worker.lanes * 7 // 8)
        other = await bob.sender(port=sink.port)
        ids = await bob.emails(other, await bob.campaign(other), 30)
        await bob.signal(other)
        await world.until(partial(all_sent, world, ids), within=120)
        slow.set()
        await running.stop()


async def all_sent(world: World, ids: Sequence[uuid.UUID]) -> bool:
    return set(await world.states(ids)) == {"sent"}
