"""Suppressed addresses, by owner, as `Address.key`. Checked at upload and at every claim."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRecord:
    """One address that must not be mailed, and why."""

    address_key: str
    reason: str
    created_at: datetime


async def suppress(
    session: AsyncSession, owner_id: uuid.UUID, keys: Sequence[str], *, reason: str
) -> int:
    """Suppress these addresses; how many were not yet."""
    rows = [{"owner_id": owner_id, "address_key": key, "reason": reason} for key in keys]
    added = await session.execute(
        insert(Suppression).values(rows).on_conflict_do_nothing().returning(Suppression.address_key)
    )
    return len(added.all())


async def is_suppressed(session: AsyncSession, owner_id: uuid.UUID, key: str) -> bool:
    """Whether this owner must not mail this address."""
    return await session.get(Suppression, (owner_id, key)) is not None


async def suppressions(
    session: AsyncSession, owner_id: uuid.UUID, *, after: str | None, limit: int
) -> list[SuppressionRecord]:
    """This owner's list in the order of the addresses."""
    query = select(Suppression).where(Suppression.owner_id == owner_id)
    if after is not None:
        query = query.where(Suppression.address_key > after)
    found = await session.execute(query.order_by(Suppression.address_key).limit(limit))
    return [
        SuppressionRecord(address_key=s.address_key, reason=s.reason, created_at=s.created_at)
        for s in found.scalars()
    ]


async def release(session: AsyncSession, owner_id: uuid.UUID, key: str) -> bool:
    """Take an address off the list. False when it was not on it."""
    gone = await session.execute(
        delete(Suppression)
        .where(Suppression.owner_id == owner_id, Suppression.address_key == key)
        .returning(Suppression.address_key)
    )
    return gone.one_or_none() is not None
