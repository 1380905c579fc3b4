"""What the tests share: one private PostgreSQL and one private Redis, the real ones.

Side by side, as in `make test`, each process of pytest has both to itself. Each test that asks for
`database_url` gets a database of its own, cloned from a migrated template; each that asks for
`redis_url` gets an empty Redis.
"""

from __future__ import annotations

import inspect
import shutil
import signal
import tempfile
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import httpx2
import hypothesis
import pytest
import redis

from paceline.embedded import Postgres, Redis, running
from tests.databases import Databases, ForgetfulPostgres

# How long an example takes is the machine's, and says nothing about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# Nor does how long an answer takes, where a test sets no limit of its own.
ANSWER_SECONDS = 60.0
_timeout = inspect.signature(httpx2.AsyncClient.__init__).parameters["timeout"].default
_timeout.connect = _timeout.read = _timeout.write = _timeout.pool = ANSWER_SECONDS

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

zoneinfo.reset_tzpath(to=())  # as the program does: the pinned tzdata, not this machine's

# Where the servers' files may lie: a database of a test's own takes less than half the time there.
MEMORY = Path("/dev/shm")
ROOM_OCTETS = 4 << 30

# What takes minutes by itself begins first, so that nobody waits for it at the end.
LONGEST = (
    "tests/faults/test_mutations.py",
    "tests/faults/test_faults.py",
    "tests/faults/test_tested_bugs.py",
    "tests/fuzz/",
    "tests/e2e/",
    "tests/integration/cli/",
    "tests/integration/",
)


# They need images, or networks of their own: run only where they are asked for by name.
APART = ("containers", "hosts")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of `make test-containers` and `make test-hosts` alone."""
    is_apart = collection_path.parent == Path(__file__).parent and collection_path.name in APART
    asked_for = any(
        f"tests/{collection_path.name}" in each for each in config.invocation_params.args
    )
    return True if is_apart and not asked_for else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start)), 99)


@pytest.fixture(scope="session")
def servers_directory() -> Iterator[Path]:
    """In memory where there is room; short, unlike pytest's own, so that a socket's path fits."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_OCTETS
    with tempfile.TemporaryDirectory(
        prefix="pl-", dir=MEMORY if roomy else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def postgres(servers_directory: Path) -> Iterator[Postgres]:
    server = ForgetfulPostgres(servers_directory / "postgres")
    with running(server, log=servers_directory / "postgres.log"):
        yield server


@pytest.fixture(scope="session")
def databases(postgres: Postgres) -> Iterator[Databases]:
    with Databases(postgres) as databases:
        yield databases


@pytest.fixture(scope="session")
def _template(databases: Databases) -> str:
    return databases.migrated("migrated")


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database without a single table."""
    with databases.fresh(template="template1") as url:
        yield url


@pytest.fixture
def database_url(databases: Databases, _template: str) -> Iterator[str]:
    """A migrated database of this test's own."""
    with databases.fresh(template=_template) as url:
        yield url


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
