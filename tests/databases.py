"""A PostgreSQL for tests, and databases of their own in it: new ones in hundredths of a second.

What it holds need not outlive the machine's power, so it never waits for the disk. What is copied
are the template's files: through the write-ahead log it takes five times the work.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import asyncpg

from paceline.embedded import Postgres
from paceline.persistence.migrate import upgrade

_FORGETFUL = """
fsync = off
full_page_writes = off
wal_compression = off
"""


class ForgetfulPostgres(Postgres):
    """The real one, except that a power failure would leave it in pieces."""

    def prepare(self) -> None:
        super().prepare()
        with (self.directory / "postgresql.auto.conf").open("a") as settings:
            settings.write(_FORGETFUL)


class Databases:
    """Makes and drops the databases of one server, in a thread of its own: a fixture may run while
    its test's event loop is there already. Use it in a `with` block."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._runner = asyncio.Runner()
        self._connection: asyncpg.Connection | None = None
        self._dropped: list[Future[None]] = []

    def __enter__(self) -> Databases:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: object,
    ) -> None:
        try:
            for dropped in self._dropped:
                dropped.result()
        finally:
            self._thread.submit(self._close).result()
            self._thread.shutdown()

    def migrated(self, name: str) -> str:
        """A new database of this name with the newest schema; the name."""
        self.create(name, template="template1")
        self._thread.submit(upgrade, self._server.url_of(name)).result()
        return name

    def create(self, name: str, *, template: str) -> None:
        """A copy of the template, to which nobody is connected."""
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy").result()

    @contextmanager
    def fresh(self, *, template: str) -> Iterator[str]:
        """The URL of a database that is nobody else's and is gone afterwards."""
        name = f"test_{secrets.token_hex(6)}"
        self.create(name, template=template)
        yield self._server.url_of(name)
        self._dropped.append(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))

    def _execute(self, statement: str) -> Future[None]:
        return self._thread.submit(lambda: self._runner.run(self._send(statement)))

    async def _send(self, statement: str) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._server.url)
        await self._connection.execute(statement)

    def _close(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()
