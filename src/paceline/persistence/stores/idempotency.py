"""Idempotency keys: which writes were answered already, and how."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import IdempotencyKey

MAX_SWEPT = 20  # old keys removed by each new one, so that they never pile up


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What is known of a key: whose request it was, and its answer once there is one."""

    request_hash: bytes
    status: int | None
    body: bytes | None


async def begin(
    session: AsyncSession,
    owner_id: uuid.UUID,
    key: str,
    *,
    request_hash: bytes,
    lifetime: timedelta,
    stuck_after: timedelta,
) -> StoredAnswer | None:
    """Take the key for this request (None), or learn who has it.

    A key is free again after its lifetime, or when its request has been at work for so long that
    its process must have died.
    """
    await _sweep(session, lifetime)
    over = (IdempotencyKey.created_at < func.now() - lifetime) | (
        IdempotencyKey.status.is_(None) & (IdempotencyKey.created_at < func.now() - stuck_after)
    )
    given = insert(IdempotencyKey).values(owner_id=owner_id, key=key, request_hash=request_hash)
    taken = await session.execute(
        given.on_conflict_do_update(
            index_elements=[IdempotencyKey.owner_id, IdempotencyKey.key],
            set_={
                "request_hash": given.excluded.request_hash,
                "status": None,
                "body": None,
                "created_at": func.now(),
            },
            where=over,
        ).returning(IdempotencyKey.key)
    )
    if taken.one_or_none() is not None:
        return None
    known = await session.get(IdempotencyKey, (owner_id, key))
    assert known is not None, "the row that was in the way is still there"
    return StoredAnswer(request_hash=known.request_hash, status=known.status, body=known.body)


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
