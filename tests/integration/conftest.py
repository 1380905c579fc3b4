"""A database with an owner in it, for tests of the parts that send."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from paceline.persistence.database import Database
from tests.world import World


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def world(database: Database) -> World:
    return await World.create(database)
