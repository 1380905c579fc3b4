"""What a PostgreSQL says about itself: how it is set, how old it is, and which schema it has."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from functools import cache
from pathlib import Path

import asyncpg
from sqlalchemy import text

from paceline.persistence.database import Database, DatabaseRefused
from paceline.persistence.models import Email

_LOOK = """
    SELECT current_setting('server_version_num')::int AS version_number,
           current_setting('server_version') AS version,
           (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit')
               AS synchronous_commit,  -- as it was chosen: our connections make it stronger
           current_setting('fsync') AS fsync,
           current_setting('server_encoding') AS encoding,
           pg_is_in_recovery() AS is_standby,
           current_setting('transaction_read_only') = 'on' AS is_read_only,
           current_user::text AS role,
           clock_timestamp() AS now,
           to_regclass('alembic_version') IS NOT NULL AS has_schema
"""

# Every table is read and added to; what else is done to which is left to those who grant it.
_FORBIDDEN = """
    SELECT name FROM unnest($1::text[]) AS name
     WHERE NOT (has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT'))
     ORDER BY name
"""

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_STEP = re.compile(
    r'^revision = "(?P<revision>\w+)"\ndown_revision = (?:None|"(?P<follows>\w+)")$', re.MULTILINE
)


class Schema(StrEnum):
    """How the schema stands to what this version of the program was written for."""

    NONE = auto()
    BEHIND = auto()
    EQUAL = auto()
    NEWER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCondition:
    """One look."""

    version_number: int  # 150004
    version: str  # 15.4 (Debian …)
    synchronous_commit: str
    fsync: str
    encoding: str
    is_standby: bool
    is_read_only: bool  # as every standby is
    role: str  # that we are there
    now: datetime
    schema: Schema
    revision: str | None
    forbidden: tuple[str, ...] = ()  # tables that this role may not read, or not add to

    @property
    def can_be_asked(self) -> bool:
        """Whether its tables are those that we know, and open to us."""
        return self.schema is Schema.EQUAL and not self.forbidden


async def look(database: Database) -> DatabaseCondition:
    """Ask it. Raises `DatabaseUnavailable`, or `DatabaseRefused` when it lets us in never."""
    try:
        async with database.driver() as driver:
            found = dict(await driver.fetchrow(_LOOK) or {})
            revision = None
            if found.pop("has_schema"):
                revision = await driver.fetchval("SELECT version_num FROM alembic_version")
            schema = _schema(revision)
            tables = sorted(Email.metadata.tables) if schema is Schema.EQUAL else []
            forbidden = [row["name"] for row in await driver.fetch(_FORBIDDEN, tables)]
    except asyncpg.PostgresError as error:  # a setting that the URL makes, a missing right
        raise DatabaseRefused(f"PostgreSQL: {error}") from error
    return DatabaseCondition(**found, schema=schema, revision=revision, forbidden=tuple(forbidden))


async def is_one(database: Database) -> bool:
    """Whether transactions, through a pooler, come to the database that sessions are in.

    A copy of it may have the same name, installation and system identifier, but no lock that is
    held here is met there.
    """
    key = {"key": secrets.randbits(63)}
    async with database.driver() as driver, driver.transaction():
        await driver.execute("SELECT pg_advisory_xact_lock($1)", key["key"])
        async with database.transaction() as session:
            is_free = text("SELECT pg_try_advisory_xact_lock(:key)")
            return not (await session.execute(is_free, key)).scalar_one()


def _schema(revision: str | None) -> Schema:
    if revision is None:
        return Schema.NONE
    known, head = revisions()
    if revision == head:
        return Schema.EQUAL
    return Schema.BEHIND if revision in known else Schema.NEWER


@cache
def revisions() -> tuple[frozenset[str], str]:
    """All that this version knows, and the last of them.

    Read off the migrations' texts: every process asks at its start, and loading them with Alembic
    takes a seventh of that.
    """
    steps = [_STEP.search(file.read_text("utf-8")) for file in _VERSIONS.glob("0*.py")]
    known = frozenset(step["revision"] for step in steps if step)
    (head,) = known - {step["follows"] for step in steps if step}
    return known, head
