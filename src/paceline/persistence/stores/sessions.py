"""Sign-ins: their rows. The cookie's hash is the key, so that looking one up costs the same always.

Expiry is judged by PostgreSQL's clock, so that all processes agree on it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Session, User
from paceline.persistence.stores.identity import TOUCH_EVERY, UserRecord, enabled, record_of

BY_LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a sign-in came from, for its owner to recognise it by; proof of nothing."""

    method: str = BY_LINK  # or the host of the provider that vouched
    address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A sign-in, as its owner sees it."""

    handle: uuid.UUID  # names it in a form; opens nothing
    method: str
    address: str | None
    user_agent: str | None
    created_at: datetime
    seen_at: datetime
    is_current: bool


async def insert_session(
    session: AsyncSession,
    *,
    id_hash: bytes,
    user_id: uuid.UUID,
    csrf_token: str,
    lifetime: timedelta,
    origin: Origin,
) -> None:
    """Store a new sign-in."""
    await session.execute(
        insert(Session).values(
            id_hash=id_hash,
            user_id=user_id,
            csrf_token=csrf_token,
            expires_at=func.now() + lifetime,
            method=origin.method,
            address=origin.address,
            user_agent=origin.user_agent,
        )
    )
    await session.execute(update(User).where(User.id == user_id).values(seen_at=func.now()))


async def user_by_session(
    session: AsyncSession, id_hash: bytes, *, idle_after: timedelta
) -> tuple[UserRecord, str] | None:
    """(user, CSRF token) of a session that is not over. Notes the use, about once a minute."""
    stale = Session.seen_at < func.now() - TOUCH_EVERY
    found = await session.execute(
        select(User, Session.csrf_token, stale)
        .join(Session, Session.user_id == User.id)
        .where(Session.id_hash == id_hash, _alive(idle_after), enabled())
    )
    row = found.one_or_none()
    if row is None:
        return None
    user, csrf_token, to_touch = row
    if to_touch:
        await session.execute(
            update(Session).where(Session.id_hash == id_hash).values(seen_at=func.now())
        )
        await session.execute(update(User).where(User.id == user.id).values(seen_at=func.now()))
    return record_of(user), csrf_token


async def sessions_of(
    session: AsyncSession, user_id: uuid.UUID, *, current: bytes, idle_after: timedelta, limit: int
) -> list[SessionRecord]:
    """A user's sign-ins that are not over: the one that asks first, then the last seen."""
    is_current = Session.id_hash == current
    found = await session.execute(
        select(Session, is_current)
        .where(Session.user_id == user_id, _alive(idle_after))
        .order_by(is_current.desc(), Session.seen_at.desc(), Session.handle)
        .limit(limit)
    )
    return [
        SessionRecord(
            handle=row.handle,
            method=row.method,
            address=row.address,
            user_agent=row.user_agent,
            created_at=row.created_at,
            seen_at=row.seen_at,
            is_current=current,
        )
        for row, current in found
    ]


async def delete_session(session: AsyncSession, id_hash: bytes) -> tuple[uuid.UUID, str] | None:
    """End a sign-in: whose it was, and what its browser called itself. None: it was over."""
    ended = await session.execute(
        delete(Session)
        .where(Session.id_hash == id_hash)
        .returning(Session.user_id, func.coalesce(Session.user_agent, ""))
    )
    row = ended.one_or_none()
    return None if row is None else (row[0], row[1])


async def delete_session_of(
    session: AsyncSession, user_id: uuid.UUID, handle: uuid.UUID
) -> str | None:
    """End a sign-in of this user's: what its browser called itself. None: they have no such one."""
    ended = await session.execute(
        delete(Session)
        .where(Session.user_id == user_id, Session.handle == handle)
        .returning(func.coalesce(Session.user_agent, ""))
    )
    return ended.scalar_one_or_none()


async def delete_sessions_of(session: AsyncSession, user_id: uuid.UUID) -> int:
    """End all of a user's sign-ins; how many there were."""
    ended = await session.execute(
        delete(Session).where(Session.user_id == user_id).returning(Session.handle)
    )
    return len(ended.all())


async def delete_stale_sessions(
    session: AsyncSession, user_id: uuid.UUID, *, idle_after: timedelta
) -> None:
    """Clear away a user's sign-ins that are over."""
    over = or_(Session.expires_at <= func.now(), Session.seen_at <= func.now() - idle_after)
    await session.execute(delete(Session).where(Session.user_id == user_id, over))


def _alive(idle_after: timedelta) -> ColumnElement[bool]:
    return and_(Session.expires_at > func.now(), Session.seen_at > func.now() - idle_after)
