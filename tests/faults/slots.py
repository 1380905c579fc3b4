"""Room for cases on a stage: a database in PostgreSQL, one of Redis' numbered ones, a folder."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg

from paceline.persistence.database import Database
from tests.faults.case import Case
from tests.faults.processes import TEMPLATE, Stage, migrate, until
from tests.faults.verdict import HISTORY
from tests.world import World

MAX_AT_ONCE = 16  # Redis has so many databases
OPENING_SECONDS = 300.0  # for machines that have much else to do, and a disk that is busy


class Slots:
    """Which of Redis' databases are free."""

    def __init__(self) -> None:
        self._free = list(range(MAX_AT_ONCE))
        self.creating = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[int]:
        number = self._free.pop()
        try:
            yield number
        finally:
            self._free.append(number)


@asynccontextmanager
async def open_case(
    stage: Stage, slots: Slots, name: str, *, source: Path | None = None
) -> AsyncIterator[Case]:
    unique = f"{name.replace('_', '-').lower()}-{secrets.token_hex(3)}"
    folder = stage.folder / unique
    async with slots.one() as number, _database(stage, slots) as url:
        folder.mkdir()
        connections = Database(url, pool_size=3)
        try:
            await until(
                partial(_lets_in, connections), within=OPENING_SECONDS, what="a first connection"
            )
            world = await World.create(connections, watched=False)
            await world.execute(HISTORY)
            case = Case(stage, unique, world, url, number, folder, source)
            await case.flush_redis()
            try:
                yield case
            finally:
                for worker in case.workers:
                    worker.signal(signal.SIGCONT)
                    worker.kill()
        finally:
            await connections.close()


async def _lets_in(connections: Database) -> bool:
    async with connections.driver() as driver:
        return bool(await driver.fetchval("SELECT true"))


@asynccontextmanager
async def _database(stage: Stage, slots: Slots) -> AsyncIterator[str]:
    """The URL of a migrated one, cloned from one that is made at the first call."""
    name = f"case_{secrets.token_hex(6)}"
    async with slots.creating, asyncio.timeout(OPENING_SECONDS), _admin(stage) as driver:
        if not await driver.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
            await _template(stage, driver)
        await driver.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield stage.postgres_url(name)


async def _template(stage: Stage, driver: asyncpg.Connection) -> None:
    """It has its name once it is whole: whoever comes after one who failed makes another."""
    name = f"new_{secrets.token_hex(6)}"
    await driver.execute(f"CREATE DATABASE {name}")
    await asyncio.to_thread(migrate, stage.postgres_url(name))
    await driver.execute(f"ALTER DATABASE {name} RENAME TO {TEMPLATE}")


@asynccontextmanager
async def _admin(stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    """Waits for each statement as long as the caller does: they copy and write whole databases."""
    driver = await asyncpg.connect(stage.postgres_url("postgres"), timeout=OPENING_SECONDS)
    try:
        yield driver
    finally:
        driver.terminate()
