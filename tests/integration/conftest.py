"""A database with an owner in it, and somebody who vouches for people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from paceline.persistence.database import Database
from paceline.persistence.driver import Driver
from paceline.persistence.workers import sign_on
from tests.hook_receiver import HookReceiver
from tests.providers import Provider, running_provider
from tests.world import World


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Database]:
    """Waits for no lock for long."""
    database = Database(f"{database_url}&lock_timeout=50ms")
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


@pytest.fixture
async def receiver() -> AsyncIterator[HookReceiver]:
    async with HookReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def _provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(_provider: Provider) -> Provider:
    _provider.reset()
    return _provider
