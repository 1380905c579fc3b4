"""Brings a database to the newest schema. Safe to run from several processes at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from paceline.persistence.addressing import DatabaseAddress
from paceline.persistence.database import async_url, translate_lost_connections

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as nobody else uses it: "pace" in ASCII.
_MIGRATION_LOCK = 0x70616365


def upgrade(url: str, *, revision: str = "head") -> None:
    """Migrate the database at `url`. Raises `DatabaseUnavailable` when it cannot be reached."""
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
        async with translate_lost_connections(), engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
            )
            await connection.run_sync(_run_alembic, revision)
    finally:
        await engine.dispose()


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
