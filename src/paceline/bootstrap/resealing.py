"""A change of the secret key, from the command line."""

from __future__ import annotations

from paceline.persistence.database import Database
from paceline.services.resealing import Resealed, Resealing
from paceline.settings import Settings


async def reseal(settings: Settings) -> Resealed:
    """All of it."""
    database = Database(settings.database.url)
    try:
        return await Resealing(database, settings.secrets).run()
    finally:
        await database.close()
