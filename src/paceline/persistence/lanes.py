"""What PostgreSQL knows of each lane: how often it was signalled, and when it is to wake.

A *signal* belongs to the transaction that makes the work; it survives whatever happens to Redis.
A lane may only go to sleep over the signals it has seen (`park`), which is what makes a wake-up
impossible to lose. The table holds one row per sender and is read by index, never scanned.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.database import Database, DatabaseUnavailable
from paceline.persistence.driver import Driver

CHANNEL = "lanes"  # LISTEN/NOTIFY: the payload is the sender's id
MAX_OVERDUE = 1_000
# A lane takes PostgreSQL for silent after this; another worker may hear it.
ANSWER_SECONDS = 3.0

_SIGNAL = text("""
    WITH before AS (SELECT wake_at FROM lanes WHERE sender_id = :sender_id FOR UPDATE),
    signalled AS (
        INSERT INTO lanes (sender_id, signal_seq, wake_at)
            VALUES (:sender_id, 1, coalesce(CAST(:due_at AS timestamptz), clock_timestamp()))
        ON CONFLICT (sender_id) DO UPDATE
           SET signal_seq = lanes.signal_seq + 1, wake_at = LEAST(lanes.wake_at, excluded.wake_at)
        RETURNING wake_at)
    SELECT coalesce(signalled.wake_at < before.wake_at, true) AS earlier,
           pg_notify(:channel, CAST(:sender_id AS text))
      FROM signalled LEFT JOIN before ON true
""")

_BEGIN = """
    UPDATE lanes SET wake_at = clock_timestamp() + $2::interval, held_by = NULL, parked_at = NULL
     WHERE sender_id = $1
    RETURNING signal_seq
"""

_PARK = """
    UPDATE lanes SET wake_at = coalesce(clock_timestamp() + $3::interval, 'infinity'),
                     held_by = $4, parked_at = clock_timestamp()
     WHERE sender_id = $1 AND signal_seq = $2
    RETURNING true
"""

_SIGNAL_FOR = """
    WITH signalled AS (
        UPDATE lanes SET signal_seq = signal_seq + 1, wake_at = LEAST(wake_at, clock_timestamp())
         WHERE sender_id IN (SELECT sender_id FROM email_jobs WHERE email_id = ANY ($1))
        RETURNING sender_id)
    SELECT pg_notify($2, sender_id::text) FROM signalled
"""

_OVERDUE = """
    SELECT sender_id FROM lanes
     WHERE wake_at < clock_timestamp() - $1::interval ORDER BY wake_at LIMIT $2
"""

_AWAKE = "SELECT sender_id FROM lanes WHERE wake_at < 'infinity' ORDER BY wake_at"


async def signal(
    session: AsyncSession, sender_id: uuid.UUID, due_at: datetime | None = None
) -> bool:
    """Note new or earlier work for a lane, inside the transaction that makes it. None: due now.

    True when the lane must now wake earlier than it would have: ring it after the commit. It holds
    the lane's row until then: after the emails' rows, and before their campaign's (see
    `stores.campaigns`), with as little as possible behind it.
    """
    row = (
        await session.execute(
            _SIGNAL, {"sender_id": sender_id, "due_at": due_at, "channel": CHANNEL}
        )
    ).one()
    return bool(row.earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """How long a lane may sleep (None: until it is signalled), and what holds it, if anything."""

    wait: timedelta | None
    held_by: str | None = None

    def shortened(self, *, by: timedelta) -> Rest:
        """So much of it has passed."""
        return self if self.wait is None else replace(self, wait=self.wait - by)

    def no_later_than(self, waits: Iterable[timedelta]) -> Rest:
        """It ends with the first of these, if that is sooner."""
        return self if self.wait is None else replace(self, wait=min([self.wait, *waits]))


class Lanes:
    """The lanes' rows, as the engine needs them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, sender_id: uuid.UUID, *, busy_for: timedelta) -> int | None:
        """Note that the lane runs, so that the keeper leaves it alone; its signals so far.

        None when nothing was ever signalled: there is nothing to do, and maybe no such sender.
        Raises `DatabaseBusy` where somebody holds its row, and `DatabaseUnavailable`; both soon.
        """
        async with self._soon() as driver:
            signal_seq: int | None = await driver.fetchval(_BEGIN, sender_id, busy_for)
        return signal_seq

    async def park(self, sender_id: uuid.UUID, *, signal_seq: int, rest: Rest) -> bool:
        """Let the lane sleep. False when it was signalled meanwhile and has to look again.

        Raises as `begin`.
        """
        async with self._soon() as driver:
            parked = await driver.fetchval(_PARK, sender_id, signal_seq, rest.wait, rest.held_by)
        return parked is not None

    async def ask(self) -> None:
        """Hear whether PostgreSQL answers. Raises `DatabaseUnavailable` soon where it does not."""
        async with self._soon() as driver:
            await driver.fetchval("SELECT true")

    @asynccontextmanager
    async def _soon(self) -> AsyncIterator[Driver]:
        """A connection for a statement that is answered soon, or not at all.

        Its wait for a lock ends before that (`LOCK_SECONDS`), so that no session is left behind in
        one when we hang up.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._database.driver() as driver:
                yield driver
        except TimeoutError as error:
            raise DatabaseUnavailable(
                f"PostgreSQL: no answer within {ANSWER_SECONDS:g} s"
            ) from error

    async def overdue(self, *, grace: timedelta) -> Sequence[uuid.UUID]:
        """Lanes that should have woken by now: their ring was lost, or their job was."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(_OVERDUE, grace, MAX_OVERDUE)
        return [row["sender_id"] for row in rows]

    async def awake(self) -> Sequence[uuid.UUID]:
        """Every lane with anything to do, the most urgent first."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(_AWAKE)
        return [row["sender_id"] for row in rows]

    async def signal_for(self, email_ids: Sequence[uuid.UUID]) -> None:
        """Signal the lanes of these emails, in a transaction of its own: look now."""
        async with self._database.driver() as driver:
            await driver.execute(_SIGNAL_FOR, list(email_ids), CHANNEL)
