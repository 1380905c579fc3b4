"""While one owner does their worst, another's campaign goes out as before, and the API answers."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.api import api_process
from tests.certificates import certify
from tests.faults.processes import ROOT, Sink, Worker, until
from tests.hostile import WAYS
from tests.integration.api.conftest import Client

EMAILS = 100
LOOKS = 21  # at least, so that one that met a busy machine says nothing
DELAY_MS = 40  # so that the pace is the plan's, and not the machine's
HEALTHY_SECONDS = 0.25
SLOW_TIMES = 20  # … or as many times what it takes by itself, on a machine that has much else to do
# Of the time that it takes by itself. The processors are shared with the hostile owner, their
# servers and this test; what is to be seen is who has to wait for somebody's work to end.
MOST_TIMES = 4.0


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    sink = Sink(tmp_path)
    certify(sink.certificate, "127.0.0.1")
    certify(tmp_path / "stranger.pem", "192.0.2.1")
    sink.start()
    yield sink
    sink.kill()


@pytest.fixture
def sending(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker.start(
        database_url=database_url,
        redis_url=redis_url,
        home=tmp_path / "home",
        log=tmp_path / "worker.log",
        env={"PACELINE_LEASE_SECONDS": "60", "PACELINE_HEARTBEAT_SECONDS": "4"},
    )
    yield worker
    worker.kill()


@asynccontextmanager
async def doing_their_worst(url: str, key: str, sender: str) -> AsyncIterator[dict[str, int]]:
    """All of it has begun; at the end, how often each was done."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.hostile", url, key, sender),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    done: dict[str, int] = {}
    try:
        for _ in WAYS:
            assert await process.stdout.readline()
        yield done
        process.terminate()
        done |= json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass
class Watched:
    """One campaign by when its emails arrived, and how long others were answered meanwhile."""

    seconds: float
    healthy: float  # seconds until `/healthz` answers, the median


async def sent_and_watched(
    bob: Client, http: httpx2.AsyncClient, sender: str, sink: Sink
) -> Watched:
    name = f"u{len(sink.entries())}"
    recipients = [{"email": f"{name}-{n}@example.net"} for n in range(EMAILS)]
    campaign = await bob.campaign(
        sender_id=sender, recipients=recipients, min_delay_ms=DELAY_MS, name=name
    )
    assert (await bob.post(f"/campaigns/{campaign['id']}/launch")).status_code == 200
    healthy: list[float] = []

    def arrivals() -> list[float]:
        return [e["at"] for e in sink.entries() if e.get("rcpt", "").startswith(f"{name}-")]

    async def all_there() -> bool:
        healthy.append(await _seconds(http))
        return len(arrivals()) == EMAILS

    await until(all_there, within=300, what="a campaign")
    while len(healthy) < LOOKS:
        healthy.append(await _seconds(http))
    times = arrivals()
    return Watched(
        seconds=times[-1] - times[0],
        healthy=statistics.median(healthy),
    )


async def _seconds(http: httpx2.AsyncClient) -> float:
    began = time.perf_counter()
    assert (await http.get("/healthz")).status_code == 200
    return time.perf_counter() - began


@pytest.mark.usefixtures("sending")
async def test_anothers_campaign_goes_out_at_its_pace_while_one_owner_does_their_worst(
    ann: Client, bob: Client, database_url: str, redis_url: str, sink: Sink
) -> None:
    senders = [
        (await one.sender(smtp_port=sink.port, from_address=f"{name}@example.com"))["id"]
        for one, name in ((ann, "ann"), (bob, "bob"))
    ]
    async with (
        api_process(database_url, redis_url) as (_, url),
        httpx2.AsyncClient(base_url=url, timeout=60) as http,
    ):
        before = await sent_and_watched(bob, http, senders[1], sink)
        async with doing_their_worst(url, ann.key, senders[0]) as done:
            meanwhile = await sent_and_watched(bob, http, senders[1], sink)
    assert all(done.get(way.__name__) for way in WAYS), done
    assert meanwhile.seconds < MOST_TIMES * before.seconds, (before, meanwhile)
    most = max(HEALTHY_SECONDS, SLOW_TIMES * before.healthy)
    assert meanwhile.healthy < most, (before, meanwhile)
