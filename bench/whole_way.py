"""The whole way: emails that are due, until the last one is recorded as sent.

One worker process, PostgreSQL with fsync on, Redis and the sink, all on this machine. Making the
emails is not timed: the clock starts when the worker is told of them.
"""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from bench.client import BODY
from bench.processes import Meter, rss_mb
from bench.servers import Servers, SinkProcess
from paceline.persistence.database import Database
from tests.world import SECRET_KEY, World

LOOK_SECONDS = 0.05  # seldom enough to cost nothing
DEADLINE_SECONDS = 300
TEXT = "Dear {{ name }},\r\n\r\n" + BODY.decode()


class Worker:
    """`paceline worker`, as users run it."""

    def __init__(self, servers: Servers) -> None:
        env = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
            "ALLOW_PRIVATE_HOSTS": "yes",
            "PACELINE_LOG_LEVEL": "error",
        }
        self._process = subprocess.Popen([sys.executable, "-m", "paceline", "worker"], env=env)
        self.info = psutil.Process(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


@dataclass(frozen=True)
class Load:
    """Emails that are due, and a worker that is up and has not been told of them yet."""

    world: World
    worker: Worker
    senders: Sequence[uuid.UUID]
    count: int

    async def begin(self) -> None:
        for sender in self.senders:
            await self.world.signal(sender)

    async def sent(self) -> int:
        """How many are recorded as sent."""
        return int(await self.world.fetchval("SELECT sum(sent) FROM campaigns"))


@asynccontextmanager
async def loaded(
    servers: Servers, sink: SinkProcess, *, count: int, senders: int, connections: int
) -> AsyncIterator[Load]:
    """`count` emails over so many senders of so many connections each; all is gone afterwards."""
    database = Database(servers.database_url)
    world = await World.create(database, watched=False)
    ids = []
    for _ in range(senders):
        sender = await world.sender(port=sink.port, max_connections=connections)
        campaign = await world.campaign(sender, text_body=TEXT)
        await world.emails(sender, campaign, count // senders)
        ids.append(sender)
    await world.execute("ANALYZE emails, email_jobs")
    worker = Worker(servers)
    try:
        await _warm_up(world, sink)
        yield Load(world, worker, ids, count // senders * senders)
    finally:
        worker.stop()
        await world.execute("TRUNCATE users CASCADE")
        await database.close()


async def measured(
    servers: Servers, sink: SinkProcess, *, count: int, senders: int, connections: int
) -> dict[str, float]:
    """Let one worker loose on the emails, and time it."""
    async with loaded(servers, sink, count=count, senders=senders, connections=connections) as load:
        before = sink.taken()
        meter = Meter(
            {
                "worker": [load.worker.info],
                "PostgreSQL": [servers.postgres],
                "Redis": [servers.redis],
                "sink": [sink.info],
            }
        )
        await load.begin()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await load.sent() < load.count:  # noqa: ASYNC110 - another process' work
                await asyncio.sleep(LOOK_SECONDS)
        figures = meter.per(load.count)
        assert sink.taken() - before == load.count
        return {**figures, "worker RSS MB": rss_mb([load.worker.info])}


async def _warm_up(world: World, sink: SinkProcess) -> None:
    """One email through everything, so that nothing is measured that happens once."""
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 1)
    await world.signal(sender)
    while await world.states(ids) != ["sent"]:  # noqa: ASYNC110 - another process' work
        await asyncio.sleep(LOOK_SECONDS)
