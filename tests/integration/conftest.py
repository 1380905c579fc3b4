"""A database with an owner in it, for tests of the parts that send."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from paceline.persistence.database import Database
from paceline.persistence.driver import Driver
from paceline.persistence.workers import sign_on
from tests.world import World


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def world(database: Database) -> World:
    return await World.create(database)


@pytest.fixture
async def worker(database: Database) -> AsyncIterator[Driver]:
    """A worker is there, which does nothing; `sign_off` on its connection, and none is."""
    driver = await database.dedicated()
    await sign_on(driver)
    yield driver
    driver.terminate()
