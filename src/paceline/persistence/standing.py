"""What a lane reads and writes about its sender: standing, demands, content, spent counters."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from paceline.domain.gate import Demand, SenderStanding
from paceline.domain.lifecycle import SenderState
from paceline.persistence.database import Database
from paceline.persistence.statements import statement

LOOK_AHEAD = 256  # no lane claims more at once, so that counting further would be in vain


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """One sender as its lane sees it, by the database's clock."""

    now: datetime
    owner_id: uuid.UUID
    standing: SenderStanding
    hourly_limit: int | None
    min_delay_ms: int
    max_connections: int
    host_failures: int  # in a row
    updated_at: datetime  # changes when the account may have changed
    demands: tuple[Demand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderAccount:
    """How to reach a sender's server and sign for it, its password and its key still sealed."""

    owner_id: uuid.UUID
    from_address: str
    from_name: str | None
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_auth: str
    smtp_username: str | None
    smtp_password: bytes | None
    smtp_grant: bytes | None
    dkim_selector: str | None
    dkim_domain: str | None
    dkim_key: bytes | None
    account_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedGrant:
    """By what a sender's access tokens are had, still sealed."""

    owner_id: uuid.UUID
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignContent:
    """A campaign's templates, and how large its files are together (0: it has none)."""

    subject: str
    text_body: str | None
    html_body: str | None
    attached_octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that goes with a campaign's emails."""

    file_name: str
    content_type: str
    content: bytes
    content_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one counter must hold, rebuilt from evidence."""

    used_this_hour: int
    last_seconds_ago: float | None


class Standing:
    """The sender's side of dispatch, in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, sender_id: uuid.UUID) -> LaneView | None:
        """The sender and its waiting emails; None when there is no such sender."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(statement("look"), sender_id, LOOK_AHEAD)
        return _view(rows) if rows else None

    async def account(self, sender_id: uuid.UUID) -> SenderAccount:
        """How to reach the sender's server."""
        async with self._database.driver() as driver:
            row = await driver.fetchrow(
                """
                SELECT owner_id, from_address, from_name, smtp_host, smtp_port, smtp_security,
                       smtp_auth, smtp_username, smtp_password, smtp_grant,
                       dkim_selector, dkim_domain, dkim_key, account_version
                  FROM senders WHERE id = $1
                """,
                sender_id,
            )
        assert row is not None, "a lane is run only for a sender that was just read"
        return SenderAccount(**dict(row))

    async def grant(self, sender_id: uuid.UUID) -> SealedGrant | None:
        """The sender's grant for access tokens; None when it has none."""
        async with self._database.driver() as driver:
            row = await driver.fetchrow(
                "SELECT owner_id, smtp_grant AS sealed FROM senders"
                " WHERE id = $1 AND smtp_grant IS NOT NULL",
                sender_id,
            )
        return None if row is None else SealedGrant(**dict(row))

    async def replace_grant(self, sender_id: uuid.UUID, *, before: bytes, after: bytes) -> None:
        """Store it, unless it was changed meanwhile. To workers it is the same account."""
        async with self._database.driver() as driver:
            await driver.execute(
                "UPDATE senders SET smtp_grant = $3 WHERE id = $1 AND smtp_grant = $2",
                sender_id,
                before,
                after,
            )

    async def content(self, campaign_id: uuid.UUID) -> CampaignContent:
        """The campaign's templates; they no longer change once it has been launched."""
        async with self._database.driver() as driver:
            row = await driver.fetchrow(
                """
                SELECT subject, text_body, html_body,
                       (SELECT coalesce(sum(octet_length(content)), 0)
                          FROM campaign_attachments WHERE campaign_id = c.id) AS attached_octets
                  FROM campaigns c WHERE id = $1
                """,
                campaign_id,
            )
        assert row is not None, "a claim names a campaign that exists"
        return CampaignContent(**dict(row))

    async def attachments(self, campaign_id: uuid.UUID) -> list[StoredFile]:
        """The campaign's files in their order; they no longer change once it has been launched."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(
                """
                SELECT file_name, content_type, content, content_id
                  FROM campaign_attachments WHERE campaign_id = $1 ORDER BY position
                """,
                campaign_id,
            )
        return [StoredFile(**dict(row)) for row in rows]

    async def spent(
        self, sender_id: uuid.UUID, campaign_ids: Sequence[uuid.UUID], hour: datetime
    ) -> Mapping[uuid.UUID, Spent]:
        """What the counters must hold for the hour that began at `hour`, from the evidence."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(statement("spent"), sender_id, list(campaign_ids), hour)
        return {
            row["key"]: Spent(
                used_this_hour=row["used"],
                last_seconds_ago=_seconds(row["last_seconds_ago"]),
            )
            for row in rows
        }

    async def complete_campaigns(self, sender_id: uuid.UUID) -> list[uuid.UUID]:
        """Close the sender's campaigns that have nothing left to do."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(statement("complete"), sender_id)
        return [row["id"] for row in rows]

    async def mark_broken(self, sender_id: uuid.UUID, *, as_of: datetime, reason: str) -> None:
        """Stop the sender, unless it was changed after `as_of`: its server refuses it.

        Its emails keep waiting.
        """
        async with self._database.driver() as driver:
            await driver.execute(
                """
                UPDATE senders SET state = 'broken', state_reason = $2,
                                   updated_at = clock_timestamp()
                 WHERE id = $1 AND state = 'active' AND updated_at = $3
                """,
                sender_id,
                reason,
                as_of,
            )

    async def rest(
        self,
        sender_id: uuid.UUID,
        *,
        pause: timedelta,
        reason: str,
        in_a_row: bool,
        unreached: bool,
    ) -> None:
        """Let the sender sleep, once more if that is so `in_a_row`.

        `unreached`: its server said nothing at all.
        """
        async with self._database.driver() as driver:
            await driver.execute(
                """
                UPDATE senders SET host_failures = CASE WHEN $4 THEN host_failures ELSE 0 END + 1,
                                   state_reason = $3,
                                   resting_until = clock_timestamp() + $2::interval,
                                   unreached_since = CASE
                                       WHEN NOT $5 THEN NULL
                                       WHEN $4 AND host_failures > 0
                                       THEN coalesce(unreached_since, clock_timestamp())
                                       ELSE clock_timestamp() END
                 WHERE id = $1 AND state = 'active'
                """,
                sender_id,
                pause,
                reason,
                in_a_row,
                unreached,
            )

    async def host_reached(self, sender_id: uuid.UUID) -> None:
        """Its server took an email: forget the failures."""
        async with self._database.driver() as driver:
            await driver.execute(
                """
                UPDATE senders SET host_failures = 0, resting_until = NULL, state_reason = NULL,
                                   unreached_since = NULL
                 WHERE id = $1 AND host_failures > 0 AND state = 'active'
                """,
                sender_id,
            )


def _seconds(value: object) -> float | None:
    return None if value is None else float(str(value))


def _view(rows: Sequence[asyncpg.Record]) -> LaneView:
    first = rows[0]
    return LaneView(
        now=first["now"],
        owner_id=first["owner_id"],
        standing=SenderStanding(
            state=SenderState(first["state"]), resting_until=first["resting_until"]
        ),
        hourly_limit=first["sender_hourly_limit"],
        min_delay_ms=first["sender_min_delay_ms"],
        max_connections=first["max_connections"],
        host_failures=first["host_failures"],
        updated_at=first["updated_at"],
        demands=tuple(
            Demand(
                campaign_id=row["campaign_id"],
                due=row["due"],
                next_due_at=row["next_due_at"],
                hourly_limit=row["hourly_limit"],
                min_delay_ms=row["min_delay_ms"],
            )
            for row in rows
        ),
    )
