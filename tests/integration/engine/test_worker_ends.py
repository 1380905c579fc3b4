"""A worker that cannot go on ends, whatever its parts are at: it never hangs."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import redis.asyncio

from paceline.bootstrap.worker import running_worker
from paceline.settings import RedisSettings, Settings


async def test_a_worker_whose_block_ends_badly_at_any_moment_ends(
    settings: Settings, black_boxes: Path
) -> None:
    """BullMQ, while it connects, swallows a cancellation: one start in four never ended."""

    async def works() -> None:
        async with running_worker(settings, black_boxes=black_boxes):
            await asyncio.Event().wait()

    for turns_of_the_loop in range(0, 9_000, 150):
        work = asyncio.create_task(works())
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        work.cancel()
        with suppress(asyncio.CancelledError):
            async with asyncio.timeout(60):
                await work


@pytest.fixture
def way_to_redis() -> Iterator[Path]:
    """Where Redis is once something leads there; short, as the path of a socket has to be."""
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        yield Path(folder) / "redis.sock"


def patient(settings: Settings, way: Path) -> Settings:
    """One that stops at once, or after longer than any test waits."""
    return replace(
        settings, given_redis=RedisSettings(url=f"unix://{way}?db=0"), stop_seconds=3_600
    )


@contextmanager
def hearing(name: str, words: str) -> Iterator[asyncio.Event]:
    """Set once a logger has said these words."""
    heard = asyncio.Event()

    class Hears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if words in record.getMessage():
                heard.set()

    handler, logger = Hears(), logging.getLogger(name)
    logger.addHandler(handler)
    yield heard
    logger.removeHandler(handler)


async def is_waiting_for_lanes(connection: redis.asyncio.Redis) -> bool:
    return any(client["cmd"] == "bzpopmin" for client in await connection.client_list())


async def test_a_worker_that_never_saw_a_redis_stops_at_once_and_speaks_of_no_emails(
    settings: Settings, black_boxes: Path, way_to_redis: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with hearing("paceline.engine.witness", "nobody notes how far the database is") as away:
        async with (
            running_worker(patient(settings, way_to_redis), black_boxes=black_boxes) as running,
            asyncio.timeout(60),
        ):
            await away.wait()
            await running.stop()
    assert "under way" not in caplog.text


async def test_a_worker_whose_redis_went_away_stops_at_once_and_speaks_of_no_emails(
    settings: Settings, black_boxes: Path, way_to_redis: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(way_to_redis.symlink_to, unquote(urlsplit(settings.redis.url).path))
    with hearing("paceline.engine.worker", "BullMQ has trouble with Redis") as away:
        async with (
            running_worker(patient(settings, way_to_redis), black_boxes=black_boxes) as running,
            asyncio.timeout(60),
        ):
            async with redis.asyncio.from_url(settings.redis.url) as connection:
                while not await is_waiting_for_lanes(connection):
                    await asyncio.sleep(0)
                await asyncio.to_thread(way_to_redis.unlink)
                await connection.execute_command("CLIENT KILL TYPE normal SKIPME yes")
            await away.wait()
            await running.stop()
    assert "under way" not in caplog.text
