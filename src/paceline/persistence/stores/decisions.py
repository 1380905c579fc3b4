"""What was decided about single emails, noted in the transaction that does it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, Uuid, any_, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from paceline.domain.decisions import Decision
from paceline.persistence.models import EmailDecision

MAX_KEPT = 200  # decisions about one email, the newest


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
    """Write down what is being decided about these; of each, the newest are kept."""
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
    await _forget_old(session, email_ids)


async def decisions(session: AsyncSession, email_id: uuid.UUID) -> list[DecisionRecord]:
    """About one email, the oldest first. The caller has checked whose it is."""
    found = await session.execute(
        select(EmailDecision.what, EmailDecision.decided_by, EmailDecision.detail, EmailDecision.at)
        .where(EmailDecision.email_id == email_id)
        .order_by(EmailDecision.id.desc())
        .limit(MAX_KEPT)
    )
    rows = [
        DecisionRecord(
            what=Decision(row.what), decided_by=row.decided_by, detail=row.detail, at=row.at
        )
        for row in found
    ]
    return rows[::-1]


async def _forget_old(session: AsyncSession, email_ids: Sequence[uuid.UUID]) -> None:
    other = aliased(EmailDecision)
    first_too_old = (
        select(other.id)
        .where(other.email_id == EmailDecision.email_id)
        .order_by(other.id.desc())
        .offset(MAX_KEPT)
        .limit(1)
        .scalar_subquery()
    )
    these = EmailDecision.email_id == any_(literal(list(email_ids), ARRAY(Uuid())))
    await session.execute(
        delete(EmailDecision)
        .where(these, EmailDecision.id <= first_too_old)
        .execution_options(synchronize_session=False)
    )
