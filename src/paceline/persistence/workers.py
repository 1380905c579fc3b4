"""Whether any worker lives: each holds a shared lock on the connection that it listens by.

PostgreSQL lets go of it when the process is gone, so that nobody has to say goodbye, and no clock
is needed. A worker that is frozen counts as living.

All decisions but one go by this: how many connections a worker keeps while it has no turn goes by
the roll in Redis (`engine/roll.py`), which also names workers for people to look at.
"""

from __future__ import annotations

import zlib

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.driver import Driver

LOCK = (0x70616365, zlib.crc32(b"worker") & 0x7FFFFFFF)  # "pace", as `persistence/advisory.py`

_LOCKS = """
    SELECT {what} FROM pg_locks
     WHERE locktype = 'advisory' AND classid = CAST(:first AS bigint)
       AND objid = CAST(:second AS bigint) AND objsubid = 2 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_ANY = text(f"SELECT EXISTS ({_LOCKS.format(what='1')})")
_ALL = text(_LOCKS.format(what="count(*)"))


async def sign_on(driver: Driver) -> None:
    """A worker is there, for as long as this connection is."""
    await driver.execute("SELECT pg_advisory_lock_shared($1, $2)", *LOCK)


async def sign_off(driver: Driver) -> None:
    """It is there no longer, while the connection still is."""
    await driver.execute("SELECT pg_advisory_unlock_shared($1, $2)", *LOCK)


async def is_any_there(session: AsyncSession) -> bool:
    """Whether anybody would send what is due."""
    first, second = LOCK
    return bool((await session.execute(_ANY, {"first": first, "second": second})).scalar_one())


async def how_many_are_there(session: AsyncSession) -> int:
    """Worker processes that live."""
    first, second = LOCK
    return int((await session.execute(_ALL, {"first": first, "second": second})).scalar_one())
