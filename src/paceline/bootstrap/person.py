"""What is kept about one recipient, from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paceline.bootstrap.command_line import at_the_command_line
from paceline.services.persons import Persons
from paceline.settings import Settings


@asynccontextmanager
async def persons(settings: Settings) -> AsyncIterator[Persons]:
    """For as long as the context lasts."""
    async with at_the_command_line(settings, pool_size=1) as database:
        yield Persons(database)
