"""Whatever is cancelled at whatever moment, no connection to PostgreSQL is left behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from paceline import cuts
from paceline.persistence import database as module
from paceline.persistence.advisory import AdvisoryLock
from paceline.persistence.database import Database, DatabaseUnavailable
from paceline.persistence.notices import Notices


@pytest.fixture
async def watcher(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _one_transaction(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))


async def _one_statement(database: Database) -> None:
    async with database.driver() as driver:
        await driver.fetchval("SELECT 1")


async def _listening(database: Database) -> None:
    async with Notices(database) as notices:
        await notices.gather(within=0)


async def _locking(database: Database) -> None:
    async with AdvisoryLock(database, name="a lock") as lock:
        await lock.is_held()


@pytest.mark.parametrize("work", [_one_transaction, _one_statement, _listening, _locking])
async def test_nothing_stays_connected_after_a_cancellation_at_any_moment(
    work: object, database_url: str, watcher: asyncpg.Connection
) -> None:
    assert callable(work)
    for turns_of_the_loop in range(0, 120, 2):
        database = Database(database_url)
        task = asyncio.create_task(work(database))
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await database.close()
    async with asyncio.timeout(60):
        while await _others(watcher):
            await asyncio.sleep(0.01)


async def test_closing_closes_what_is_in_use_too(
    database_url: str, watcher: asyncpg.Connection
) -> None:
    database, in_use = Database(database_url), asyncio.Event()

    async def outlive_the_database() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            in_use.set()
            await session.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(outlive_the_database())
    await in_use.wait()
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        await task
    async with asyncio.timeout(60):
        while await _others(watcher):
            await asyncio.sleep(0.01)


async def test_where_no_connection_is_free_it_is_said_to_come_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POOL_OVERFLOW", 0)
    monkeypatch.setattr(module, "POOL_TIMEOUT_SECONDS", 0.2)
    database = Database(database_url, pool_size=1)
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(DatabaseUnavailable, match="no connection was free"):
            await _one_transaction(database)
    await database.close()


async def test_a_closed_database_opens_nothing(
    database_url: str, watcher: asyncpg.Connection
) -> None:
    database = Database(database_url)
    await database.close()
    for work in (_one_transaction, _one_statement):
        with pytest.raises(DatabaseUnavailable):
            await work(database)
    assert not await _others(watcher)


async def _others(watcher: asyncpg.Connection) -> int:
    return await watcher.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def test_an_error_of_a_statement_does_not_tell_its_parameters(database: Database) -> None:
    with pytest.raises(DBAPIError) as failed:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1 / (length(:word) - 6)"), {"word": "secret"})
    assert "'secret'" not in str(failed.value)
    assert "hidden" in str(failed.value)


async def test_both_ends_of_every_connection_notice_when_the_other_is_gone(
    database: Database,
) -> None:
    async def notices(driver: object) -> None:
        for name, value in cuts.OF_POSTGRESQL.items():
            # Over a socket of the file system PostgreSQL says 0 for all of them.
            shown = await driver.fetchval("SELECT setting FROM pg_settings WHERE name = $1", name)  # type: ignore[attr-defined]
            source = await driver.fetchval("SELECT source FROM pg_settings WHERE name = $1", name)  # type: ignore[attr-defined]
            assert (shown in {"0", value}, source) == (True, "client"), name

    async with database.transaction() as session:
        await notices(await module.driver_of(session))
    async with database.driver() as driver:
        await notices(driver)
    dedicated = await database.dedicated()
    await notices(dedicated)
    await dedicated.close()


async def test_a_tcp_connection_is_given_up_in_seconds() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        with socket.create_connection(server.sockets[0].getsockname()) as connected:
            cuts.notice_cuts(connected)
            assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            for number, value in cuts.tcp_options().items():
                assert connected.getsockopt(socket.IPPROTO_TCP, number) == value


FULL = """
    DO $$ BEGIN
        RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device'
        USING ERRCODE = 'disk_full', DETAIL = 'Of 8192 bytes.', HINT = 'Check free disk space.';
    END $$
"""


async def _by_driver(database: Database) -> None:
    async with database.driver() as driver:
        await driver.execute(FULL)


async def _in_a_transaction(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text(FULL))


@pytest.mark.parametrize("work", [_by_driver, _in_a_transaction])
async def test_a_disk_that_is_full_is_one_line_and_may_have_room_in_a_moment(
    database_url: str, work: Callable[[Database], Awaitable[None]]
) -> None:
    database = Database(database_url, pool_size=1)
    with pytest.raises(DatabaseUnavailable) as met:
        await work(database)
    await database.close()
    told = 'PostgreSQL: could not extend file "base/1/2": No space left on device'
    assert str(met.value) == told


async def test_a_statement_that_is_cancelled_from_outside_is_a_database_that_did_not_answer(
    database: Database,
) -> None:
    async def wait_too_long() -> None:
        async with database.driver() as driver:
            await driver.execute("SET statement_timeout = '10ms'")
            await driver.execute("SELECT pg_sleep(60)")

    with pytest.raises(DatabaseUnavailable):
        await wait_too_long()
