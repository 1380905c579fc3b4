"""What the tests share: one private PostgreSQL and one private Redis, the real ones.

Each test that asks for `database_url` gets a database of its own, cloned from a migrated template;
each that asks for `redis_url` gets an empty Redis.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import zoneinfo
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import hypothesis
import pytest
import redis

from paceline.embedded import Postgres, Redis, running
from paceline.persistence.migrate import upgrade

TEMPLATE = "migrated"

# How long an example takes is the machine's, and says nothing about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

zoneinfo.reset_tzpath(to=())  # as the program does: the pinned tzdata, not this machine's
T = TypeVar("T")


@pytest.fixture(scope="session")
def servers_directory() -> Iterator[Path]:
    """Short, unlike pytest's own, so that a socket's path fits."""
    with tempfile.TemporaryDirectory(prefix="pl-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def postgres(servers_directory: Path) -> Iterator[Postgres]:
    server = Postgres(servers_directory / "postgres")
    with running(server, log=servers_directory / "postgres.log"):
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """The session's PostgreSQL, an empty database."""
    return postgres.url


@pytest.fixture(scope="session")
def _template(postgres: Postgres) -> str:
    _execute(postgres.url, f"CREATE DATABASE {TEMPLATE}")
    _off_the_loop(lambda: upgrade(postgres.url_of(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    """A database without a single table."""
    yield from _fresh_database(postgres, template="template1")


@pytest.fixture
def database_url(postgres: Postgres, _template: str) -> Iterator[str]:
    """A migrated database of this test's own."""
    yield from _fresh_database(postgres, template=_template)


@pytest.fixture(scope="session")
def _redis(servers_directory: Path) -> Iterator[Redis]:
    server = Redis(servers_directory / "redis")
    with running(server, log=servers_directory / "redis.log"):
        yield server


@pytest.fixture
def redis_url(_redis: Redis) -> str:
    """The session's Redis, emptied before each test."""
    with redis.Redis.from_url(_redis.url) as connection:
        connection.flushall()
    return _redis.url


def _fresh_database(postgres: Postgres, *, template: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    _execute(postgres.url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres.url_of(name)
    _execute(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    _off_the_loop(lambda: _run(execute()))


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _off_the_loop(work: Any) -> None:
    # In a thread of its own: a fixture may run while the test's event loop is there already.
    with ThreadPoolExecutor(max_workers=1) as executor:
        executor.submit(work).result()
