"""Room for cases on a stage: a database in PostgreSQL, one of Redis' numbered ones, a folder."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from paceline.persistence.database import Database
from tests.faults.case import Case
from tests.faults.processes import TEMPLATE, Stage, migrate
from tests.faults.verdict import HISTORY
from tests.world import World

MAX_AT_ONCE = 16  # Redis has so many databases


class Slots:
    """Which of Redis' databases are free."""

    def __init__(self) -> None:
        self._free = list(range(MAX_AT_ONCE))
        self.creating = asyncio.Lock()

    def take(self) -> int:
        return self._free.pop()

    def give_back(self, number: int) -> None:
        self._free.append(number)


@asynccontextmanager
async def open_case(
    stage: Stage, slots: Slots, name: str, *, source: Path | None = None
) -> AsyncIterator[Case]:
    number = slots.take()
    unique = f"{name.replace('_', '-').lower()}-{secrets.token_hex(3)}"
    database = f"case_{secrets.token_hex(6)}"
    async with slots.creating:
        await _create(stage, database)
    url = stage.postgres_url(database)
    connections = Database(url, pool_size=3)
    folder = stage.folder / unique
    folder.mkdir()
    world = await World.create(connections, watched=False)
    await world.execute(HISTORY)
    case = Case(stage, unique, world, url, number, folder, source)
    try:
        await case.flush_redis()
        yield case
    finally:
        for worker in case.workers:
            worker.signal(signal.SIGCONT)
            worker.kill()
        await connections.close()
        slots.give_back(number)


async def _create(stage: Stage, database: str) -> None:
    """A migrated database, cloned from one that is made at the first call."""
    admin = Database(stage.postgres_url("postgres"), pool_size=1)
    try:
        async with admin.driver() as driver:
            if not await driver.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
                await driver.execute(f"CREATE DATABASE {TEMPLATE}")
                await asyncio.to_thread(migrate, stage.postgres_url(TEMPLATE))
            await driver.execute(f"CREATE DATABASE {database} TEMPLATE {TEMPLATE}")
    finally:
        await admin.close()
