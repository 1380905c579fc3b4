"""The evidence about one email: its attempts."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Attempt, AttemptDialogue

MAX_SHOWN = 200
MAX_DIALOGUES = 20  # of the last attempts, 4 KiB each; older ones go


async def attempts(session: AsyncSession, email_id: uuid.UUID) -> list[dict[str, Any]]:
    """The attempts at one email, the oldest first. The caller has checked whose it is."""
    rows = await session.execute(
        select(
            Attempt.attempt,
            Attempt.outcome,
            Attempt.phase,
            Attempt.reply_code,
            Attempt.reply_enhanced,
            Attempt.reply_text,
            Attempt.dot_at,
            Attempt.ended_at,
        )
        .where(Attempt.email_id == email_id)
        .order_by(Attempt.attempt)
        .limit(MAX_SHOWN)
    )
    return [dict(row._mapping) for row in rows]


async def dialogues(session: AsyncSession, email_id: uuid.UUID) -> dict[int, str]:
    """What was said during the last attempts that came to nothing, by their numbers."""
    rows = await session.execute(
        select(AttemptDialogue.attempt, AttemptDialogue.said)
        .where(AttemptDialogue.email_id == email_id)
        .order_by(AttemptDialogue.attempt.desc())
        .limit(MAX_DIALOGUES)
    )
    return {row.attempt: row.said for row in rows}
