"""How our sessions are set: locks that go away by themselves, commits that wait for the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text

from paceline.persistence.database import Database, DatabaseBusy, DatabaseUnavailable
from paceline.persistence.session_settings import IDLE_SECONDS, THINKING_SECONDS, thinking

IDLE = "idle_in_transaction_session_timeout"
SOON = f"&{IDLE}=500ms"  # what a URL says goes before ours


@pytest.fixture
async def operator(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _of_transactions(database: Database, name: str) -> str:
    async with database.transaction() as session:
        shown: str = (await session.execute(text(f"SHOW {name}"))).scalar_one()
    return shown


async def _of_the_ledger(database: Database, name: str) -> str:
    async with database.driver() as driver:
        shown: str = await driver.fetchval(f"SHOW {name}")
    return shown


SHOWN = pytest.mark.parametrize("shown", [_of_transactions, _of_the_ledger])
Shown = Callable[[Database, str], Awaitable[str]]


async def _choose(operator: asyncpg.Connection, url: str, chosen: str) -> None:
    name = urlsplit(url).path[1:]
    await operator.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = {chosen}')


@SHOWN
@pytest.mark.parametrize("has_pooler", [False, True])
async def test_a_commit_waits_for_the_disk_whatever_was_set_after_the_start(
    shown: Shown, has_pooler: bool, database_url: str, operator: asyncpg.Connection
) -> None:
    await _choose(operator, database_url, "off")
    database = Database(database_url, direct_url=database_url if has_pooler else None)
    assert await shown(database, "synchronous_commit") == "on"
    await database.close()


@SHOWN
@pytest.mark.parametrize("has_pooler", [False, True])
@pytest.mark.parametrize("chosen", ["local", "remote_write", "on", "remote_apply"])
async def test_what_an_operator_chose_of_a_commit_stands(
    chosen: str,
    has_pooler: bool,
    shown: Shown,
    database_url: str,
    operator: asyncpg.Connection,
) -> None:
    await _choose(operator, database_url, chosen)
    database = Database(database_url, direct_url=database_url if has_pooler else None)
    assert await shown(database, "synchronous_commit") == chosen
    await database.close()


async def test_the_locks_of_a_process_that_is_frozen_go_away_by_themselves(
    database_url: str, operator: asyncpg.Connection
) -> None:
    await operator.execute("CREATE TABLE things AS SELECT 1 AS n")
    database = Database(database_url + SOON)

    async def frozen() -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE things SET n = 2"))
            # It says nothing more, and somebody waits for its lock.
            await operator.execute("UPDATE things SET n = n + 10")
            await session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await frozen()
    assert await operator.fetchval("SELECT n FROM things") == 11
    async with database.transaction() as session:  # the next one has a connection that lives
        await session.execute(text("SELECT 1"))
    await database.close()


@pytest.mark.parametrize("has_pooler", [False, True])
async def test_every_transaction_may_lie_idle_for_seconds_only(
    has_pooler: bool, database_url: str
) -> None:
    database = Database(database_url, direct_url=database_url if has_pooler else None)
    assert await _of_transactions(database, IDLE) == f"{IDLE_SECONDS}s"
    await database.close()


async def test_of_a_poolers_session_nothing_is_left_set(database_url: str) -> None:
    database = Database(database_url, direct_url=database_url, pool_size=1)
    await _of_transactions(database, IDLE)
    async with database._engine.connect() as session:
        assert (await session.execute(text(f"SHOW {IDLE}"))).scalar_one() == "0"
    await database.close()


async def test_while_something_is_worked_out_a_transaction_may_lie_idle_for_longer(
    database: Database,
) -> None:
    async with database.transaction() as session:
        async with thinking(session):
            shown = await session.execute(text(f"SHOW {IDLE}"))
            assert shown.scalar_one() == f"{THINKING_SECONDS // 60}min"
        shown = await session.execute(text(f"SHOW {IDLE}"))
        assert shown.scalar_one() == f"{IDLE_SECONDS}s"


async def test_a_snapshot_may_lie_idle_for_as_long_as_it_takes(
    database_url: str, operator: asyncpg.Connection
) -> None:
    name = urlsplit(database_url).path[1:]
    await operator.execute(f"ALTER DATABASE \"{name}\" SET {IDLE} = '1s'")
    database = Database(database_url)
    dedicated = await database.dedicated()
    assert await dedicated.fetchval(f"SHOW {IDLE}") == "0"
    await dedicated.close()
    await database.close()


async def test_a_statement_of_the_ledger_gives_way_to_whoever_holds_what_it_needs(
    database_url: str, operator: asyncpg.Connection
) -> None:
    await operator.execute("CREATE TABLE things AS SELECT 1 AS n")
    database = Database(f"{database_url}&lock_timeout=50ms")
    async with operator.transaction():
        await operator.execute("UPDATE things SET n = 2")
        with pytest.raises(DatabaseBusy):
            async with database.driver() as driver:
                await driver.execute("UPDATE things SET n = 3")
    await database.close()
