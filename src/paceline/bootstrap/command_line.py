"""The database, for somebody who has the shell of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paceline.auth.acting import COMMAND_LINE, acting
from paceline.persistence.database import POOL_SIZE, Database
from paceline.settings import Settings


@asynccontextmanager
async def at_the_command_line(
    settings: Settings, *, pool_size: int = POOL_SIZE
) -> AsyncIterator[Database]:
    """For as long as the context lasts; what is done in it is noted as done by the command line."""
    database = Database.of(settings.database, pool_size=pool_size)
    try:
        with acting(COMMAND_LINE):
            yield database
    finally:
        await database.close()
