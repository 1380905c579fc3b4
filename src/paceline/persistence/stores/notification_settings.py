"""What owners are told of, and by which ways."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import NotificationSettings

BATCH = 200  # of owners

_FIELDS = (
    NotificationSettings.owner_id,
    NotificationSettings.hook_url,
    NotificationSettings.email_to,
    NotificationSettings.email_sender_id,
    NotificationSettings.kinds,
)
# Who is told again after a while begins anew.
_KEEP = text("""
    INSERT INTO notification_settings (owner_id, hook_url, email_to, email_sender_id, kinds)
    VALUES (:owner_id, :hook_url, :email_to, :email_sender_id, :kinds)
    ON CONFLICT (owner_id) DO UPDATE
       SET hook_url = excluded.hook_url, email_to = excluded.email_to,
           email_sender_id = excluded.email_sender_id, kinds = excluded.kinds,
           since = CASE WHEN notification_settings.kinds = '{}'
                          OR num_nonnulls(notification_settings.hook_url,
                                          notification_settings.email_to) = 0
                        THEN clock_timestamp() ELSE notification_settings.since END
""")

_LAST = text("""
    SELECT DISTINCT ON (channel) channel, told_at, given_up_at, last_error, created_at
      FROM notification_messages WHERE owner_id = :owner_id ORDER BY channel, created_at DESC
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRecord:
    """One owner's; the hook's address is still sealed."""

    owner_id: uuid.UUID
    hook_url: bytes | None
    email_to: str | None
    email_sender_id: uuid.UUID | None
    kinds: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMessage:
    """How the latest of one way has fared."""

    channel: str
    told_at: datetime | None
    given_up_at: datetime | None
    last_error: str | None
    created_at: datetime


async def of_owner(
    session: AsyncSession, owner_id: uuid.UUID, *, for_update: bool = False
) -> SettingsRecord | None:
    """What they have chosen; None: nothing yet."""
    query = select(*_FIELDS).where(NotificationSettings.owner_id == owner_id)
    row = (await session.execute(query.with_for_update() if for_update else query)).one_or_none()
    return None if row is None else SettingsRecord(**row._mapping)


async def of_owners(
    session: AsyncSession, owner_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, SettingsRecord]:
    """The same, of many."""
    query = select(*_FIELDS).where(NotificationSettings.owner_id.in_(owner_ids))
    return {row.owner_id: SettingsRecord(**row._mapping) for row in await session.execute(query)}


async def keep(session: AsyncSession, record: SettingsRecord) -> None:
    """In place of what was."""
    values = {name: getattr(record, name) for name in record.__slots__}
    await session.execute(_KEEP, {**values, "kinds": list(record.kinds)})


async def last_messages(session: AsyncSession, owner_id: uuid.UUID) -> list[LastMessage]:
    """The latest of each way."""
    rows = await session.execute(_LAST, {"owner_id": owner_id})
    return [LastMessage(**row._mapping) for row in rows]


async def hooks_after(
    session: AsyncSession, owner_id: uuid.UUID
) -> Sequence[tuple[uuid.UUID, bytes]]:
    """Sealed addresses, of any owners, in the order of their ids."""
    settings = NotificationSettings
    query = (
        select(settings.owner_id, settings.hook_url)
        .where(settings.owner_id > owner_id, settings.hook_url.is_not(None))
        .order_by(settings.owner_id)
        .limit(BATCH)
    )
    return [(row.owner_id, row.hook_url) for row in await session.execute(query)]


async def replace_hook(
    session: AsyncSession, owner_id: uuid.UUID, *, before: bytes, after: bytes
) -> bool:
    """Store it sealed anew, unless it was changed meanwhile."""
    settings = NotificationSettings
    changed = await session.execute(
        update(settings)
        .where(settings.owner_id == owner_id, settings.hook_url == before)
        .values(hook_url=after)
    )
    return bool(getattr(changed, "rowcount", 0))
