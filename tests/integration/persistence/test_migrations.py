"""From nothing to head: the migrations make exactly the tables that the models describe."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from paceline.persistence.condition import revisions
from paceline.persistence.database import DatabaseUnavailable, async_url
from paceline.persistence.migrate import upgrade
from paceline.persistence.planning import alembic_config
from paceline.persistence.tables import Base

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
      FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
     WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


async def shape(url: str) -> dict[str, list[tuple[object, ...]]]:
    connection = await asyncpg.connect(url)
    try:
        return {
            name: sorted((tuple(row) for row in await connection.fetch(query)), key=repr)
            for name, query in (
                ("columns", COLUMNS),
                ("constraints", CONSTRAINTS),
                ("indexes", INDEXES),
            )
        }
    finally:
        await connection.close()


async def test_the_migrations_and_the_models_agree(
    database_url: str, empty_database_url: str
) -> None:
    engine = create_async_engine(async_url(empty_database_url))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
    migrated, modelled = await shape(database_url), await shape(empty_database_url)
    assert migrated["columns"]
    for part in ("columns", "constraints", "indexes"):
        assert migrated[part] == modelled[part]


async def test_migrating_twice_and_at_the_same_time_is_harmless(empty_database_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgrade, empty_database_url) for _ in range(3)))
    await asyncio.to_thread(upgrade, empty_database_url)
    assert (await shape(empty_database_url))["columns"]


async def test_a_database_that_is_away_is_said_in_one_line() -> None:
    with pytest.raises(DatabaseUnavailable, match="PostgreSQL"):
        await asyncio.to_thread(upgrade, "postgresql://nobody@127.0.0.1:1/none")


def test_what_this_version_knows_is_read_off_the_migrations_as_alembic_walks_them() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    walked = frozenset(script.revision for script in scripts.walk_revisions())
    assert revisions() == (walked, scripts.get_current_head())
