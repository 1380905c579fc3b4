"""Idempotency keys: which writes were answered already, and how."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import IdempotencyKey

MAX_SWEPT = 20  # old keys removed by each new one, so that they never pile up


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key as it comes with a request."""

    owner_id: uuid.UUID
    key: str
    request_hash: bytes
    reserved_id: uuid.UUID  # for what the request creates


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """How it stands with a key. `reserved_id` is set for whoever may carry the request out."""

    reserved_id: uuid.UUID | None
    request_hash: bytes
    status: int | None = None
    body: bytes | None = None


async def begin(
    session: AsyncSession, given: NewKey, *, lifetime: timedelta, stuck_after: timedelta
) -> KeyStanding:
    """Take the key for this request, or learn who has it.

    It is free again after its lifetime. The same request may take it over when the first has been
    at work for so long that its process must have died; it inherits the id that was reserved.
    """
    await _sweep(session, lifetime)
    row = insert(IdempotencyKey).values(
        owner_id=given.owner_id,
        key=given.key,
        request_hash=given.request_hash,
        body=given.reserved_id.bytes,
    )
    expired = IdempotencyKey.created_at < func.now() - lifetime
    abandoned = (
        IdempotencyKey.status.is_(None)
        & (IdempotencyKey.created_at < func.now() - stuck_after)
        & (IdempotencyKey.request_hash == given.request_hash)
    )
    keep_id = func.coalesce(IdempotencyKey.body, row.excluded.body)
    taken = await session.execute(
        row.on_conflict_do_update(
            index_elements=[IdempotencyKey.owner_id, IdempotencyKey.key],
            set_={
                "request_hash": row.excluded.request_hash,
                "status": None,
                "body": case((expired, row.excluded.body), else_=keep_id),
                "created_at": func.now(),
            },
            where=expired | abandoned,
        ).returning(IdempotencyKey.body)
    )
    reserved: bytes | None = taken.scalar_one_or_none()
    if reserved is not None:
        return KeyStanding(reserved_id=uuid.UUID(bytes=reserved), request_hash=given.request_hash)
    known = await session.get(IdempotencyKey, (given.owner_id, given.key))
    assert known is not None, "the row that was in the way is locked, so it is still there"
    return KeyStanding(
        reserved_id=None,
        request_hash=known.request_hash,
        status=known.status,
        body=known.body,
    )


async def finish(
    session: AsyncSession, owner_id: uuid.UUID, key: str, *, status: int, body: bytes
) -> None:
    """Keep the answer."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.owner_id == owner_id, IdempotencyKey.key == key)
        .values(status=status, body=body)
    )


async def forget(session: AsyncSession, owner_id: uuid.UUID, key: str) -> None:
    """The request came to nothing: the key may be used again."""
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.owner_id == owner_id,
            IdempotencyKey.key == key,
            IdempotencyKey.status.is_(None),
        )
    )


async def _sweep(session: AsyncSession, lifetime: timedelta) -> None:
    identity = (IdempotencyKey.owner_id, IdempotencyKey.key)
    old = (
        select(*identity)
        .where(IdempotencyKey.created_at < func.now() - lifetime)
        .order_by(IdempotencyKey.created_at)
        .limit(MAX_SWEPT)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(IdempotencyKey).where(tuple_(*identity).in_(old)))
