"""While one owner does their worst, another's campaign goes out, and no event loop stands still."""

from __future__ import annotations

import asyncio
import json
import sys
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
from tests.watched import stops_in

EMAILS = 100
DELAY_MS = 40  # so that they go out one by one, with others' work in between
WITHIN_SECONDS = 600  # for a machine that has much else to do; what is held up never ends


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    sink = Sink(tmp_path)
    certify(sink.certificate, "127.0.0.1")
    certify(tmp_path / "stranger.pem", "192.0.2.1")
    sink.start()
    yield sink
    sink.kill()


@dataclass(frozen=True)
class Watched:
    """A process whose event loop is watched."""

    file: Path

    @property
    def under(self) -> list[str]:
        return [sys.executable, "-P", str(ROOT / "tests" / "watched.py"), str(self.file)]

    def stops(self) -> list[str]:
        return stops_in(self.file)


@pytest.fixture
def api(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "api.stops")


@pytest.fixture
def worker(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "worker.stops")


@pytest.fixture
def sending(database_url: str, redis_url: str, tmp_path: Path, worker: Watched) -> Iterator[Worker]:
    process = Worker.start(
        database_url=database_url,
        redis_url=redis_url,
        home=tmp_path / "home",
        log=tmp_path / "worker.log",
        env={"PACELINE_LEASE_SECONDS": "60", "PACELINE_HEARTBEAT_SECONDS": "4"},
        under=worker.under,
    )
    yield process
    process.kill()


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
        async with asyncio.timeout(WITHIN_SECONDS):
            for _ in WAYS:
                assert await process.stdout.readline()
        yield done
        process.terminate()
        done |= json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def sent(bob: Client, http: httpx2.AsyncClient, sender: str, sink: Sink) -> None:
    """A campaign of Bob's, to its last email, while others are answered."""
    name = f"u{len(sink.entries())}"
    recipients = [{"email": f"{name}-{n}@example.net"} for n in range(EMAILS)]
    campaign = await bob.campaign(
        sender_id=sender, recipients=recipients, min_delay_ms=DELAY_MS, name=name
    )
    assert (await bob.post(f"/campaigns/{campaign['id']}/launch")).status_code == 200

    async def all_there() -> bool:
        assert (await http.get("/healthz")).status_code == 200
        arrived = [e for e in sink.entries() if e.get("rcpt", "").startswith(f"{name}-")]
        return len(arrived) == EMAILS

    await until(all_there, within=WITHIN_SECONDS, what="a campaign")


@pytest.mark.usefixtures("sending")
async def test_anothers_campaign_goes_out_while_one_owner_does_their_worst_and_no_loop_stops(
    *,
    ann: Client,
    bob: Client,
    database_url: str,
    redis_url: str,
    sink: Sink,
    api: Watched,
    worker: Watched,
) -> None:
    senders = [
        (await one.sender(smtp_port=sink.port, from_address=f"{name}@example.com"))["id"]
        for one, name in ((ann, "ann"), (bob, "bob"))
    ]
    async with (
        api_process(database_url, redis_url, under=api.under) as (_, url),
        httpx2.AsyncClient(base_url=url, timeout=WITHIN_SECONDS) as http,
    ):
        await sent(bob, http, senders[1], sink)
        before = len(api.stops()), len(worker.stops())  # of starting up, which is nobody's doing
        async with doing_their_worst(url, ann.key, senders[0]) as done:
            await sent(bob, http, senders[1], sink)
        stopped = api.stops()[before[0] :], worker.stops()[before[1] :]
    assert all(done.get(way.__name__) for way in WAYS), done
    assert stopped == ([], [])
