"""What is done to a campaign of any size: in pieces, each a transaction of its own.

A caller waits for the first hundred thousand. What is left then the keeper does, which also goes
on where a process was stopped; or, where the campaign is still held, whoever asks again.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from paceline.persistence.database import Database
from paceline.persistence.stores import pieces
from paceline.persistence.stores.campaigns import CampaignRecord

MAX_PIECES = 20  # while somebody waits


async def call_back(database: Database, record: CampaignRecord) -> None:
    """Cancel what waits of a campaign that is held, as far as somebody should wait for it."""
    for _ in range(MAX_PIECES):
        async with database.transaction() as session:
            if await pieces.call_back(session, record.sender_id, record.id) < pieces.PIECE:
                return


async def move(database: Database, record: CampaignRecord, start_at: datetime) -> None:
    """Move all that nobody has tried yet, of a campaign that is held."""
    while True:
        async with database.transaction() as session:
            moved = await pieces.move(session, record.sender_id, record.id, start_at)
            if moved < pieces.PIECE:
                return


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
