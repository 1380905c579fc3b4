"""The way to PostgreSQL, in two forms: SQLAlchemy's transactions and the bare driver.

The ledger's statements go to asyncpg directly, through a pool of its own: they are a handful, hot,
and written for its binary arrays. Everything else goes through SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import ssl
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import OperationalError as SqlOperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import QueuePool

from paceline.errors import OperationalError
from paceline.observability.figures import PoolUse
from paceline.persistence import session_settings
from paceline.persistence.addressing import DatabaseAddress, parsed_url
from paceline.persistence.connecting import connect
from paceline.persistence.driver import Driver, Pool
from paceline.persistence.presence import Presence
from paceline.settings import DatabaseSettings

POOL_SIZE = 12
POOL_OVERFLOW = 8
POOL_TIMEOUT_SECONDS = 10
COMMAND_TIMEOUT_SECONDS = 60
# A session lock or a LISTEN asks for little, and has to know soon that nobody is there any more.
DEDICATED_TIMEOUT_SECONDS = 5
CLOSE_TIMEOUT_SECONDS = 2

# Through a pooler nothing is prepared for longer than a transaction: the next one may have another
# session, where others have prepared theirs under the same names. A statement without a name is
# gone by itself.
_NOTHING_PREPARED = {
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}

_LOST = (
    ConnectionError,
    TimeoutError,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What asyncpg says when a query meets a connection that the server is just closing.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.DiskFullError,
    asyncpg.QueryCanceledError,  # by whoever looks after it, or by a time limit that they have set
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# It answers, and lets us in under no circumstances: until somebody changes something.
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
    asyncpg.InsufficientPrivilegeError,
    ssl.SSLCertVerificationError,
)
# Nobody has migrated it, or not as far as this version needs.
_UNMIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


class DatabaseUnavailable(OperationalError):
    """PostgreSQL did not answer, or told us to come back later."""


class DatabaseBusy(DatabaseUnavailable):
    """PostgreSQL answers, but somebody holds what the statement needs, and for long."""


class DatabaseRefused(DatabaseUnavailable):
    """PostgreSQL knows no such database or user, not with this password, or allows it nothing."""


class SchemaMissing(DatabaseUnavailable):
    """PostgreSQL answers, but has no such table or column: there is a migration to come."""


def async_url(url: str) -> URL:
    """The URL as people write it (`postgresql://`, `postgres://`), with our driver in it."""
    return parsed_url(url).set(drivername="postgresql+asyncpg")


class _LedgerConnection(Driver):
    """Skips the clean-up round trip at each release: our statements leave nothing behind."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """Owns the connections; nothing is opened before it is needed. `close()` at the end."""

    def __init__(
        self, url: str, *, direct_url: str | None = None, pool_size: int = POOL_SIZE
    ) -> None:
        """`direct_url`: PostgreSQL itself, where `url` leads to a pooler of transactions."""
        self._address = DatabaseAddress.of(direct_url or url)
        self._pooler = None if direct_url is None else DatabaseAddress.of(url)
        self._pool_size = pool_size
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        # SQLAlchemy's pool lets go, unclosed, of what is in use when it is disposed of: by a task
        # that outlives its request, say, because a sibling of it failed.
        self._opened: weakref.WeakSet[Driver] = weakref.WeakSet()
        self.presence = Presence(self.dedicated)
        self._engine: AsyncEngine = create_async_engine(
            async_url(url),
            creator=self._adapted,
            pool_size=pool_size,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,  # addresses, contents and secrets are nobody's but their owner's
        )

    @classmethod
    def of(cls, settings: DatabaseSettings, *, pool_size: int = POOL_SIZE) -> Database:
        """As the settings say."""
        return cls(settings.url, direct_url=settings.direct_url, pool_size=pool_size)

    @property
    def has_pooler(self) -> bool:
        """Whether transactions go through one."""
        return self._pooler is not None

    async def ping(self) -> None:
        """Raises `DatabaseUnavailable` when no transaction can be had."""
        async with self.transaction() as session:
            await session.execute(text("SELECT 1"))

    def uses(self) -> dict[str, PoolUse]:
        """How much of each pool is in use."""
        ledger, sessions = self._pool, self._engine.pool
        used = 0 if ledger is None else ledger.get_size() - ledger.get_idle_size()
        assert isinstance(sessions, QueuePool), "what SQLAlchemy makes by itself"
        return {
            "ledger": PoolUse(used=used, most=self._pool_size),
            "sessions": PoolUse(used=sessions.checkedout(), most=self._pool_size + POOL_OVERFLOW),
        }

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end, or undone by an exception."""
        async with (
            translate_lost_connections(),
            AsyncSession(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            if self._pooler is not None:
                await session.execute(session_settings.FOR_THIS_TRANSACTION)
            yield session

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[Driver]:
        """A bare asyncpg connection from the ledger's pool, each statement its own transaction."""
        async with translate_lost_connections():
            pool = self._pool or await self._open_pool()
            async with pool.acquire(timeout=POOL_TIMEOUT_SECONDS) as connection:
                try:
                    yield cast("Driver", connection)
                except BaseException:
                    # Without a clean-up at its release, a connection in an unknown state must
                    # not go back: after a FATAL, asyncpg only notices at the next use.
                    with suppress(asyncpg.InterfaceError):  # it may have noticed by itself
                        connection.terminate()
                    raise

    async def dedicated(self) -> Driver:
        """A connection of the caller's own, for LISTEN or a session lock. The caller closes it."""
        async with translate_lost_connections():
            return await connect(
                **self._address.options(session_settings.OF_DEDICATED),
                command_timeout=DEDICATED_TIMEOUT_SECONDS,
            )

    def _adapted(self) -> Any:
        """A connection as SQLAlchemy's dialect wraps it."""
        options: dict[str, Any] = {} if self._pooler is None else _NOTHING_PREPARED
        dialect: Any = self._engine.sync_engine.dialect
        return dialect.dbapi.connect(async_creator_fn=self._connect, **options)

    async def _connect(self) -> Driver:
        """A connection for SQLAlchemy's pool."""
        options = self._address.options(session_settings.OF_TRANSACTIONS)
        if self._pooler is not None:
            options = self._pooler.options(session_settings.OF_A_POOLER)
            options["statement_cache_size"] = 0
        connection = await connect(**options, command_timeout=COMMAND_TIMEOUT_SECONDS)
        if self._pooler is None:
            connection = await session_settings.made_durable(connection)
        if self._closed:
            connection.terminate()
            raise asyncpg.InterfaceError("closed by us")
        self._opened.add(connection)
        return connection

    async def _connect_for_ledger(self, *_: Any, **options: Any) -> Driver:
        """A connection for asyncpg's pool, which knows of no address."""
        address = self._address.options(session_settings.OF_THE_LEDGER)
        return await session_settings.made_durable(await connect(**address, **options))

    async def _open_pool(self) -> Pool:
        async with self._opening:
            if self._closed:
                raise asyncpg.InterfaceError("closed by us")
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    min_size=0,
                    max_size=self._pool_size,
                    command_timeout=COMMAND_TIMEOUT_SECONDS,
                    connection_class=_LedgerConnection,
                    connect=self._connect_for_ledger,
                )
            return self._pool

    async def close(self) -> None:
        """Close every connection, those in use too. Nothing can be opened afterwards."""
        self._closed = True
        self.presence.close()
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), CLOSE_TIMEOUT_SECONDS)
            except TimeoutError:
                self._pool.terminate()
        await self._engine.dispose()
        for connection in self._opened:
            connection.terminate()


async def driver_of(connection: AsyncConnection | AsyncSession) -> Driver:
    """The asyncpg connection under a SQLAlchemy one; within a transaction it joins that."""
    if isinstance(connection, AsyncSession):
        connection = await connection.connection()
    raw = await connection.get_raw_connection()
    return cast("Driver", raw.driver_connection)


@asynccontextmanager
async def translate_lost_connections() -> AsyncIterator[None]:
    """Turn "the server is away" into `DatabaseUnavailable`; let everything else surface."""
    try:
        yield
    except NoConnectionFree as error:
        raise DatabaseUnavailable(
            f"PostgreSQL: no connection was free within {POOL_TIMEOUT_SECONDS} s"
        ) from error
    except (SqlOperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(f"PostgreSQL: {_in_one_line(error.orig or error)}") from error
    except DBAPIError as error:
        if isinstance(error.orig and error.orig.__cause__, _REFUSED):
            raise DatabaseRefused(f"PostgreSQL: {_in_one_line(error.orig)}") from error
        if isinstance(error.orig and error.orig.__cause__, _UNMIGRATED):
            raise SchemaMissing(f"PostgreSQL: {_in_one_line(error.orig)}") from error
        if error.connection_invalidated or isinstance(error.orig and error.orig.__cause__, _LOST):
            raise DatabaseUnavailable(f"PostgreSQL: {_in_one_line(error.orig)}") from error
        raise
    except _REFUSED as error:
        raise DatabaseRefused(f"PostgreSQL: {_in_one_line(error)}") from error
    except _UNMIGRATED as error:
        raise SchemaMissing(f"PostgreSQL: {_in_one_line(error)}") from error
    except asyncpg.LockNotAvailableError as error:
        raise DatabaseBusy(f"PostgreSQL: {_in_one_line(error)}") from error
    except _LOST as error:
        if "rejected SSL upgrade" in str(error):
            told = "PostgreSQL: it offers no TLS, which sslmode asks for, or is no PostgreSQL"
            raise DatabaseRefused(told) from error
        raise DatabaseUnavailable(f"PostgreSQL: {_in_one_line(error)}") from error


def _in_one_line(error: BaseException | None) -> str:
    """The driver's words, without PostgreSQL's details and hints, which have their own lines."""
    if error is not None and type(error).__module__.startswith("sqlalchemy"):
        error = error.__cause__ or error  # SQLAlchemy puts the name of the class before them
    return str(error).partition("\n")[0] or type(error).__name__
