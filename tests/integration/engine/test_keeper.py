"""The keeper, where somebody holds a row in the database that it needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from paceline.engine.ending import end
from paceline.engine.keeper import Keeper
from paceline.engine.queue import LaneQueue, connect
from paceline.persistence.database import Database
from paceline.persistence.lanes import Lanes
from paceline.sending.recovery import Recovery
from tests.world import World


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


async def test_lanes_are_rung_while_a_lock_is_in_the_way_of_recovery(
    world: World, hasty: Database, redis: Redis
) -> None:
    late = await world.sender()
    await world.signal(late)
    await world.execute("UPDATE lanes SET wake_at = now() - interval '1 minute'")
    queue = LaneQueue(redis)
    keeper = Keeper(hasty, queue, Lanes(hasty), recover=Recovery(hasty).run)
    async with world.database.driver() as other, other.transaction():
        await other.execute("SELECT FROM installation FOR UPDATE")
        run = asyncio.create_task(keeper.run())
        try:
            async with asyncio.timeout(60):
                while await queue.bell(late) == "0":
                    await asyncio.sleep(0)
        finally:
            await end([run])


async def test_a_redis_is_called_wiped_by_whoever_has_seen_it_before(
    world: World, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await world.signal(await world.sender())
    await redis.flushdb()
    database, queue = world.database, LaneQueue(redis)
    keeper = Keeper(database, queue, Lanes(database), recover=Recovery(database).run)
    caplog.set_level("INFO", "paceline.engine.keeper")

    async def said_by(word: str) -> None:
        async with asyncio.timeout(60):
            while word not in caplog.text:
                await asyncio.sleep(0)

    run = asyncio.create_task(keeper.run())
    try:
        await said_by("Redis knows nothing of us yet: ringing 1 lanes")
        assert "wiped" not in caplog.text
        await redis.flushdb()
        await said_by("Redis was wiped: ringing 1 lanes")
    finally:
        await end([run])
