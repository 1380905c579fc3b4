"""Suppressed addresses, by owner, as `Address.key`. Checked at upload and at every claim."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, cast, delete, exists, false, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Email, Suppression, WipedSuppression
from paceline.persistence.stores.terms import words_for

MAX_COUNTED = 100_000  # a count of more costs more than it tells


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRecord:
    """One address that must not be mailed, and why. `email_id`: the email that bounced, if it is
    still there."""

    address_key: str
    reason: str
    created_at: datetime
    note: str | None = None
    added_by: str | None = None
    reply: str | None = None
    email_id: uuid.UUID | None = None

    @property
    def id(self) -> str:
        """What tells it from the others of its owner."""
        return self.address_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What is kept beside an address that somebody suppresses."""

    reason: str
    note: str | None = None
    added_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which suppressions are asked for. `q`: words of the address, or beginnings of them."""

    q: str | None = None
    reason: str | None = None


EVERY = Wanted()

_SUPPRESS = text("""
    WITH added AS (
        INSERT INTO suppressions (owner_id, address_key, reason, note, added_by)
        SELECT :owner, key, :reason, :note, :added_by FROM unnest(CAST(:keys AS text[])) AS key
         ORDER BY key  -- as record.sql: two who add the same addresses wait, but not in a ring
        ON CONFLICT DO NOTHING
        RETURNING 1)
    SELECT count(*) FROM added
""")


async def suppress(
    session: AsyncSession, owner_id: uuid.UUID, keys: Sequence[str], *, why: Why
) -> int:
    """Suppress these addresses; how many were not yet. Those that were keep their own reason."""
    given = {
        "owner": owner_id,
        "keys": list(keys),
        "reason": why.reason,
        "note": why.note,
        "added_by": why.added_by,
    }
    return int((await session.execute(_SUPPRESS, given)).scalar_one())


async def is_suppressed(session: AsyncSession, owner_id: uuid.UUID, key: str) -> bool:
    """Whether this owner must not mail this address."""
    listed = exists().where(Suppression.owner_id == owner_id, Suppression.address_key == key)
    wiped = exists().where(
        WipedSuppression.owner_id == owner_id,
        WipedSuppression.address_hash == hash_of(owner_id, key),
    )
    return bool(await session.scalar(select(or_(listed, wiped))))


def hash_of(owner_id: uuid.UUID, key: str) -> bytes:
    """What is kept of a suppressed address that was wiped; `recipients` works it out in SQL."""
    return hashlib.sha256(f"{owner_id}:{key}".encode()).digest()


async def suppressions(
    session: AsyncSession,
    owner_id: uuid.UUID,
    *,
    after: str | None,
    limit: int,
    wanted: Wanted = EVERY,
) -> list[SuppressionRecord]:
    """This owner's list in the order of the addresses."""
    is_there = exists().where(Email.id == Suppression.email_id, Email.owner_id == owner_id)
    query = select(Suppression, is_there).where(*_conditions(owner_id, wanted))
    if after is not None:
        query = query.where(Suppression.address_key > after)
    found = await session.execute(query.order_by(Suppression.address_key).limit(limit))
    return [_record(row, email_id=row.email_id if kept else None) for row, kept in found]


async def suppression(
    session: AsyncSession, owner_id: uuid.UUID, key: str
) -> SuppressionRecord | None:
    """One of this owner's list."""
    row = await session.get(Suppression, (owner_id, key))
    return None if row is None else _record(row, email_id=row.email_id)


async def count(session: AsyncSession, owner_id: uuid.UUID, *, wanted: Wanted = EVERY) -> int:
    """How many there are, up to `MAX_COUNTED`."""
    some = (
        select(literal(1))
        .select_from(Suppression)
        .where(*_conditions(owner_id, wanted))
        .limit(MAX_COUNTED)
        .subquery()
    )
    return (await session.execute(select(func.count()).select_from(some))).scalar_one()


async def release(session: AsyncSession, owner_id: uuid.UUID, key: str) -> SuppressionRecord | None:
    """Take an address off the list; as it was there. None when it was not on it."""
    wiped = await session.execute(
        delete(WipedSuppression)
        .where(
            WipedSuppression.owner_id == owner_id,
            WipedSuppression.address_hash == hash_of(owner_id, key),
        )
        .returning(WipedSuppression)
    )
    forgotten = wiped.scalar_one_or_none()
    gone = await session.execute(
        delete(Suppression)
        .where(Suppression.owner_id == owner_id, Suppression.address_key == key)
        .returning(Suppression)
    )
    row = gone.scalar_one_or_none()
    if row is not None:
        return _record(row, email_id=row.email_id)
    if forgotten is None:
        return None
    return SuppressionRecord(
        address_key=key, reason=forgotten.reason, created_at=forgotten.created_at
    )


def _record(row: Suppression, *, email_id: uuid.UUID | None) -> SuppressionRecord:
    return SuppressionRecord(
        address_key=row.address_key,
        reason=row.reason,
        created_at=row.created_at,
        note=row.note,
        added_by=row.added_by,
        reply=row.reply,
        email_id=email_id,
    )


def _conditions(owner_id: uuid.UUID, wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = [Suppression.owner_id == owner_id]
    if wanted.reason is not None:
        conditions.append(Suppression.reason == wanted.reason)
    if wanted.q is not None:
        words = words_for(owner_id, wanted.q)
        query = cast(literal(" & ".join(words)), TSQUERY)
        # No word in what was asked for: nothing is found, rather than everything.
        conditions.append(Suppression.search.op("@@")(query) if words else false())
    return conditions
