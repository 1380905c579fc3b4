"""Users, sessions, sign-in links and API keys: their rows. Only hashes of secrets get here.

Expiry is judged by PostgreSQL's clock, so that all processes agree on it.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.identifiers import new_id
from paceline.domain.preferences import DEFAULTS, Notice, Preferences, Theme
from paceline.domain.scopes import Scope
from paceline.persistence.models import ApiKey, SignInLink, User

# "Last used" is a help to people, not an audit: one write a minute is enough.
TOUCH_EVERY = timedelta(minutes=1)
KEEP_DEAD_LINKS = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A user; not a disabled one, where it is not said otherwise."""

    id: uuid.UUID
    issuer: str
    subject: str
    email: str | None
    name: str
    is_admin: bool
    preferences: Preferences = DEFAULTS
    vouched_domain: str | None = None
    avatar_version: str | None = None
    is_disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key to be stored: its hash, and what it is good for."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    prefix: str
    key_hash: bytes
    scope: Scope
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRecord:
    """An API key, as far as it may be shown."""

    id: uuid.UUID
    name: str
    prefix: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    has_expired: bool


def record_of(user: User) -> UserRecord:
    return UserRecord(
        id=user.id,
        issuer=user.issuer,
        subject=user.subject,
        email=user.email,
        name=user.name,
        is_admin=user.is_admin,
        preferences=Preferences(
            time_zone=user.time_zone,
            theme=Theme(user.theme),
            notices=frozenset(Notice(name) for name in user.notices if name in set(Notice)),
        ),
        vouched_domain=user.vouched_domain,
        avatar_version=user.avatar_version,
        is_disabled=user.disabled_at is not None,
    )


def enabled() -> ColumnElement[bool]:
    return User.disabled_at.is_(None)


async def ensure_user(
    session: AsyncSession,
    *,
    issuer: str,
    subject: str,
    name: str,
    email: str | None = None,
    is_admin: bool = False,
) -> UserRecord:
    """The user with this identity, made on first sight. Existing ones are left as they are."""
    await session.execute(
        insert(User)
        .values(
            id=new_id(),
            issuer=issuer,
            subject=subject,
            name=name,
            email=email,
            is_admin=is_admin,
        )
        .on_conflict_do_nothing(index_elements=[User.issuer, User.subject])
    )
    identity = (User.issuer == issuer) & (User.subject == subject)
    return record_of((await session.execute(select(User).where(identity))).scalar_one())


async def user_by_id(session: AsyncSession, user_id: uuid.UUID) -> UserRecord | None:
    """A user, if they are not disabled."""
    found = await session.execute(select(User).where(User.id == user_id, enabled()))
    user = found.scalar_one_or_none()
    return None if user is None else record_of(user)


async def user_by_email(session: AsyncSession, email: str) -> UserRecord | None:
    """The first user to have this address, in whatever case it is written."""
    found = await session.execute(
        select(User)
        .where(func.lower(User.email) == email.lower(), enabled())
        .order_by(User.created_at, User.id)
        .limit(1)
    )
    user = found.scalar_one_or_none()
    return None if user is None else record_of(user)


async def was_disabled(session: AsyncSession, email: str) -> bool:
    """Whether a user with this address was, so that it must not come in by another way."""
    theirs = select(User.id).where(func.lower(User.email) == email.lower(), ~enabled())
    return await session.scalar(theirs.limit(1)) is not None


async def give_first_email(
    session: AsyncSession, user_id: uuid.UUID, email: str
) -> UserRecord | None:
    """Give an address to a user who has none; None when they have one already."""
    changed = await session.execute(
        update(User)
        .where(User.id == user_id, User.email.is_(None))
        .values(email=email)
        .returning(User)
    )
    user = changed.scalar_one_or_none()
    return None if user is None else record_of(user)


async def prefer(session: AsyncSession, user_id: uuid.UUID, preferences: Preferences) -> None:
    """Keep what a user prefers."""
    await session.execute(
        update(User)
        .where(User.id == user_id)
        .values(
            time_zone=preferences.time_zone,
            theme=preferences.theme,
            notices=sorted(preferences.notices),
        )
    )


async def insert_api_key(session: AsyncSession, key: NewApiKey) -> None:
    """Store a key."""
    await session.execute(insert(ApiKey).values(asdict(key)))


async def user_by_api_key(
    session: AsyncSession, key_hash: bytes
) -> tuple[UserRecord, Scope, str] | None:
    """(whose key this is, how far it reaches, its name), if it may still be used.

    Notes the use, about once a minute.
    """
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - TOUCH_EVERY)
    found = await session.execute(
        select(User, ApiKey.scope, ApiKey.name, stale)
        .join(ApiKey, ApiKey.user_id == User.id)
        .where(
            ApiKey.key_hash == key_hash,
            ApiKey.revoked_at.is_(None),
            ~_expired(),
            enabled(),
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    user, scope, name, to_touch = row
    if to_touch:
        await session.execute(
            update(ApiKey).where(ApiKey.key_hash == key_hash).values(last_used_at=func.now())
        )
    return record_of(user), Scope(scope), name


def _expired() -> ColumnElement[bool]:
    return func.coalesce(ApiKey.expires_at <= func.now(), False)


async def count_api_keys(session: AsyncSession, user_id: uuid.UUID) -> int:
    """How many keys of a user are not revoked."""
    counted = await session.execute(
        select(func.count())
        .select_from(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    )
    return counted.scalar_one()


async def api_keys_of(session: AsyncSession, user_id: uuid.UUID) -> list[ApiKeyRecord]:
    """The keys of a user that are not revoked, expired ones included, the newest first."""
    found = await session.execute(
        select(ApiKey, _expired().label("has_expired"))
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    )
    return [
        ApiKeyRecord(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scope=Scope(key.scope),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
            has_expired=has_expired,
        )
        for key, has_expired in found
    ]


async def revoke_api_key(
    session: AsyncSession, user_id: uuid.UUID, key_id: uuid.UUID
) -> tuple[str, str] | None:
    """Revoke a key of this user's: (name, beginning). None: there is none that is still good."""
    changed = await session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.name, ApiKey.prefix)
    )
    row = changed.one_or_none()
    return None if row is None else (row.name, row.prefix)


async def insert_link(
    session: AsyncSession,
    *,
    token_hash: bytes,
    user_id: uuid.UUID,
    lifetime: timedelta,
    handle: uuid.UUID | None,
) -> None:
    """Store a new sign-in link; an invitation has a handle."""
    await session.execute(
        insert(SignInLink).values(
            token_hash=token_hash,
            user_id=user_id,
            expires_at=func.now() + lifetime,
            handle=handle,
        )
    )


async def consume_link(session: AsyncSession, token_hash: bytes) -> UserRecord | None:
    """Use a link up and tell whose it was. One statement, so that one of two racers wins.

    Whoever asks keeps out those who are disabled, and rolls back.
    """
    consumed = await session.execute(
        update(SignInLink)
        .where(
            SignInLink.token_hash == token_hash,
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(SignInLink.user_id)
    )
    user_id = consumed.scalar_one_or_none()
    user = None if user_id is None else await session.get(User, user_id)
    return None if user is None else record_of(user)


async def delete_dead_links(session: AsyncSession) -> None:
    """Clear away links that have long been of no use."""
    await session.execute(
        delete(SignInLink).where(SignInLink.expires_at < func.now() - KEEP_DEAD_LINKS)
    )
