"""Brings a database to the newest schema. Safe to run from several processes at once.

Each migration is a transaction of its own, and gives way: one that does not get a table soon lets
those go ahead who use it, and is tried again. What was applied before one that fails stays applied.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from alembic import command
from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from paceline import clock
from paceline.errors import OperationalError
from paceline.persistence.addressing import DatabaseAddress
from paceline.persistence.connecting import connect
from paceline.persistence.database import async_url, translate_lost_connections
from paceline.persistence.planning import MigrationPlan, Step, alembic_config, plan_of
from paceline.persistence.session_settings import OF_MIGRATIONS

log = logging.getLogger(__name__)

# Any number will do, as long as nobody else uses it: "pace" in ASCII.
_MIGRATION_LOCK = 0x70616365
# For a table, which everybody else waits for meanwhile, too. Below PostgreSQL's `deadlock_timeout`
# (1 s), so that the migration gives way before somebody else's work is undone.
LOCK_MILLISECONDS = 800
TRIES = 20  # of one migration
PAUSE_SECONDS = 2.0  # between them, for those that waited behind it
_IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
# PostgreSQL keeps so much of a name. It begins with what all of them are called.
_MAX_NAME_OCTETS = 63
NAME = "paceline migrate"

_WHO_MIGRATES = """
    SELECT a.application_name, a.client_addr, a.backend_start, a.pid
      FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND (l.classid, l.objid, l.objsubid) = (0, :key, 1)
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class HeldUp(OperationalError):
    """A migration did not get the tables that it changes. Those before it are applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One migration that was carried out, and how long that took, with all its tries."""

    step: Step
    seconds: float

    def __str__(self) -> str:
        return f"migration {self.step} is applied after {self.seconds:.1f} s"


def upgrade(url: str, *, revision: str = "head") -> list[Applied]:
    """Migrate the database at `url`; what was done, in this order.

    Raises `DatabaseUnavailable` when it cannot be reached, `HeldUp` when others hold its tables,
    `SchemaIsNewer` when a newer version of the program has been here.
    """
    return asyncio.run(_upgrade(url, revision))


def plan(url: str) -> MigrationPlan:
    """What `upgrade` would do now. Changes nothing and waits for nobody. Raises the same."""
    return asyncio.run(_plan(url))


async def _upgrade(url: str, revision: str) -> list[Applied]:
    applied = []
    async with _connection(url) as connection:
        async with connection.begin():
            await _wait_for_others(connection)
            pending = await connection.run_sync(plan_of, to=revision)
        for step in pending.steps:
            began = clock.boottime()
            await _apply(connection, step.revision)
            applied.append(Applied(step=step, seconds=clock.boottime() - began))
            log.info("%s", applied[-1])
    return applied


async def _plan(url: str) -> MigrationPlan:
    async with _connection(url) as connection, connection.begin():
        return await connection.run_sync(plan_of)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[AsyncConnection]:
    settings = {"application_name": _name(), **OF_MIGRATIONS}
    options = DatabaseAddress.of(url).options(settings)
    engine = create_async_engine(
        async_url(url),
        async_creator=lambda: connect(**options),
        poolclass=NullPool,
        hide_parameters=True,
    )
    try:
        async with translate_lost_connections(), engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def _name() -> str:
    """For those who find it at work: which process it is, and where."""
    name = f"{NAME}, process {os.getpid()} on {socket.gethostname()}"
    return name.encode("ascii", "replace")[:_MAX_NAME_OCTETS].decode()


async def _wait_for_others(connection: AsyncConnection) -> None:
    """One at a time. The lock is the session's: until the connection closes."""
    key = {"key": _MIGRATION_LOCK}
    if await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
        return
    who = (await connection.execute(text(_WHO_MIGRATES), key)).mappings().first()
    told = _told(who) if who else "it ends just now"
    log.warning("waits for another one that migrates: %s", told)
    await connection.execute(text("SELECT pg_advisory_lock(:key)"), key)


def _told(who: RowMapping) -> str:
    """Who holds the lock. Of other users PostgreSQL names only its own process."""
    at = f" from {who['client_addr']}" if who["client_addr"] else ""
    since = f", since {who['backend_start']:%H:%M:%S} UTC" if who["backend_start"] else ""
    name = who["application_name"] or "somebody"
    return f"{name}{at} (PostgreSQL's process {who['pid']}{since})"


async def _apply(connection: AsyncConnection, revision: str) -> None:
    """One migration, as often as it takes."""
    for left in reversed(range(TRIES)):
        try:
            async with connection.begin():
                wait = text(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
                await connection.execute(wait)
                await connection.run_sync(run_alembic, revision)
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


def run_alembic(connection: Connection, revision: str) -> None:
    """Up to this one, in the transaction that the connection is in."""
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
