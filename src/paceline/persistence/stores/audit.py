"""The audit log: who did what, when. Only ever added to, in the transaction that does it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One thing that somebody did."""

    id: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]
    at: datetime


async def note(
    session: AsyncSession,
    owner_id: uuid.UUID,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> None:
    """Write down what is being done."""
    await session.execute(
        insert(AuditEntry).values(
            owner_id=owner_id, actor=actor, action=action, subject=subject, detail=dict(detail)
        )
    )


async def entries(
    session: AsyncSession, owner_id: uuid.UUID, *, actions: Sequence[str], limit: int
) -> list[AuditRecord]:
    """What was done of these kinds, the newest first."""
    found = await session.execute(
        select(AuditEntry)
        .where(AuditEntry.owner_id == owner_id, AuditEntry.action.in_(actions))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return [
        AuditRecord(
            id=entry.id,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
            at=entry.at,
        )
        for entry in found.scalars()
    ]
