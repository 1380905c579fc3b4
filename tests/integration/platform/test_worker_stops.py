"""A worker that is asked to stop in the middle of a campaign lets what is under way end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from paceline.cli.parts import SECONDS_MORE
from paceline.settings import STOP_SECONDS
from tests.faults.processes import Worker
from tests.integration.engine.sink import Sink
from tests.world import World

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 300  # the machine may have much else to do
LONG = 30  # more than any email takes here, whatever else the machine does
LEASES = {
    "PACELINE_LEASE_SECONDS": "60",
    "PACELINE_HEARTBEAT_SECONDS": "10",
    "PACELINE_GUARD_MARGIN_SECONDS": "10",
}
SENDERS, EMAILS_EACH = 4, 100


class Workers:
    """Real ones, one after the other, on one home."""

    def __init__(self, database_url: str, redis_url: str, folder: Path) -> None:
        self._urls = {"database_url": database_url, "redis_url": redis_url}
        self._folder = folder
        self.started: list[Worker] = []

    def start(self, *, stop_seconds: int) -> Worker:
        worker = Worker.start(
            **self._urls,
            home=self._folder / "home",
            log=self._folder / f"{len(self.started)}.log",
            env={**LEASES, "PACELINE_STOP_SECONDS": str(stop_seconds)},
        )
        self.started.append(worker)
        return worker


@pytest.fixture
def workers(world: World, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(database_url, redis_url, tmp_path)
    yield workers
    for worker in workers.started:
        worker.kill()


async def stop(worker: Worker, within: float) -> int:
    """Its exit code. Raises `TimeoutExpired` when it takes longer."""
    worker.signal(signal.SIGTERM)
    try:
        return await asyncio.to_thread(worker.process.wait, within)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(worker.log.read_text()) from late


async def campaigns(world: World, sink: Sink) -> list[str]:
    asked = []
    for n in range(SENDERS):
        sender = await world.sender(port=sink.port)
        addresses = [f"c{n}-{m}@example.org" for m in range(EMAILS_EACH)]
        await world.emails(sender, await world.campaign(sender), addresses)
        await world.signal(sender)
        asked += addresses
    return asked


async def counted(world: World) -> Counter[str]:
    rows = await world.fetch("SELECT state, count(*) AS n FROM email_jobs GROUP BY state")
    return Counter({row["state"]: row["n"] for row in rows})


async def test_under_load_it_ends_in_the_time_that_is_set_and_leaves_no_doubt(
    world: World, workers: Workers
) -> None:
    async with Sink() as sink:
        worker = workers.start(stop_seconds=LONG)
        asked = await campaigns(world, sink)
        await sink.wait_for(len(asked) // 8, within=PATIENCE_SECONDS)
        assert await stop(worker, within=LONG + SECONDS_MORE) == 0
        left = Counter(taken.rcpt_to for taken in sink.taken)
        states = await counted(world)
        assert states == Counter(sent=left.total(), scheduled=len(asked) - left.total())
        assert left.total() < len(asked), "nothing was under way"
        assert "their connections are dropped" not in worker.log.read_text()

        await asyncio.to_thread(workers.start, stop_seconds=LONG)
        await sink.wait_for(len(asked), within=PATIENCE_SECONDS)
        await world.until(lambda: all_sent(world, len(asked)))
    assert Counter(taken.rcpt_to for taken in sink.taken) == Counter(asked)


async def all_sent(world: World, count: int) -> bool:
    return (await counted(world))["sent"] == count


async def test_a_server_that_never_answers_keeps_it_no_longer_than_is_set(
    world: World, workers: Workers
) -> None:
    """Nobody can know of these emails: once their lease has ended they are in doubt."""
    over = asyncio.Event()

    async def until_it_is_over(_: str) -> None:
        await over.wait()

    async with Sink(before_reply=until_it_is_over) as sink:
        worker = workers.start(stop_seconds=1)
        asked = await campaigns(world, sink)
        await sink.wait_for(SENDERS, within=PATIENCE_SECONDS)
        assert await stop(worker, within=PATIENCE_SECONDS) == 0
        left, states = len(sink.taken), await counted(world)
        over.set()
    assert states == Counter(sending=left, scheduled=len(asked) - left)
    assert "their connections are dropped" in worker.log.read_text()


def test_the_docs_state_the_time() -> None:
    text = (ROOT / "docs/DEPLOYMENT.md").read_text()
    assert f"`PACELINE_STOP_SECONDS` ({STOP_SECONDS})" in text
    assert f"should wait for {'two' if SECONDS_MORE == 2 else SECONDS_MORE} more seconds" in text
