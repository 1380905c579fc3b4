"""The door to the test's own database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from paceline.persistence.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()
