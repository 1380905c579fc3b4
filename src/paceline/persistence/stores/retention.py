"""What is kept no longer: removed a piece at a time, each one short transaction.

The row of the walk is the lock: one worker at a time removes, and nobody waits for it. Whatever
somebody holds is passed over, and found at the next look.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.identifiers import first_id_at
from paceline.persistence.database import driver_of
from paceline.persistence.statements import statement

PIECE = 500  # rows of each kind, and emails looked at, in one transaction

_TAKE_TURN = text("""
    SELECT now() AS now, reached,
           coalesce(began_at < now() - CAST(:every AS interval), true) AS is_due
      FROM retention_walk FOR UPDATE SKIP LOCKED
""")
_BEGIN = text("UPDATE retention_walk SET began_at = now()")
_REACHED = text("UPDATE retention_walk SET reached = :reached")

# Of the audit log and the dev inbox only the oldest are looked at: their keys grow with time.
_DROP = {
    "audit": """
        DELETE FROM audit_log WHERE id IN (
            SELECT id FROM audit_log
             WHERE id IN (SELECT id FROM audit_log ORDER BY id LIMIT :most) AND at < :before
               FOR UPDATE SKIP LOCKED)
    """,
    "inbox": """
        DELETE FROM inbox_messages WHERE id IN (
            SELECT id FROM inbox_messages
             WHERE id IN (SELECT id FROM inbox_messages ORDER BY id LIMIT :most)
               AND received_at < :before
               FOR UPDATE SKIP LOCKED)
    """,
    "drafts": """
        DELETE FROM drafts WHERE id IN (
            SELECT id FROM drafts WHERE updated_at < :before LIMIT :most FOR UPDATE SKIP LOCKED)
    """,
    "imports": """
        UPDATE import_reports SET kept = '[]' WHERE id IN (
            SELECT id FROM import_reports WHERE created_at < :before AND kept <> '[]'
             LIMIT :most FOR UPDATE SKIP LOCKED)
    """,
    "idempotency": """
        DELETE FROM idempotency_keys WHERE (owner_id, key) IN (
            SELECT owner_id, key FROM idempotency_keys WHERE created_at < :before
             ORDER BY created_at LIMIT :most FOR UPDATE SKIP LOCKED)
    """,
}
KINDS = tuple(_DROP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Until the transaction ends. `now` is the database's: a worker's clock may be wrong."""

    now: datetime
    is_due: bool  # a new walk over the emails
    reached: uuid.UUID | None  # where an unfinished one is


async def take_turn(session: AsyncSession, *, every: timedelta) -> Turn | None:
    """None: another worker has it."""
    row = (await session.execute(_TAKE_TURN, {"every": every})).one_or_none()
    return None if row is None else Turn(now=row.now, is_due=row.is_due, reached=row.reached)


async def begin_walk(session: AsyncSession) -> None:
    """From the first email on."""
    await session.execute(_BEGIN)


async def drop(session: AsyncSession, kind: str, before: datetime) -> int:
    """Remove the oldest of one of `KINDS`; how many."""
    result = await session.execute(text(_DROP[kind]), {"before": before, "most": PIECE})
    assert isinstance(result, CursorResult), "a statement that changes rows counts them"
    return result.rowcount


async def prune_emails(
    session: AsyncSession,
    after: uuid.UUID,
    *,
    content_before: datetime | None,
    attempts_before: datetime | None,
) -> tuple[int, bool]:
    """Remove what is kept no longer of the next emails; of how many, and whether there are more."""
    latest = max(at for at in (content_before, attempts_before) if at is not None)
    driver = await driver_of(session)
    row = await driver.fetchrow(
        statement("prune_emails"),
        after,
        first_id_at(latest),
        PIECE,
        content_before,
        attempts_before,
    )
    assert row is not None, "it counts"
    is_more = row["looked_at"] == PIECE
    await session.execute(_REACHED, {"reached": row["last"] if is_more else None})
    return row["pruned"], is_more
