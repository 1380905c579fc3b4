"""The whole way: emails that are due, until the last one is recorded as sent.

One worker process, PostgreSQL with fsync on, Redis and the sink, all on this machine.
"""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import time

import psutil

from bench.servers import Servers, SinkProcess
from paceline.persistence.database import Database
from tests.world import SECRET_KEY, World

LOOK_SECONDS = 0.05  # seldom enough to cost nothing
DEADLINE_SECONDS = 120


class Worker:
    """`paceline worker`, as users run it."""

    def __init__(self, servers: Servers) -> None:
        env = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
            "ALLOW_PRIVATE_HOSTS": "yes",
            "PACELINE_LOG_LEVEL": "warning",
        }
        self._process = subprocess.Popen([sys.executable, "-m", "paceline", "worker"], env=env)
        self._info = psutil.Process(self._process.pid)

    def rss_mb(self) -> float:
        return float(self._info.memory_info().rss) / 2**20

    def cpu_seconds(self) -> float:
        times = self._info.cpu_times()
        return float(times.user + times.system)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


async def emails_per_second(
    servers: Servers, sink: SinkProcess, *, count: int, senders: int, connections: int
) -> dict[str, float]:
    """Prepare `count` emails over so many senders, let one worker loose on them, and time it."""
    database = Database(servers.database_url)
    world = await World.create(database, watched=False)
    each = count // senders
    ids = []
    for _ in range(senders):
        sender = await world.sender(port=sink.port, max_connections=connections)
        campaign = await world.campaign(sender)
        await world.emails(sender, campaign, each)
        ids.append(sender)
    await world.execute("ANALYZE emails, email_jobs")
    worker = Worker(servers)
    try:
        await _warm_up(world, sink)
        before, cpu = sink.taken(), worker.cpu_seconds()
        begun = time.perf_counter()
        for sender in ids:
            await world.signal(sender)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await _all_sent(world, each * senders):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - begun
        assert sink.taken() - before == each * senders
        return {
            "emails_per_second": each * senders / seconds,
            "worker_cpu_us_per_email": (worker.cpu_seconds() - cpu) / (each * senders) * 1e6,
            "worker_rss_mb": worker.rss_mb(),
        }
    finally:
        worker.stop()
        await world.execute("TRUNCATE users CASCADE")
        await database.close()


async def _warm_up(world: World, sink: SinkProcess) -> None:
    """One email through everything, so that nothing is measured that happens once."""
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 1)
    await world.signal(sender)
    while await world.states(ids) != ["sent"]:  # noqa: ASYNC110 - a figure, not a test
        await asyncio.sleep(LOOK_SECONDS)


async def _all_sent(world: World, count: int) -> bool:
    return bool(await world.fetchval("SELECT sum(sent) >= $1 FROM campaigns", count))
