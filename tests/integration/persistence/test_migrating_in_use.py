"""Migrating a database that is in use: it gives way, goes on, and keeps what it has done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import asyncpg
import pytest

from paceline.persistence import migrate
from paceline.persistence.condition import revisions
from paceline.persistence.migrate import HeldUp, upgrade

_, HEAD = revisions()
AT = "SELECT version_num FROM alembic_version"
WAITS = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'paceline migrate%'
           AND wait_event_type = 'Lock' AND wait_event <> 'advisory')
"""


@pytest.fixture
async def in_use(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database of the twentieth schema."""
    await asyncio.to_thread(upgrade, empty_database_url, revision="0020")
    connection = await asyncpg.connect(empty_database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_whoever_reads_a_job_and_then_writes_it_meets_no_deadlock(
    in_use: asyncpg.Connection, empty_database_url: str
) -> None:
    watching = await asyncpg.connect(empty_database_url)
    async with in_use.transaction():
        await in_use.execute("SELECT FROM email_jobs FOR UPDATE")
        migrating = asyncio.create_task(asyncio.to_thread(upgrade, empty_database_url))
        async with asyncio.timeout(60):
            while not await watching.fetchval(WAITS):
                assert not migrating.done()
        assert not await watching.fetchval("SELECT pg_try_advisory_lock(1885430629)")
        await in_use.execute("UPDATE email_jobs SET state = state")
        await in_use.execute("UPDATE emails SET id = id")
    await migrating
    await watching.close()
    assert await in_use.fetchval(AT) == HEAD


async def test_a_migration_that_never_gets_its_tables_is_named_and_those_before_it_stay(
    in_use: asyncpg.Connection,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(migrate, "TRIES", 2)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0)
    async with in_use.transaction():
        await in_use.execute("SELECT FROM email_jobs FOR UPDATE")
        with caplog.at_level(logging.WARNING), pytest.raises(HeldUp, match="0021"):
            await asyncio.to_thread(upgrade, empty_database_url)
        assert await in_use.fetchval(AT) == "0024"
    assert "0021" in caplog.text
    await asyncio.to_thread(upgrade, empty_database_url)
    assert await in_use.fetchval(AT) == HEAD
