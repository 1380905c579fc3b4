"""Brings a database to the newest schema. Safe to run from several processes at once.

Each migration is a transaction of its own, and gives way: one that does not get a table soon lets
those go ahead who use it, and is tried again. What was applied before one that fails stays applied.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from paceline.errors import OperationalError
from paceline.persistence.addressing import DatabaseAddress
from paceline.persistence.database import async_url, translate_lost_connections

log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as nobody else uses it: "pace" in ASCII.
_MIGRATION_LOCK = 0x70616365
# For a table, which everybody else waits for meanwhile, too. Below PostgreSQL's `deadlock_timeout`
# (1 s), so that the migration gives way before somebody else's work is undone.
LOCK_MILLISECONDS = 800
TRIES = 20  # of one migration
PAUSE_SECONDS = 2.0  # between them, for those that waited behind it
_IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


class HeldUp(OperationalError):
    """A migration did not get the tables that it changes. Those before it are applied."""


def upgrade(url: str, *, revision: str = "head") -> None:
    """Migrate the database at `url`.

    Raises `DatabaseUnavailable` when it cannot be reached, `HeldUp` when others hold its tables.
    """
    asyncio.run(_upgrade(url, revision))


async def _upgrade(url: str, revision: str) -> None:
    options = DatabaseAddress.of(url).options({"application_name": "paceline migrate"})
    engine = create_async_engine(
        async_url(url),
        async_creator=lambda: asyncpg.connect(**options),
        poolclass=NullPool,
        hide_parameters=True,
    )
    try:
        async with translate_lost_connections(), engine.connect() as connection:
            async with connection.begin():
                # Of the session: over all migrations, until the connection closes.
                await connection.execute(
                    text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
                pending = await connection.run_sync(_pending, revision)
            for each in pending:
                await _apply(connection, each)
    finally:
        await engine.dispose()


def _pending(connection: Connection, revision: str) -> list[str]:
    """What is to be applied, in this order."""
    heads = MigrationContext.configure(connection).get_current_heads()
    scripts = ScriptDirectory.from_config(alembic_config())
    missing = scripts.iterate_revisions(revision, heads, implicit_base=True)
    return [script.revision for script in missing][::-1]


async def _apply(connection: AsyncConnection, revision: str) -> None:
    """One migration, as often as it takes."""
    for left in reversed(range(TRIES)):
        try:
            async with connection.begin():
                wait = text(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
                await connection.execute(wait)
                await connection.run_sync(_run_alembic, revision)
                return
        except DBAPIError as error:
            if not isinstance(error.orig and error.orig.__cause__, _IN_THE_WAY):
                error.add_note(f"in migration {revision}; those before it are applied")
                raise
            if not left:
                raise HeldUp(_held_up(revision, error)) from error
            log.warning("migration %s gives way to what uses its tables: tried again", revision)
        await asyncio.sleep(PAUSE_SECONDS)


def _held_up(revision: str, error: DBAPIError) -> str:
    return (
        f"migration {revision} did not get its tables in {TRIES} tries ({error.orig}); those "
        "before it are applied. Migrate again when less goes on, or end what holds them: "
        "pg_stat_activity names it"
    )


def _run_alembic(connection: Connection, revision: str) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def alembic_config() -> Config:
    """Alembic's settings, without a file: where the migrations are is all it needs."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
