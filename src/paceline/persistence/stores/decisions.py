"""What was decided about single emails, noted in the transaction that does it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, Uuid, func, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.decisions import Decision
from paceline.persistence.models import EmailDecision

MAX_SHOWN = 200  # decisions about one email, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision. `decided_by` None: a rule, which `detail` names."""

    what: Decision
    decided_by: str | None
    detail: Mapping[str, object]
    at: datetime


async def note(
    session: AsyncSession,
    email_ids: Sequence[uuid.UUID],
    what: Decision,
    *,
    decided_by: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write down what is being decided about these."""
    if not email_ids:
        return
    of_each = select(
        func.unnest(literal(list(email_ids), ARRAY(Uuid()))),
        literal(what, Text()),
        literal(decided_by, Text()),
        literal(dict(detail or {}), JSONB()),
    )
    into = ["email_id", "what", "decided_by", "detail"]
    await session.execute(insert(EmailDecision).from_select(into, of_each))


async def decisions(session: AsyncSession, email_id: uuid.UUID) -> list[DecisionRecord]:
    """About one email, the oldest first. The caller has checked whose it is."""
    found = await session.execute(
        select(EmailDecision.what, EmailDecision.decided_by, EmailDecision.detail, EmailDecision.at)
        .where(EmailDecision.email_id == email_id)
        .order_by(EmailDecision.id.desc())
        .limit(MAX_SHOWN)
    )
    rows = [
        DecisionRecord(
            what=Decision(row.what), decided_by=row.decided_by, detail=row.detail, at=row.at
        )
        for row in found
    ]
    return rows[::-1]
