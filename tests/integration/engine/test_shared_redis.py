"""A Redis that is not ours alone: what others keep there stays, what they wipe is put right, and
another installation is told apart."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from bullmq import Queue

from paceline.bootstrap.worker import RunningWorker, running_worker
from paceline.engine.condition import INSTALLATION
from paceline.settings import Settings
from tests.databases import Databases
from tests.integration.engine.sink import Sink
from tests.integration.platform.refusing import paceline
from tests.world import World, settings_for

THEIRS = {"email_rate": "7", "lanes": "ours", "other:lanes:id": "12"}


@pytest.fixture
async def other_url(databases: Databases, _template: str) -> AsyncIterator[str]:
    """Of an installation of its own: copies of the template are all of one."""
    with databases.fresh(template=_template) as url:
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE installation SET id = gen_random_uuid()")
        await connection.close()
        yield url


async def test_keys_and_queues_of_other_programs_are_left_alone_and_their_wiping_is_survived(
    world: World, sink: Sink, settings: Settings, worker: RunningWorker
) -> None:
    async with redis.asyncio.from_url(settings.redis.url, decode_responses=True) as connection:
        await connection.mset(THEIRS)
        queue = Queue("lanes", {"connection": settings.redis.url})  # BullMQ's own prefix
        await queue.add("theirs", {"sender_id": "nobody"}, {"jobId": "lane-1"})
        before = await connection.hgetall("bull:lanes:lane-1")
        sender = await world.sender(port=sink.port)
        ids = await world.emails(sender, await world.campaign(sender), 200)
        await world.signal(sender)
        await sink.wait_for(50, within=60)
        assert await connection.mget(list(THEIRS)) == list(THEIRS.values())
        assert await connection.hgetall("bull:lanes:lane-1") == before
        assert await connection.lrange("bull:lanes:wait", 0, -1) == ["lane-1"]
        await queue.close()
        await connection.flushdb()
    await world.until_all_are(ids, "sent")
    assert set(Counter(taken.rcpt_to for taken in sink.taken).values()) == {1}


async def at_work(redis_url: str) -> None:
    """Wait until somebody is."""
    async with redis.asyncio.from_url(redis_url) as connection, asyncio.timeout(60):
        while not await connection.exists(INSTALLATION):
            await asyncio.sleep(0.01)


async def test_a_worker_does_not_start_where_those_of_another_installation_are_at_work(
    settings: Settings, worker: RunningWorker, other_url: str, tmp_path: Path
) -> None:
    await at_work(settings.redis.url)
    code, said = await paceline(
        "worker", home=tmp_path, DATABASE_URL=other_url, REDIS_URL=settings.redis.url
    )
    assert code == 78
    [line] = said
    assert "Redis: workers of another installation, with another database, are at work" in line
    assert "REDIS_URL is set in the environment" in line


async def test_where_both_are_at_work_already_each_says_so(
    settings: Settings,
    worker: RunningWorker,
    other_url: str,
    black_boxes: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await at_work(settings.redis.url)
    other = settings_for(other_url, settings.redis.url)
    with caplog.at_level(logging.WARNING):
        async with running_worker(other, black_boxes=black_boxes) as running:
            async with asyncio.timeout(60):
                while caplog.text.count("Redis is another installation's, too") < 2:
                    await asyncio.sleep(0.01)
            await running.stop()
