"""One moment of the database, for a backup: pg_dump and our own counts see the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from paceline.persistence.database import Database, translate_lost_connections
from paceline.persistence.driver import Driver
from paceline.persistence.workers import how_many_are_there

TABLES = ("users", "senders", "campaigns", "emails", "email_jobs", "attempts", "suppressions")
COUNT_TIMEOUT_SECONDS = 3_600

_THERE = "SELECT to_regclass('public.email_jobs') IS NOT NULL"
_ABOUT = """
    SELECT pg_export_snapshot() AS id, clock_timestamp() AS taken_at,
           current_setting('server_version_num')::int / 10000 AS server,
           (SELECT version_num FROM alembic_version) AS revision
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """While its context lasts, `id` is what pg_dump names it by."""

    id: str
    taken_at: datetime
    server: int  # PostgreSQL's major version
    revision: str
    counts: Mapping[str, int]


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Snapshot]:
    """Hold one still, with the number of rows in each table that matters."""
    driver = await database.dedicated()
    try:
        async with (
            translate_lost_connections(),
            driver.transaction(isolation="repeatable_read", readonly=True),
        ):
            about = dict(await driver.fetchrow(_ABOUT) or {})
            yield Snapshot(**about, counts={name: await _count(driver, name) for name in TABLES})
    finally:
        driver.terminate()


async def _count(driver: Driver, table: str) -> int:
    counted = await driver.fetchval(
        f"SELECT count(*) FROM {table}",  # noqa: S608 - a name of ours
        timeout=COUNT_TIMEOUT_SECONDS,
    )
    return int(counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """What is there already. `server`: PostgreSQL's major version."""

    server: int
    emails: int | None  # None: there is no schema
    workers: int


async def look(database: Database) -> Occupied:
    """Before something is put in its place."""
    async with database.transaction() as session:
        version = text("SELECT current_setting('server_version_num')::int / 10000")
        server = (await session.execute(version)).scalar_one()
        there = (await session.execute(text(_THERE))).scalar_one()
        emails = None
        if there:
            emails = (await session.execute(text("SELECT count(*) FROM emails"))).scalar_one()
        return Occupied(server=server, emails=emails, workers=await how_many_are_there(session))
