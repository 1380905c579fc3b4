"""Senders: their rows, always through their owner."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import JobState
from paceline.persistence.models import EmailJob, Sender

LOST_KEY = b""
"""In the place of a DKIM key that nobody can open any more: its sender must not go unsigned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderRecord:
    """A sender as stored, its password and its key still sealed."""

    id: uuid.UUID
    owner_id: uuid.UUID
    name: str
    from_address: str
    from_name: str | None
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_auth: str
    smtp_username: str | None
    smtp_password: bytes | None
    hourly_limit: int | None
    min_delay_ms: int
    max_connections: int
    state: str
    state_reason: str | None
    resting_until: datetime | None
    unreached_since: datetime | None
    dkim_selector: str | None
    dkim_domain: str | None
    dkim_algorithm: str | None
    dkim_key: bytes | None
    last_check: dict[str, object] | None
    smtp_grant: bytes | None
    created_at: datetime
    updated_at: datetime

    @property
    def has_lost_key(self) -> bool:
        """Whether its emails are to be signed, and cannot be."""
        return self.dkim_key == LOST_KEY


_COLUMNS = [getattr(Sender, name) for name in SenderRecord.__slots__]


async def insert_sender(session: AsyncSession, **values: object) -> None:
    """Store a new sender."""
    session.add(Sender(**values))
    await session.flush()


async def insert_sender_once(session: AsyncSession, **values: object) -> None:
    """Store a new sender, unless there is one of this id, or was."""
    await session.execute(insert(Sender).values(**values).on_conflict_do_nothing())


async def sender(
    session: AsyncSession,
    owner_id: uuid.UUID,
    sender_id: uuid.UUID,
    *,
    for_update: bool = False,
    keep: bool = False,
    even_deleted: bool = False,
) -> SenderRecord | None:
    """One of this owner's senders, or None when there is none, or none any more.

    `keep`: nobody deletes it before the transaction is over.
    """
    query = select(*_COLUMNS).where(Sender.id == sender_id, Sender.owner_id == owner_id)
    if not even_deleted:
        query = query.where(Sender.deleted_at.is_(None))
    if for_update:
        query = query.with_for_update()
    elif keep:
        query = query.with_for_update(read=True, key_share=True)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else SenderRecord(**row._mapping)


async def is_kept(session: AsyncSession, sender_id: uuid.UUID) -> bool:
    """Whether it is there, and stays so until the transaction is over."""
    query = select(Sender.id).where(Sender.id == sender_id, Sender.deleted_at.is_(None))
    return await session.scalar(query.with_for_update(read=True, key_share=True)) is not None


async def senders(
    session: AsyncSession, owner_id: uuid.UUID, *, before: uuid.UUID | None, limit: int
) -> list[SenderRecord]:
    """This owner's senders, the newest first, from the one after `before` on."""
    query = select(*_COLUMNS).where(Sender.owner_id == owner_id, Sender.deleted_at.is_(None))
    if before is not None:
        query = query.where(Sender.id < before)
    rows = await session.execute(query.order_by(Sender.id.desc()).limit(limit))
    return [SenderRecord(**row._mapping) for row in rows]


async def last_used(session: AsyncSession, owner_id: uuid.UUID) -> uuid.UUID | None:
    """By which this owner's last email was sent that a server took."""
    sent = select(EmailJob.sender_id).where(
        EmailJob.owner_id == owner_id, EmailJob.state == JobState.SENT
    )
    newest = sent.order_by(EmailJob.sent_at.desc(), EmailJob.email_id.desc()).limit(1)
    return (await session.execute(newest)).scalar_one_or_none()


async def change_sender(
    session: AsyncSession,
    owner_id: uuid.UUID,
    sender_id: uuid.UUID,
    changes: Mapping[str, object],
) -> None:
    """Change some columns. The time of the change tells workers to read the account again."""
    await session.execute(
        update(Sender)
        .where(Sender.id == sender_id, Sender.owner_id == owner_id)
        .values(**changes, updated_at=func.clock_timestamp())
    )


async def note_check(
    session: AsyncSession, checked: SenderRecord, report: Mapping[str, object]
) -> bool:
    """Keep how a check of the sender ended, unless it was changed meanwhile. Workers do not mind.

    False: it was.
    """
    made = await session.execute(
        update(Sender)
        .where(
            Sender.id == checked.id,
            Sender.owner_id == checked.owner_id,
            Sender.updated_at == checked.updated_at,
        )
        .values(last_check=report)
        .returning(Sender.id)
    )
    return made.first() is not None
