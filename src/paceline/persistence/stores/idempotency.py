"""Idempotency keys: which writes were answered already, and how."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import IdempotencyKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key as it comes with a request."""

    owner_id: uuid.UUID
    key: str
    request_hash: bytes
    reserved_id: uuid.UUID  # for what the request creates
    holder: int  # the sign of life of this process
    any_request: bool = False  # a request with other content may take an abandoned key over, too


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """How it stands with a key. `reserved_id` is set for whoever may carry the request out."""

    reserved_id: uuid.UUID | None
    request_hash: bytes
    created_at: datetime | None = None
    status: int | None = None
    body: bytes | None = None
    headers: Mapping[str, object] | None = None


# One statement, so that of any number of requests at one instant exactly one gets the key. A key
# is free when its lifetime is over, or when nobody is at work under it although it has no answer:
# it was given back, or the process that took it is gone. The next one inherits the reserved id.
# Whoever asks knows that its own process is not at work under it.
# `holder` and `reserved_id` are both missing in rows of older versions, which kept the id in `body`
# and gave no sign of life: those are taken to be at work for two minutes.
_BEGIN = text("""
    INSERT INTO idempotency_keys AS k (owner_id, key, request_hash, reserved_id, holder)
    VALUES (:owner_id, :key, :request_hash, :reserved_id, :holder)
    ON CONFLICT (owner_id, key) DO UPDATE
       SET request_hash = excluded.request_hash,
           reserved_id = CASE WHEN k.created_at < now() - CAST(:lifetime AS interval)
                              THEN excluded.reserved_id
                              WHEN k.reserved_id IS NOT NULL THEN k.reserved_id
                              WHEN octet_length(k.body) = 16 THEN encode(k.body, 'hex')::uuid
                              ELSE excluded.reserved_id END,
           holder = excluded.holder, status = NULL, body = NULL, headers = NULL,
           created_at = now()
     WHERE k.created_at < now() - CAST(:lifetime AS interval)
        OR (k.status IS NULL
            AND (CAST(:any_request AS boolean) OR k.request_hash = excluded.request_hash)
            AND CASE WHEN k.holder = excluded.holder THEN true
                     WHEN k.holder IS NOT NULL THEN pg_try_advisory_xact_lock_shared(k.holder)
                     WHEN k.reserved_id IS NOT NULL THEN true
                     ELSE k.created_at < now() - interval '2 minutes' END)
    RETURNING k.reserved_id
""")


async def begin(session: AsyncSession, given: NewKey, *, lifetime: timedelta) -> KeyStanding:
    """Take the key for this request, or learn who has it."""
    values = {name: getattr(given, name) for name in NewKey.__slots__}
    taken = await session.execute(_BEGIN, {**values, "lifetime": lifetime})
    reserved: uuid.UUID | None = taken.scalar_one_or_none()
    if reserved is not None:
        return KeyStanding(reserved_id=reserved, request_hash=given.request_hash)
    known = await session.get(IdempotencyKey, (given.owner_id, given.key))
    assert known is not None, "the row that was in the way is locked, so it is still there"
    return _standing(known)


async def seen(
    session: AsyncSession, owner_id: uuid.UUID, key: str, *, lifetime: timedelta
) -> KeyStanding | None:
    """How it stands with a key that another has; None: it is on its way there."""
    known = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.owner_id == owner_id,
            IdempotencyKey.key == key,
            IdempotencyKey.created_at >= func.now() - lifetime,
        )
    )
    return None if known is None else _standing(known)


def _standing(known: IdempotencyKey) -> KeyStanding:
    return KeyStanding(
        reserved_id=None,
        request_hash=known.request_hash,
        created_at=known.created_at,
        status=known.status,
        body=known.body,
        headers=known.headers,
    )


async def finish(
    session: AsyncSession,
    owner_id: uuid.UUID,
    key: str,
    *,
    status: int,
    body: bytes,
    headers: Mapping[str, object],
) -> None:
    """Keep the answer."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.owner_id == owner_id, IdempotencyKey.key == key)
        .values(status=status, body=body, headers=dict(headers), holder=None)
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


async def give_back(session: AsyncSession, owner_id: uuid.UUID, key: str) -> None:
    """Nobody knows what came of the request: whoever asks again goes on under the same id."""
    await session.execute(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.owner_id == owner_id,
            IdempotencyKey.key == key,
            IdempotencyKey.status.is_(None),
        )
        .values(holder=None)
    )


async def kept(
    session: AsyncSession, owner_id: uuid.UUID, *, prefix: str, begins_so: bool, lifetime: timedelta
) -> tuple[int, int]:
    """How many keys an owner has used that begin so, or do not, and the octets of their answers."""
    begins = IdempotencyKey.key.startswith(prefix)
    size = func.octet_length(IdempotencyKey.body)  # told by the row, which does not read it
    query = select(func.count(), func.coalesce(func.sum(size), 0)).where(
        IdempotencyKey.owner_id == owner_id,
        IdempotencyKey.created_at >= func.now() - lifetime,
        begins if begins_so else ~begins,
    )
    count, octets = (await session.execute(query)).one()
    return int(count), int(octets)
