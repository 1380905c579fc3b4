"""People whom a provider vouches for: found by (issuer, subject), never by their address."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Avatar, ConnectedIdentity, SpentNonce, User
from paceline.persistence.stores.identity import UserRecord, record_of
from paceline.persistence.stores.turns import take_turn


async def take_turns(session: AsyncSession, issuer: str, subject: str) -> None:
    """Make other sign-ins by this identity wait until this one is over: it becomes one user."""
    name = f"identity:{len(issuer)}:{issuer}{subject}"
    await take_turn(session, name)


async def find(
    session: AsyncSession, issuer: str, subject: str
) -> tuple[UserRecord, datetime | None] | None:
    """(whose identity this is, when they were disabled), by what they were first or later known."""
    connected = (
        select(ConnectedIdentity.user_id)
        .where(ConnectedIdentity.issuer == issuer, ConnectedIdentity.subject == subject)
        .scalar_subquery()
    )
    first = (User.issuer == issuer) & (User.subject == subject)
    found = await session.execute(select(User).where(or_(first, User.id == connected)).limit(1))
    user = found.scalar_one_or_none()
    return None if user is None else (record_of(user), user.disabled_at)


async def connect(session: AsyncSession, user_id: uuid.UUID, issuer: str, subject: str) -> bool:
    """Make an identity another way in for this user. False when it is somebody's already."""
    if await find(session, issuer, subject) is not None:
        return False
    made = await session.execute(
        insert(ConnectedIdentity)
        .values(issuer=issuer, subject=subject, user_id=user_id)
        .on_conflict_do_nothing()
        .returning(ConnectedIdentity.user_id)
    )
    return made.scalar_one_or_none() is not None


async def connected_to(session: AsyncSession, user_id: uuid.UUID) -> list[str]:
    """The issuers of a user's further ways in. The user's row is locked until the end."""
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    found = await session.execute(
        select(ConnectedIdentity.issuer).where(ConnectedIdentity.user_id == user_id)
    )
    return list(found.scalars())


async def update_profile(
    session: AsyncSession,
    user_id: uuid.UUID,
    *,
    name: str,
    email: str | None,
    vouched_domain: str | None,
) -> None:
    """What the provider says today. No address: the one that is known stays."""
    values: dict[str, object] = {"name": name, "vouched_domain": vouched_domain}
    if email is not None:
        values["email"] = email
    await session.execute(update(User).where(User.id == user_id).values(**values))


async def spend(session: AsyncSession, nonce_hash: bytes, *, kept: timedelta) -> bool:
    """Use a nonce up, in one statement. False when it was used before."""
    await session.execute(delete(SpentNonce).where(SpentNonce.expires_at < func.now()))
    spent = await session.execute(
        insert(SpentNonce)
        .values(nonce_hash=nonce_hash, expires_at=func.now() + kept)
        .on_conflict_do_nothing()
        .returning(SpentNonce.nonce_hash)
    )
    return spent.scalar_one_or_none() is not None


async def avatar_url(
    session: AsyncSession, user_id: uuid.UUID, *, newer_than: timedelta
) -> str | None:
    """Where the user's picture was fetched from, if that was of late."""
    found = await session.execute(
        select(Avatar.url).where(
            Avatar.user_id == user_id, Avatar.fetched_at > func.now() - newer_than
        )
    )
    return found.scalar_one_or_none()


async def store_avatar(
    session: AsyncSession,
    user_id: uuid.UUID,
    *,
    url: str,
    media_type: str,
    content: bytes,
    version: str,
) -> None:
    """Keep a picture in place of an earlier one."""
    values = {"url": url, "media_type": media_type, "content": content, "fetched_at": func.now()}
    await session.execute(
        insert(Avatar)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=[Avatar.user_id], set_=values)
    )
    await session.execute(update(User).where(User.id == user_id).values(avatar_version=version))


async def drop_avatar(session: AsyncSession, user_id: uuid.UUID) -> None:
    """The user has no picture any more."""
    await session.execute(delete(Avatar).where(Avatar.user_id == user_id))
    await session.execute(update(User).where(User.id == user_id).values(avatar_version=None))


async def avatar_of(session: AsyncSession, user_id: uuid.UUID) -> tuple[str, bytes] | None:
    """(media type, picture)."""
    found = await session.execute(
        select(Avatar.media_type, Avatar.content).where(Avatar.user_id == user_id)
    )
    row = found.one_or_none()
    return None if row is None else (row.media_type, row.content)
