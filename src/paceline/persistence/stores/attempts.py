"""The evidence about one email: its attempts."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Attempt

MAX_SHOWN = 200


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
