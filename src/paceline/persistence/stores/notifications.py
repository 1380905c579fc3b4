"""What there is to tell of, once each, and the messages that tell it.

One statement finds it, over the owners who want to be told: ranges of indexes and `MOST` rows of
each kind, whatever stands behind them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.notifications import (
    AGAIN_AFTER,
    MAX_TRIES,
    STALLED_AFTER,
    Channel,
    Event,
    Kind,
)
from paceline.persistence.database import Database
from paceline.persistence.statements import statement

MOST = 200  # of one kind in one look
MOST_LIMITED = 1_000  # campaigns whose counters are looked at
MOST_AT_ONCE = 20  # messages, of different owners or ways
LEASE = timedelta(seconds=60)  # for one try; whoever died in it is followed by another after this
KEPT = timedelta(days=30)
SETTLES_WITHIN = timedelta(minutes=1)  # what is in doubt for longer is a person's to settle

_NOTE = text("""
    INSERT INTO notifications (owner_id, kind, about, occurrence)
    SELECT :owner_id, :kind, :about, :occurrence
     WHERE NOT EXISTS (SELECT 1 FROM notifications n
                        WHERE n.owner_id = :owner_id AND n.kind = :kind AND n.about = :about
                          AND n.found_at > clock_timestamp() - CAST(:again AS interval))
        ON CONFLICT DO NOTHING RETURNING true
""")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(1885430629, hashtext('notifications'))")
_ADD = text("""
    INSERT INTO notification_messages (id, owner_id, channel, body)
    VALUES (:id, :owner_id, :channel, :body)
""")
_TAKE = text("""
    UPDATE notification_messages m
       SET tries = m.tries + 1, next_try_at = clock_timestamp() + CAST(:lease AS interval)
     WHERE m.id IN (SELECT DISTINCT ON (o.owner_id, o.channel) o.id
                      FROM notification_messages o JOIN users u ON u.id = o.owner_id
                     WHERE o.told_at IS NULL AND o.given_up_at IS NULL AND o.tries < :max_tries
                       AND o.next_try_at <= clock_timestamp() AND u.disabled_at IS NULL
                     ORDER BY o.owner_id, o.channel, o.next_try_at LIMIT :most)
       AND m.told_at IS NULL AND m.given_up_at IS NULL AND m.next_try_at <= clock_timestamp()
    RETURNING m.id, m.owner_id, m.channel, m.body, m.tries
""")
_TOLD = text("""
    UPDATE notification_messages SET told_at = clock_timestamp(), last_error = NULL WHERE id = :id
""")
_FAILED = text("""
    UPDATE notification_messages
       SET last_error = :error,
           given_up_at = CASE WHEN CAST(:after AS interval) IS NULL THEN clock_timestamp() END,
           next_try_at = coalesce(clock_timestamp() + CAST(:after AS interval), next_try_at)
     WHERE id = :id AND told_at IS NULL
""")
_FORGET = (
    text("DELETE FROM notifications WHERE found_at < clock_timestamp() - CAST(:kept AS interval)"),
    text(
        "DELETE FROM notification_messages"
        " WHERE created_at < clock_timestamp() - CAST(:kept AS interval)"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something to tell of. With `hourly_limit` only where the campaign has used up that many."""

    event: Event
    hourly_limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMessage:
    """A message that is to be told now, for the `tries`th time."""

    id: uuid.UUID
    owner_id: uuid.UUID
    channel: Channel
    body: str
    tries: int


async def find(database: Database) -> list[Found]:
    """What was not told of yet, or not of late."""
    async with database.driver() as driver:
        rows = await driver.fetch(
            statement("notifiable"),
            [*AGAIN_AFTER],
            [*AGAIN_AFTER.values()],
            MOST,
            MOST_LIMITED,
            STALLED_AFTER,
            SETTLES_WITHIN,
        )
    return [_found(dict(row)) for row in rows]


async def take_turn(session: AsyncSession) -> None:
    """Until the transaction ends nobody else notes anything."""
    await session.execute(_ONE_AT_A_TIME)


async def note(session: AsyncSession, event: Event) -> bool:
    """Whether this one is to be told: nobody has noted it, nor another of the kind of late."""
    values = {
        "owner_id": event.owner_id,
        "kind": event.kind,
        "about": event.about,
        "occurrence": event.occurrence,
        "again": AGAIN_AFTER[event.kind],
    }
    return (await session.execute(_NOTE, values)).scalar_one_or_none() is not None


async def add_message(
    session: AsyncSession, message_id: uuid.UUID, owner_id: uuid.UUID, channel: Channel, body: str
) -> None:
    """To be told by this way."""
    values = {"id": message_id, "owner_id": owner_id, "channel": channel, "body": body}
    await session.execute(_ADD, values)


async def take_messages(session: AsyncSession) -> Sequence[OpenMessage]:
    """Some that are due, at most one of each owner and way; nobody else gets them meanwhile."""
    values = {"lease": LEASE, "max_tries": MAX_TRIES, "most": MOST_AT_ONCE}
    rows = await session.execute(_TAKE, values)
    return [OpenMessage(**{**row._mapping, "channel": Channel(row.channel)}) for row in rows]


async def told(session: AsyncSession, message_id: uuid.UUID) -> None:
    """It has been taken."""
    await session.execute(_TOLD, {"id": message_id})


async def failed(
    session: AsyncSession, message_id: uuid.UUID, error: str, *, after: timedelta | None
) -> None:
    """It was not; to be tried again `after`, or never."""
    await session.execute(_FAILED, {"id": message_id, "error": error, "after": after})


async def forget(session: AsyncSession) -> None:
    """Drop what is old."""
    for drop in _FORGET:
        await session.execute(drop, {"kept": KEPT})


def _found(its: dict[str, Any]) -> Found:
    hourly_limit = its.pop("hourly_limit")
    return Found(event=Event(**{**its, "kind": Kind(its["kind"])}), hourly_limit=hourly_limit)
