"""Room that an owner has only so much of: whoever counts it waits for who is adding to it.

How much of it there is, and what is refused beyond it, is for the services to say.
"""

from __future__ import annotations

import uuid
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.stores.turns import take_turn


class Room(StrEnum):
    """What is counted."""

    DRAFTS = "drafts"
    DRAFT_OCTETS = "draft_octets"  # of their lists and files
    KEYS = "keys"


async def take_turns(session: AsyncSession, owner_id: uuid.UUID, room: Room) -> None:
    """Let others of this owner who add to it wait until this transaction is over.

    Taken last, after every row that is locked: nobody waits for a row while they hold it.
    """
    await take_turn(session, f"room:{room}:{owner_id}")
