"""The same subject, from the same sender, to the same people: which campaigns, and how many."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.repeats import MAX_COMPARED

MAX_CAMPAIGNS = 20  # others that are looked at, the newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Another campaign, and how many of the recipients got or will get its email."""

    campaign_id: uuid.UUID
    name: str
    launched_at: datetime
    recipients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is about to go out, and when others must start to be looked at. `own_id` is its own."""

    owner_id: uuid.UUID
    sender_id: uuid.UUID
    subject: str
    earliest: datetime
    latest: datetime
    own_id: uuid.UUID | None


# A subject that differs in white space alone is read as the same one.
_OTHERS = r"""
    others AS MATERIALIZED (
        SELECT id, name, launched_at, state FROM campaigns
         WHERE owner_id = :owner_id AND sender_id = :sender_id
           AND btrim(regexp_replace(subject, '\s+', ' ', 'g'))
             = btrim(regexp_replace(:subject, '\s+', ' ', 'g'))
           AND id IS DISTINCT FROM CAST(:own_id AS uuid)
           AND launched_at IS NOT NULL AND discarded_at IS NULL
           AND start_at BETWEEN :earliest AND :latest
         ORDER BY id DESC LIMIT :most_campaigns)
"""
# Both sides are walked along the unique index on (campaign_id, address_key). Who did not get it
# and will not is free to get it: failed there, or called back before it left.
_COUNTED = """
    SELECT o.id AS campaign_id, o.name, o.launched_at, count(*) AS recipients
      FROM others o
      JOIN emails e ON e.campaign_id = o.id
      JOIN mine m ON m.address_key = e.address_key
      JOIN email_jobs j ON j.email_id = e.id
     WHERE CASE WHEN o.state = 'cancelled' THEN j.state IN ('sending', 'sent', 'in_doubt')
                ELSE j.state NOT IN ('failed', 'cancelled') END
     GROUP BY o.id, o.name, o.launched_at
     ORDER BY recipients DESC, o.id
"""
_OF_A_CAMPAIGN = text(f"""
    WITH mine AS MATERIALIZED (
        SELECT address_key FROM emails
         WHERE campaign_id = :own_id ORDER BY address_key LIMIT :most),
    {_OTHERS} {_COUNTED}
""")  # noqa: S608 - texts of ours
_OF_A_LIST = text(f"""
    WITH mine AS MATERIALIZED (SELECT unnest(CAST(:keys AS text[])) AS address_key),
    {_OTHERS} {_COUNTED}
""")
_ANY = text(f"WITH {_OTHERS} SELECT EXISTS (SELECT FROM others)")  # noqa: S608 - texts of ours


async def of_campaign(session: AsyncSession, asked: Asked) -> list[Repeat]:
    """Launched campaigns that share recipients with the one whose id is `own_id`."""
    return await _found(session, _OF_A_CAMPAIGN, asked, most=MAX_COMPARED)


async def of_list(session: AsyncSession, asked: Asked, keys: Sequence[str]) -> list[Repeat]:
    """Launched campaigns that share recipients with a list; `keys` are those of its addresses."""
    return await _found(session, _OF_A_LIST, asked, keys=keys)


async def is_any(session: AsyncSession, asked: Asked) -> bool:
    """Whether there is another campaign at all whose recipients have to be looked at."""
    return bool(await session.scalar(_ANY, _given(asked)))


async def _found(
    session: AsyncSession, statement: TextClause, asked: Asked, **more: object
) -> list[Repeat]:
    rows = await session.execute(statement, {**_given(asked), **more})
    return [Repeat(**row._mapping) for row in rows]


def _given(asked: Asked) -> dict[str, object]:
    return {**asdict(asked), "most_campaigns": MAX_CAMPAIGNS}
