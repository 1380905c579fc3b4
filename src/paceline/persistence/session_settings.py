"""How our sessions in PostgreSQL are set, by what they are for.

A lock is given up with its transaction. So no transaction may lie idle for long, as one does whose
process is frozen; and no statement of the ledger waits for somebody's lock for long, since it would
keep others waiting behind it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline import cuts
from paceline.persistence.driver import Driver

IDLE_SECONDS = 10
# While something is worked out, for which the threads of an owner may be waited for.
THINKING_SECONDS = 120
# Less than the 3 s in which a lane takes PostgreSQL for silent; more than the 0.8 s for which a
# migration may wait for its tables.
LOCK_SECONDS = 2

_IDLE = "idle_in_transaction_session_timeout"
_OF_ALL = {
    "application_name": "paceline",
    "timezone": "UTC",
    "jit": "off",
    **cuts.OF_POSTGRESQL,
}
OF_TRANSACTIONS = _OF_ALL | {_IDLE: f"{IDLE_SECONDS}s"}
# A snapshot for pg_dump is nothing but a transaction that lies idle.
OF_DEDICATED = _OF_ALL | {_IDLE: "0"}
OF_MIGRATIONS = {_IDLE: "0"}

# Every statement of the ledger is a look-up by index, whatever the statistics say: a plan that
# suits a small table would scan a million rows at the next claim. Planned once, which also saves
# the planning (0.6 ms) of each.
OF_THE_LEDGER = _OF_ALL | {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "lock_timeout": f"{LOCK_SECONDS}s",
}

# A pooler takes no others: they would outlive the transaction, for whoever has the session next.
OF_A_POOLER = {"application_name": "paceline", "timezone": "UTC"}

# A commit that waits for no disk may be lost although what it allowed has happened. What else an
# operator has chosen (`local`, `remote_apply`) stands.
_DURABLE = """
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
               WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, {local})
"""
_DURABLE_SESSION = f"SELECT {_DURABLE.format(local='false')}"
# In a transaction that came through a pooler.
FOR_THIS_TRANSACTION = text(
    f"SELECT {_DURABLE.format(local='true')}, set_config('{_IDLE}', '{IDLE_SECONDS}s', true)"
)
_THINK = text(f"SELECT current_setting('{_IDLE}'), set_config('{_IDLE}', :limit, true)")


async def made_durable(connection: Driver) -> Driver:
    """The same connection. From now on its commits wait for the disk, whatever is set later."""
    try:
        await connection.execute(_DURABLE_SESSION)
    except BaseException:
        connection.terminate()
        raise
    return connection


@asynccontextmanager
async def thinking(session: AsyncSession) -> AsyncIterator[None]:
    """The transaction may lie idle for longer meanwhile: hold as little as possible then."""
    longer = {"limit": f"{THINKING_SECONDS}s"}
    before = (await session.execute(_THINK, longer)).one()[0]
    yield
    await session.execute(_THINK, {"limit": before})
