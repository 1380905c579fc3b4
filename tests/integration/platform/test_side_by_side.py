"""An upgrade under load: the code of before and today's send side by side, and nobody is mailed
twice."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paceline.persistence.condition import revisions
from paceline.persistence.database import Database
from paceline.persistence.migrate import upgrade
from tests.faults.processes import LOOK_SECONDS, Worker
from tests.history import OlderCode, code_before_the_newest_migration
from tests.integration.engine.sink import Sink
from tests.world import World

HEAD = revisions()[1]
SENDERS, EMAILS_EACH = 4, 60
KEPT_BACK = 60  # of them, whose answers wait until the schema is the new one
MOST_ROUNDS = 40  # of more emails, until each has sent some
PATIENCE_SECONDS = 300  # the machine may have much else to do
# As a worker has them by default: the machine may have much else to do.
LEASES = {
    "PACELINE_LEASE_SECONDS": "60",
    "PACELINE_HEARTBEAT_SECONDS": "10",
    "PACELINE_GUARD_MARGIN_SECONDS": "10",
}
SENT_BY = "SELECT DISTINCT worker_run::text FROM attempts WHERE outcome = 'sent'"
BAD = re.compile(r"\b(ERROR|CRITICAL)\b|Traceback")

Start = Callable[..., Worker]


@pytest.fixture
def older(tmp_path: Path) -> OlderCode:
    folder = tmp_path / "older"
    folder.mkdir()
    return code_before_the_newest_migration(folder)


@pytest.fixture
async def world(empty_database_url: str, older: OlderCode) -> AsyncIterator[World]:
    """On the schema of before."""
    await asyncio.to_thread(upgrade, empty_database_url, revision=older.revision)
    database = Database(empty_database_url, pool_size=3)
    yield await World.create(database)
    await database.close()


@contextmanager
def workers(database_url: str, redis_url: str, folder: Path) -> Iterator[Start]:
    """Starts them; those that still run at the end are killed."""
    started: list[Worker] = []

    def start(name: str, *, source: Path | None = None) -> Worker:
        worker = Worker.start(
            database_url=database_url,
            redis_url=redis_url,
            home=folder / "home",
            log=folder / f"{name}.log",
            source=source,
            env=LEASES,
        )
        started.append(worker)
        return worker

    try:
        yield start
    finally:
        for worker in started:
            worker.kill()


async def says(worker: Worker, words: str) -> None:
    """Wait until the worker has said this."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not worker.log.exists() or words not in worker.log.read_text():
            assert not worker.is_dead(), worker.log.read_text()
            await asyncio.sleep(LOOK_SECONDS)


async def runs(world: World) -> set[str]:
    return {row["worker_run"] for row in await world.fetch(SENT_BY)}


async def a_campaign(world: World, sink: Sink, emails: int, *, name: str) -> list[str]:
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender, name=name)
    addresses = [f"{name}-{n}@example.org" for n in range(emails)]
    await world.emails(sender, campaign, addresses)
    await world.signal(sender)
    return addresses


async def test_old_and_new_code_send_side_by_side_while_the_schema_changes(
    world: World, older: OlderCode, empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    asked: list[str] = []
    migrated = asyncio.Event()
    async with Sink() as sink:

        async def keep_back(_: str) -> None:
            if len(sink.taken) > SENDERS * EMAILS_EACH - KEPT_BACK:
                await migrated.wait()

        sink.before_reply = keep_back
        with workers(empty_database_url, redis_url, tmp_path) as start:
            old = start("old", source=older.source)
            new = start("new")
            await says(new, f"is at {older.revision}, behind this version's {HEAD}")
            for n in range(SENDERS):
                asked += await a_campaign(world, sink, EMAILS_EACH, name=f"c{n}")
            await sink.wait_for(SENDERS * EMAILS_EACH // 4, within=PATIENCE_SECONDS)
            assert len(await runs(world)) == 1  # today's code waits for its schema

            await asyncio.to_thread(upgrade, empty_database_url)
            in_the_middle = len(sink.taken)
            migrated.set()
            second = start("old again", source=older.source)
            await says(second, f"is at {HEAD}, newer than this version's {older.revision}")
            await says(new, "sending: ")
            for n in range(MOST_ROUNDS):
                await sink.wait_for(len(asked), within=PATIENCE_SECONDS)
                if len(await runs(world)) == 3:
                    break
                for m in range(SENDERS):
                    asked += await a_campaign(world, sink, 10, name=f"more{n}-{m}")
            await world.until(lambda: all_sent(world, len(asked)))
            codes = [await asyncio.to_thread(worker.stop) for worker in (old, second, new)]

    said = {worker.log.name: worker.log.read_text() for worker in (old, second, new)}
    assert codes == [0, 0, 0], said
    assert in_the_middle < SENDERS * EMAILS_EACH, "nothing was under way"
    assert len(await runs(world)) == 3
    assert Counter(taken.rcpt_to for taken in sink.taken) == Counter(asked)
    counted = await world.fetchval("SELECT sum(sent) FROM campaigns WHERE total = sent")
    assert counted == len(asked)
    for name, log in said.items():
        assert not BAD.search(log), f"{name}: {log}"


async def all_sent(world: World, count: int) -> bool:
    states = "SELECT count(*) FROM email_jobs WHERE state = 'sent'"
    return bool(await world.fetchval(states) == count)
