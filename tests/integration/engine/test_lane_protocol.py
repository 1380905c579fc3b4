"""The lane's protocol against the pinned BullMQ: no wake-up is lost, whatever comes in between."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from paceline.bootstrap.worker import running_worker
from paceline.engine.lane import LaneRunner
from paceline.engine.queue import LaneQueue, Parked, connect, job_id
from paceline.engine.worker import LaneWorker
from paceline.persistence.database import Database
from paceline.persistence.lanes import Lanes, Rest
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import World


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def queue(redis: Redis) -> LaneQueue:
    return LaneQueue(redis)


async def a_while() -> None:
    """Some rounds of the event loop, a different number each time, so that things race."""
    for _ in range(random.randrange(60)):
        await asyncio.sleep(0)


class Desk:
    """What a lane works off: counts per sender, and whether anything is left."""

    def __init__(self) -> None:
        self.open: dict[uuid.UUID, int] = {}
        self.turns = 0
        self.done = asyncio.Condition()

    async def take_turn(self, sender_id: uuid.UUID, *_: object) -> Rest:
        self.turns += 1
        await a_while()
        async with self.done:
            self.open[sender_id] = 0
            self.done.notify_all()
        return Rest(wait=None)

    async def empty(self) -> None:
        async with asyncio.timeout(60), self.done:
            await self.done.wait_for(lambda: not any(self.open.values()))


async def test_no_wake_up_is_lost_when_work_comes_while_lanes_go_to_sleep(
    world: World, database: Database, queue: LaneQueue, redis: Redis
) -> None:
    desk, stopping = Desk(), asyncio.Event()
    runner = LaneRunner(queue, Lanes(database), desk.take_turn, stopping=stopping)
    worker = LaneWorker(redis, runner, lanes=16)
    run = asyncio.create_task(worker.run())
    senders = [await world.sender() for _ in range(20)]

    async def produce(sender: uuid.UUID) -> None:
        for _ in range(15):
            await a_while()
            desk.open[sender] = desk.open.get(sender, 0) + 1
            await world.signal(sender)
            await queue.ring([sender])

    await asyncio.gather(*(produce(sender) for sender in senders))
    # Neither listener nor keeper runs here: the rings alone must have woken every lane.
    await desk.empty()
    worker.stop()
    await run
    assert desk.turns >= len(senders)


async def test_ringing_between_the_look_and_the_parking_sends_the_lane_round_again(
    queue: LaneQueue, redis: Redis
) -> None:
    sender = uuid.uuid4()
    token = await take(queue, redis, sender)
    bell = await queue.bell(sender)
    await queue.ring([sender])
    again = await queue.park(sender, token=token, wait=timedelta(hours=1), bell=bell)
    assert again is Parked.RUNG
    bell = await queue.bell(sender)
    asleep = await queue.park(sender, token=token, wait=timedelta(hours=1), bell=bell)
    assert asleep is Parked.ASLEEP
    assert await redis.zcard("paceline:lanes:delayed") == 1


async def test_a_sleeping_lane_is_woken_and_not_doubled(queue: LaneQueue, redis: Redis) -> None:
    sender = uuid.uuid4()
    token = await take(queue, redis, sender)
    bell = await queue.bell(sender)
    await queue.park(sender, token=token, wait=timedelta(hours=1), bell=bell)
    await queue.ring([sender])
    await queue.ring([sender])
    assert await redis.lrange("paceline:lanes:wait", 0, -1) == [job_id(sender)]
    assert await redis.zcard("paceline:lanes:delayed") == 0


async def test_parking_after_a_wipe_says_that_the_job_is_gone(
    queue: LaneQueue, redis: Redis
) -> None:
    sender = uuid.uuid4()
    token = await take(queue, redis, sender)
    await redis.flushall()
    bell = await queue.bell(sender)
    gone = await queue.park(sender, token=token, wait=timedelta(hours=1), bell=bell)
    assert gone is Parked.GONE


async def take(queue: LaneQueue, redis: Redis, sender: uuid.UUID) -> str:
    """Ring a lane and take its job as a worker would; the lock's token."""
    import bullmq

    await queue.ring([sender])

    async def never(_job: object, _token: str) -> None:
        raise AssertionError

    worker = bullmq.Worker(
        "lanes", never, {"connection": redis, "prefix": "paceline", "autorun": False}
    )
    job = await worker.getNextJob("token")
    assert job.id == job_id(sender)
    return "token"


async def test_a_redis_emptied_while_emails_wait_is_noticed_and_they_still_go(
    world: World, settings: Settings, sink: Sink, redis: Redis, black_boxes: Path
) -> None:
    async with running_worker(settings, black_boxes=black_boxes) as running:
        sender = await world.sender(port=sink.port)
        await world.emails(sender, None, 3, due_in=timedelta(seconds=2))
        await world.signal(sender)
        await world.until(lambda: parked(world, held_by="schedule"))
        await redis.flushall()
        await sink.wait_for(3, within=10)
        await running.stop()


async def test_an_emptied_redis_breaks_no_hourly_limit(
    world: World, settings: Settings, sink: Sink, redis: Redis, black_boxes: Path
) -> None:
    async with running_worker(settings, black_boxes=black_boxes) as running:
        sender = await world.sender(port=sink.port, hourly_limit=5)
        await world.emails(sender, None, 10)
        await world.signal(sender)
        await sink.wait_for(5)
        await world.until(lambda: parked(world, held_by="hourly_limit"))
        await redis.flushall()
        await world.execute("UPDATE lanes SET held_by = NULL")
        await world.signal(sender)
        await world.until(lambda: parked(world, held_by="hourly_limit"))
        assert await redis.keys("email_rate:*")
        await running.stop()
    assert len(sink.taken) == 5


async def test_a_commit_whose_ring_was_lost_is_heard_by_the_listener(
    world: World, settings: Settings, sink: Sink, black_boxes: Path
) -> None:
    async with running_worker(settings, black_boxes=black_boxes) as running:
        sender = await world.sender(port=sink.port)
        await world.emails(sender, None, 1)
        await world.signal(sender)  # and nobody rings
        await sink.wait_for(1, within=5)
        await running.stop()


async def parked(world: World, *, held_by: str) -> bool:
    return bool(await world.fetchval("SELECT held_by = $1 FROM lanes", held_by))
