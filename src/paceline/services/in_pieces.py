"""What is done to a campaign of any size: in pieces, each a transaction of its own.

Before the first piece a short transaction says what is to be, so that nothing depends on how far
the pieces are: claims and views go by it, and the keeper goes on where a process was stopped.
"""

from __future__ import annotations

import uuid

from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns, pieces

MAX_PIECES = 20  # while somebody waits


async def call_back(
    database: Database, sender_id: uuid.UUID, campaign_id: uuid.UUID, *, most: int | None = None
) -> None:
    """Cancel what waits of a campaign that is cancelled, as far as somebody should wait for it."""
    for _ in range(most or MAX_PIECES):
        async with database.transaction() as session:
            if await pieces.call_back(session, sender_id, campaign_id) < pieces.PIECE:
                return


async def move(database: Database, campaign_id: uuid.UUID) -> None:
    """Move a campaign's emails to where it is moving, whoever has said that and whoever else moves.

    The few that somebody holds at this moment are left to the keeper.
    """
    moved = 1
    while moved:
        async with database.transaction() as session:
            await campaigns.take_turns(session, campaign_id)
            moved = await pieces.move(session, campaign_id)


async def clear(database: Database, campaign_id: uuid.UUID) -> None:
    """Remove a draft that was thrown away, as far as somebody should wait for it."""
    for _ in range(MAX_PIECES):
        async with database.transaction() as session:
            if not await pieces.clear(session, campaign_id):
                return


async def say_anew(database: Database, campaign_id: uuid.UUID, names: tuple[str, ...]) -> None:
    """Let the recipients be found by what the subject takes from these fields."""
    reached: uuid.UUID | None = pieces.FIRST
    while reached is not None:
        async with database.transaction() as session:
            reached = await pieces.say_values(session, campaign_id, names, after=reached)
