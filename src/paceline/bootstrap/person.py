"""What is kept about one recipient, from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paceline.auth.acting import COMMAND_LINE, acting
from paceline.persistence.database import Database
from paceline.services.persons import Persons
from paceline.settings import Settings


@asynccontextmanager
async def persons(settings: Settings) -> AsyncIterator[Persons]:
    """For as long as the context lasts."""
    database = Database.of(settings.database, pool_size=1)
    try:
        with acting(COMMAND_LINE):
            yield Persons(database)
    finally:
        await database.close()
