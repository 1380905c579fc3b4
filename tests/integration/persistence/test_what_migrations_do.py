"""What each migration says of itself (`EFFECT`) is what PostgreSQL sees it do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from paceline.persistence.database import async_url
from paceline.persistence.migrate import run_alembic
from paceline.persistence.migrations.effect import BEFORE_ANY_RELEASE, Effect, Lock
from paceline.persistence.planning import all_steps

ROOT = Path(__file__).parents[3]
TABLES = """
    SELECT oid::int, relname, relfilenode::int FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
"""
LOCKS = """
    SELECT relation::int, mode FROM pg_locks
     WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
"""
COLUMNS = """
    SELECT attrelid::int, attname, format_type(atttypid, atttypmod), attnotnull,
           atthasdef OR attidentity <> ''
      FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
"""
# Every row is looked at for a new one.
INDEXES = "SELECT indexrelid::int, indrelid::int FROM pg_index"
CONSTRAINTS = """
    SELECT oid::int, conrelid::int FROM pg_constraint WHERE contype IN ('c', 'f') AND convalidated
"""
FUNCTIONS = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
MODES = {
    "RowExclusiveLock": Lock.ROW_EXCLUSIVE,
    "ShareLock": Lock.SHARE,
    "ShareRowExclusiveLock": Lock.SHARE_ROW_EXCLUSIVE,
    "AccessExclusiveLock": Lock.ACCESS_EXCLUSIVE,
}


@dataclass(frozen=True)
class Column:
    kind: str
    is_required: bool
    fills_itself: bool


@dataclass(frozen=True)
class Look:
    """A schema, and what this transaction holds of it."""

    tables: dict[int, str]
    files: dict[int, int]
    columns: dict[tuple[int, str], Column]
    looked_at: dict[int, int]  # index or constraint → its table
    functions: frozenset[str]
    locks: list[tuple[int, str]]

    @classmethod
    def of(cls, connection: Connection) -> Look:
        def rows(query: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.execute(text(query))]

        tables = rows(TABLES)
        names = {row[0]: row[1] for row in tables}
        return cls(
            tables=names,
            files={row[0]: row[2] for row in tables},
            columns={(r[0], r[1]): Column(*r[2:]) for r in rows(COLUMNS) if r[0] in names},
            looked_at={row[0]: row[1] for query in (INDEXES, CONSTRAINTS) for row in rows(query)},
            functions=frozenset(row[0] for row in rows(FUNCTIONS)),
            locks=rows(LOCKS),
        )


def seen(before: Look, after: Look) -> Effect:
    """What happened between the two; why something may be gone, nobody sees."""
    held: dict[str, Lock] = {}
    for table, name in before.tables.items():
        modes = [
            MODES[mode] for relation, mode in after.locks if relation == table and mode in MODES
        ]
        if modes:
            held[name] = max(modes, key=[*Lock].index)
    writes = {t for t, mode in after.locks if MODES.get(mode) is Lock.ROW_EXCLUSIVE}
    read = {t for one, t in after.looked_at.items() if one not in before.looked_at}
    rewritten = {t for t, file in before.files.items() if after.files.get(t, file) != file}
    newly_required = {
        t for (t, name), column in before.columns.items()
        if not column.is_required and after.columns.get((t, name), column).is_required
    }  # fmt: skip
    return Effect(
        locks=held,
        rewrites=names_of(before, rewritten),
        reads=names_of(before, read | newly_required),
        backfills=names_of(before, writes),
        contracts=dict.fromkeys(lost(before, after), BEFORE_ANY_RELEASE),
    )


def names_of(look: Look, tables: set[int]) -> tuple[str, ...]:
    return tuple(sorted(look.tables[table] for table in tables if table in look.tables))


def lost(before: Look, after: Look) -> Iterator[str]:
    """What code that was written for the schema before misses in the one after it."""
    for table, name in before.tables.items():
        if after.tables.get(table) != name:
            yield name
    for (table, name), was in before.columns.items():
        is_now, whole = after.columns.get((table, name)), f"{before.tables[table]}.{name}"
        if table in after.tables and (is_now is None or is_now.kind != was.kind):
            yield whole
        elif is_now is not None and is_now.is_required and not was.is_required:
            yield f"{whole} null"
    for (table, name), column in after.columns.items():
        is_new = table in before.tables and (table, name) not in before.columns
        if is_new and column.is_required and not column.fills_itself:
            yield f"{after.tables[table]}.{name} null"
    yield from (f"{name}()" for name in sorted(before.functions - after.functions))


@pytest.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(async_url(empty_database_url))
    yield engine
    await engine.dispose()


async def effect_of(engine: AsyncEngine, revision: str) -> Effect:
    async with engine.begin() as connection:
        before = await connection.run_sync(Look.of)
        await connection.run_sync(run_alembic, revision)
        return seen(before, await connection.run_sync(Look.of))


async def test_each_migration_says_which_locks_it_takes_and_what_it_takes_away(
    engine: AsyncEngine,
) -> None:
    for step in all_steps():
        said = step.effect
        plainly = replace(said, contracts=dict.fromkeys(said.contracts, BEFORE_ANY_RELEASE))
        assert await effect_of(engine, step.revision) == plainly, step.revision


def test_nothing_is_taken_away_that_a_release_still_uses() -> None:
    """Expand in one release, contract in a later one: `docs/ARCHITECTURE.md`."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    released = re.findall(r"^## (\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    for step in all_steps():
        first = [BEFORE_ANY_RELEASE] if step.revision <= "0029" else []
        for what, since in step.effect.contracts.items():
            assert since in [*released, *first], f"{step.revision}: who uses {what}?"
