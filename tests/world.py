"""A small world in a real database: an owner, senders, campaigns and emails, made in one call."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from paceline import clock
from paceline.domain.identifiers import new_id, new_ids
from paceline.persistence.database import Database
from paceline.persistence.driver import Driver
from paceline.persistence.lanes import signal
from paceline.persistence.ledger import Attempt, Departure
from paceline.persistence.searching import mark_of, marked
from paceline.settings import (
    ApiSettings,
    DatabaseSettings,
    RedisSettings,
    SecretSettings,
    Settings,
    WorkerSettings,
)

# Every change of these is announced, so that a test waits for it instead of sleeping.
WATCHED = ("email_jobs", "campaigns", "senders", "lanes")
_TELL = """
    CREATE OR REPLACE FUNCTION tell_test() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NOTIFY changed; RETURN NULL; END $$;
    CREATE TRIGGER tell_test AFTER INSERT OR UPDATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION tell_test()
"""

# PostgreSQL announces no lock that is waited for; this one is asked again and again.
_BLOCKED = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

SECRET_KEY = b"k" * 32
QUICK = WorkerSettings(lease_seconds=3, heartbeat_seconds=1, guard_margin_seconds=1)


def settings_for(database_url: str, redis_url: str, *, worker: WorkerSettings = QUICK) -> Settings:
    """Settings of a worker that may talk to this machine."""
    return Settings(
        api=ApiSettings(allow_private_hosts=True),
        worker=worker,
        given_database=DatabaseSettings(url=database_url),
        given_redis=RedisSettings(url=redis_url),
        given_secrets=SecretSettings(key=SECRET_KEY),
    )


def leaving(*attempts: Attempt) -> list[Departure]:
    """They are about to leave, booked in this hour, through the account that their sender has had
    from the beginning."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    return [Departure(attempt=a, account_version=1, booked_hour=hour) for a in attempts]


@dataclass
class World:
    """One owner and whatever is made for it."""

    database: Database
    owner_id: uuid.UUID = field(default_factory=new_id)
    _together: Driver | None = None

    @classmethod
    async def create(cls, database: Database, *, watched: bool = True) -> World:
        world = cls(database)
        for table in WATCHED if watched else ():
            await world.execute(_TELL.format(table=table))
        await world.execute(
            "INSERT INTO users (id, issuer, subject, name) VALUES ($1, 'test', $2, 'Ada')",
            world.owner_id,
            str(world.owner_id),
        )
        return world

    async def execute(self, statement: str, *values: object) -> None:
        if self._together is not None:
            await self._together.execute(statement, *values)
            return
        async with self.database.driver() as driver:
            await driver.execute(statement, *values)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """What is executed meanwhile happens in one transaction, or not at all."""
        async with self.database.driver() as driver, driver.transaction():
            self._together = driver
            try:
                yield
            finally:
                self._together = None

    async def fetch(self, statement: str, *values: object) -> list[dict[str, Any]]:
        async with self.database.driver() as driver:
            return [dict(row) for row in await driver.fetch(statement, *values)]

    async def fetchval(self, statement: str, *values: object) -> Any:
        async with self.database.driver() as driver:
            return await driver.fetchval(statement, *values)

    async def sender(self, *, port: int = 2525, **columns: object) -> uuid.UUID:
        sender_id = new_id()
        row = {
            "id": sender_id,
            "owner_id": self.owner_id,
            "name": "News",
            "from_address": "news@example.com",
            "from_name": "Näws",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            **columns,
        }
        await self._insert("senders", row)
        return sender_id

    async def campaign(self, sender_id: uuid.UUID, **columns: object) -> uuid.UUID:
        campaign_id = new_id()
        row = {
            "id": campaign_id,
            "owner_id": self.owner_id,
            "sender_id": sender_id,
            "name": "Newsletter",
            "subject": "Hello {{ name }}",
            "text_body": "Dear {{ name }}, this is for {{ email }}.",
            "time_zone": "UTC",
            "state": "active",
            **columns,
        }
        await self._insert("campaigns", row)
        return campaign_id

    async def emails(
        self,
        sender_id: uuid.UUID,
        campaign_id: uuid.UUID | None,
        addresses: Sequence[str] | int,
        *,
        due_in: timedelta = timedelta(0),
    ) -> list[uuid.UUID]:
        """Emails with their jobs, in order; single ones when there is no campaign."""
        if isinstance(addresses, int):
            addresses = [f"reader{n}@example.org" for n in range(addresses)]
        ids = list(new_ids(len(addresses)))
        await self.execute(
            """
            INSERT INTO emails (id, owner_id, campaign_id, sender_id, address, address_key, name,
                                subject, text_body, message_id, search)
            SELECT id, $2, $3, $4, address, lower(address), split_part(address, '@', 1),
                   CASE WHEN $3::uuid IS NULL THEN 'Single {{ brace }}' END,
                   CASE WHEN $3::uuid IS NULL THEN 'Just {{ this }}' END,
                   '<' || id || '@example.com>', array_to_tsvector(string_to_array(words, ' '))
              FROM unnest($1::uuid[], $5::text[], $6::text[]) AS t (id, address, words)
            """,
            ids,
            self.owner_id,
            campaign_id,
            sender_id,
            list(addresses),
            [marked(mark_of(self.owner_id), address) for address in addresses],
        )
        await self.execute(
            """
            INSERT INTO email_jobs (email_id, owner_id, campaign_id, sender_id,
                                    scheduled_at, due_at)
            SELECT id, $2, $3, $4, now() + $5::interval, now() + $5::interval
              FROM unnest($1::uuid[]) AS id
            """,
            ids,
            self.owner_id,
            campaign_id,
            sender_id,
            due_in,
        )
        return ids

    async def signal(self, sender_id: uuid.UUID, due_at: datetime | None = None) -> None:
        """What a use case does at the end of its transaction; the listener rings."""
        async with self.database.transaction() as session:
            await signal(session, sender_id, due_at)

    async def until(
        self, condition: Callable[[], Awaitable[bool]], *, within: float = 60.0
    ) -> None:
        """Wait until the condition holds, looking again whenever one of the tables changes."""
        connection = await self.database.dedicated()
        changed = asyncio.Event()
        try:
            await connection.add_listener("changed", lambda *_: changed.set())
            async with asyncio.timeout(within):
                while not await condition():
                    await changed.wait()
                    changed.clear()
        finally:
            await connection.close()

    async def until_all_are(self, ids: Sequence[uuid.UUID], state: str) -> None:
        async def there() -> bool:
            return set(await self.states(ids)) == {state}

        await self.until(there)

    async def until_blocked(self, count: int) -> None:
        """Wait until so many statements wait for somebody's lock."""
        connection = await self.database.dedicated()
        try:
            async with asyncio.timeout(60):
                while await connection.fetchval(_BLOCKED) < count:
                    await asyncio.sleep(0)
        finally:
            await connection.close()

    async def states(self, ids: Sequence[uuid.UUID]) -> list[str]:
        rows = await self.fetch(
            "SELECT email_id, state FROM email_jobs WHERE email_id = ANY ($1)", list(ids)
        )
        by_id = {row["email_id"]: row["state"] for row in rows}
        return [by_id[email_id] for email_id in ids]

    async def _insert(self, table: str, row: dict[str, object]) -> None:
        columns = ", ".join(row)
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await self.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", *row.values())
