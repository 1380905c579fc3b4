"""Room that an owner has only so much of: whoever counts it waits for who is adding to it."""

from __future__ import annotations

import uuid
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.stores.turns import take_turn


class Quota(StrEnum):
    """What is counted."""

    DRAFTS = "drafts"
    LISTS = "lists"
    KEYS = "keys"


async def take_turns(session: AsyncSession, owner_id: uuid.UUID, quota: Quota) -> None:
    """Let others of this owner who add to it wait until this transaction is over.

    Taken last, after every row that is locked: nobody waits for a row while they hold it.
    """
    name = f"quota:{quota}:{owner_id}"
    await take_turn(session, name)
