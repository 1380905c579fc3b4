"""The messages that the dev inbox caught: put in, listed, opened, and the oldest dropped."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.identifiers import new_id
from paceline.persistence.models import InboxMessage

MAX_KEPT = 10_000
MAX_KEPT_OCTETS = 1024 * 1024 * 1024
MAX_LISTED = 200
MAX_WORDS = 10  # of a search


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInboxMessage:
    """A message as it came in. `raw` is all of it, headers and body, as it was on the wire."""

    received_at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    message_id: str | None
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSummary:
    """One line of the list."""

    id: uuid.UUID
    received_at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInboxMessage:
    """One message, with all of its content."""

    id: uuid.UUID
    received_at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    message_id: str | None
    raw: bytes


async def insert_messages(session: AsyncSession, messages: Sequence[NewInboxMessage]) -> None:
    """Store a batch. Its order is kept."""
    if not messages:
        return
    rows = [
        {
            "id": new_id(),
            "received_at": message.received_at,
            "mail_from": message.mail_from,
            "rcpt_to": list(message.rcpt_to),
            "subject": message.subject,
            "message_id": message.message_id,
            "raw": message.raw,
        }
        for message in messages
    ]
    await session.execute(insert(InboxMessage), rows)


async def count_messages(session: AsyncSession, *, q: str = "") -> int:
    """How many are kept that have `q` in them."""
    query = select(func.count()).select_from(InboxMessage).where(*_having(q))
    counted = await session.execute(query)
    return counted.scalar_one()


async def list_newest(
    session: AsyncSession, *, limit: int, before: uuid.UUID | None = None, q: str = ""
) -> list[InboxSummary]:
    """The newest messages that have `q` in them, or those after `before`. At most `MAX_LISTED`."""
    query = (
        select(
            InboxMessage.id,
            InboxMessage.received_at,
            InboxMessage.mail_from,
            InboxMessage.rcpt_to,
            InboxMessage.subject,
            func.octet_length(InboxMessage.raw).label("size_bytes"),
        )
        .where(*_having(q))
        .order_by(InboxMessage.id.desc())
        .limit(min(limit, MAX_LISTED))
    )
    if before is not None:
        query = query.where(InboxMessage.id < before)
    return [
        InboxSummary(
            id=row.id,
            received_at=row.received_at,
            mail_from=row.mail_from,
            rcpt_to=tuple(row.rcpt_to),
            subject=row.subject,
            size_bytes=row.size_bytes,
        )
        for row in await session.execute(query)
    ]


async def get_message(session: AsyncSession, message_id: uuid.UUID) -> StoredInboxMessage | None:
    """One message, or None."""
    found = await session.get(InboxMessage, message_id)
    if found is None:
        return None
    return StoredInboxMessage(
        id=found.id,
        received_at=found.received_at,
        mail_from=found.mail_from,
        rcpt_to=tuple(found.rcpt_to),
        subject=found.subject,
        message_id=found.message_id,
        raw=found.raw,
    )


async def prune(
    session: AsyncSession, *, keep: int = MAX_KEPT, octets: int = MAX_KEPT_OCTETS
) -> None:
    """Drop all but the newest `keep` that come to no more than so many octets together.

    Ids grow with time, so the index on them tells which.
    """
    oldest_kept = (
        select(InboxMessage.id).order_by(InboxMessage.id.desc()).offset(keep - 1).limit(1)
    ).scalar_subquery()
    await session.execute(delete(InboxMessage).where(InboxMessage.id < oldest_kept))
    sizes = select(
        InboxMessage.id,
        func.sum(func.octet_length(InboxMessage.raw))
        .over(order_by=InboxMessage.id.desc())
        .label("down_to_here"),
    ).subquery()
    past = select(sizes.c.id).where(sizes.c.down_to_here > octets)
    await session.execute(delete(InboxMessage).where(InboxMessage.id.in_(past)))


def _having(q: str) -> list[ColumnElement[bool]]:
    """Messages with all these words in an address or the subject; they are few: no index."""
    looked_at = func.concat_ws(
        " ",
        InboxMessage.subject,
        InboxMessage.mail_from,
        func.array_to_string(InboxMessage.rcpt_to, " "),
    )
    words = q.replace("\x00", "").split()[:MAX_WORDS]
    return [looked_at.icontains(word, autoescape=True) for word in words]


async def delete_all(session: AsyncSession, *, q: str = "") -> int:
    """Delete all that have `q` in them; how many there were."""
    done = await session.execute(delete(InboxMessage).where(*_having(q)))
    return cast("CursorResult[Any]", done).rowcount


async def delete_some(session: AsyncSession, ids: Sequence[uuid.UUID]) -> int:
    """Delete these messages; how many of them were still there."""
    done = await session.execute(delete(InboxMessage).where(InboxMessage.id.in_(ids)))
    return cast("CursorResult[Any]", done).rowcount
