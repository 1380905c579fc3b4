"""A change of the secret key, from the command line."""

from __future__ import annotations

from collections.abc import Sequence

from paceline.bootstrap.command_line import at_the_command_line
from paceline.persistence.database import Database
from paceline.services import forgetting
from paceline.services.resealing import Resealed, Resealing, Unreadable
from paceline.settings import Settings


async def reseal(settings: Settings) -> Resealed:
    """All of it."""
    database = Database.of(settings.database)
    try:
        return await Resealing(database, settings.secrets).run()
    finally:
        await database.close()


async def forget(settings: Settings, lost: Sequence[Unreadable]) -> int:
    """Empty what no key opens; of how many senders."""
    async with at_the_command_line(settings) as database:
        return await forgetting.forget(database, settings.secrets, lost)
