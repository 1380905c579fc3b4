"""What became of each row of a campaign's lists, as it was reported when they were imported."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.identifiers import new_id
from paceline.domain.recipients import RefusedRow
from paceline.persistence.models import Campaign, ImportedList

MAX_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """One import: rows = accepted + duplicates + suppressed + refused + left_out."""

    id: uuid.UUID
    rows: int
    accepted: int
    duplicates: int
    suppressed: int
    refused: int
    left_out: int
    created_at: datetime


_COUNTS = [getattr(ImportedList, name) for name in KeptReport.__slots__]


async def keep(
    session: AsyncSession,
    campaign_id: uuid.UUID,
    *,
    not_taken: Sequence[RefusedRow],
    **counts: int,
) -> None:
    """Store one, within the transaction that imports."""
    kept = [[row.line, _storable(row.value), _storable(row.reason)] for row in not_taken]
    session.add(ImportedList(id=new_id(), campaign_id=campaign_id, kept=kept, **counts))
    await session.flush()


async def reports(
    session: AsyncSession, owner_id: uuid.UUID, campaign_id: uuid.UUID
) -> list[KeptReport]:
    """Those of one of this owner's campaigns, the newest first."""
    rows = await session.execute(
        select(*_COUNTS)
        .join(Campaign, Campaign.id == ImportedList.campaign_id)
        .where(Campaign.owner_id == owner_id, ImportedList.campaign_id == campaign_id)
        .order_by(ImportedList.id.desc())
        .limit(MAX_SHOWN)
    )
    return [KeptReport(**row._mapping) for row in rows]


async def not_taken(
    session: AsyncSession, owner_id: uuid.UUID, campaign_id: uuid.UUID, report_id: uuid.UUID
) -> list[RefusedRow] | None:
    """The rows that were refused or left out, in the order of the file; None: no such import."""
    kept = await session.scalar(
        select(ImportedList.kept)
        .join(Campaign, Campaign.id == ImportedList.campaign_id)
        .where(
            Campaign.owner_id == owner_id,
            ImportedList.campaign_id == campaign_id,
            ImportedList.id == report_id,
        )
    )
    if kept is None:
        return None
    return [
        RefusedRow(line=int(str(line)), value=str(value), reason=str(reason))
        for line, value, reason in kept
    ]


def _storable(text: str) -> str:
    """PostgreSQL's JSON takes neither NUL nor half a character."""
    return text.replace("\x00", "").encode(errors="replace").decode()
