"""What is done to all emails of a campaign, a piece at a time.

A piece is one short statement in a transaction of the caller's: no lock is held for long, no
statement runs into the time limit, and whoever stops half-way goes on where the rows say.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.stores.recipients import MAX_SAID

PIECE = 5_000  # emails

_SAY = text("""
    WITH piece AS (
        SELECT id FROM emails WHERE campaign_id = :campaign_id AND id > :after
         ORDER BY id LIMIT :piece),
    said AS (
        UPDATE emails e
           SET subject_values = (
               SELECT nullif(left(string_agg(e.fields ->> f.name, ' '), :most), '')
                 FROM unnest(CAST(:names AS text[])) AS f (name))
          FROM piece p WHERE e.id = p.id
        RETURNING e.id)
    SELECT id FROM said ORDER BY id DESC LIMIT 1
""")
FIRST = uuid.UUID(int=0)


async def say_values(
    session: AsyncSession, campaign_id: uuid.UUID, names: Sequence[str], *, after: uuid.UUID
) -> uuid.UUID | None:
    """Make what the subject takes from these fields searchable; where the piece ended."""
    given = {
        "campaign_id": campaign_id,
        "names": list(names),
        "after": after,
        "piece": PIECE,
        "most": MAX_SAID,
    }
    last: uuid.UUID | None = (await session.execute(_SAY, given)).scalar_one_or_none()
    return last
