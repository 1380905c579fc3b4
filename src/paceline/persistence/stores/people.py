"""Users, as an administrator sees them: who they are, whether they are here, what they have going.

Not scoped to an owner: whoever asks has to be an administrator, which the service sees to.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import CampaignState, SenderState
from paceline.persistence.models import (
    ApiKey,
    Campaign,
    ConnectedIdentity,
    Sender,
    Session,
    SignInLink,
    User,
)
from paceline.persistence.stores.identity import UserRecord, record_of
from paceline.persistence.stores.turns import take_turn

_LOCK = "who is let in"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """A user, with how much of theirs there is: sign-ins and keys that are good, running campaigns.

    `invited_until`: an invitation of theirs is still to be used.
    """

    user: UserRecord
    created_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None
    sign_ins: int
    keys: int
    campaigns: int
    invited_until: datetime | None
    connected: tuple[str, ...]  # the issuers of further ways in


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRecord:
    """An invitation that was not used yet. `handle` names it; it opens nothing."""

    handle: uuid.UUID
    user_id: uuid.UUID
    email: str
    created_at: datetime
    expires_at: datetime


async def names(session: AsyncSession, *, limit: int) -> list[tuple[uuid.UUID, str]]:
    """(id, address or name) of users, in the order of the alphabet."""
    label = func.coalesce(User.email, User.name)
    found = await session.execute(select(User.id, label).order_by(func.lower(label)).limit(limit))
    return [(user_id, name) for user_id, name in found]


async def everybody(session: AsyncSession) -> list[uuid.UUID]:
    """All who have ever had an account."""
    return list((await session.execute(select(User.id).order_by(User.id))).scalars())


async def people(
    session: AsyncSession,
    *,
    q: str | None,
    before: uuid.UUID | None,
    limit: int,
    idle_after: timedelta,
) -> list[PersonRecord]:
    """Users whose address, name or issuer has all words of `q`, the newest first."""
    query = select(User).where(*_having(q))
    if before is not None:
        query = query.where(User.id < before)
    return await _with_figures(session, query.order_by(User.id.desc()).limit(limit), idle_after)


async def person(
    session: AsyncSession, user_id: uuid.UUID, *, idle_after: timedelta
) -> PersonRecord | None:
    """One of them."""
    found = await _with_figures(session, select(User).where(User.id == user_id), idle_after)
    return found[0] if found else None


async def count(session: AsyncSession, *, q: str | None) -> int:
    """How many there are."""
    counted = await session.execute(select(func.count()).select_from(User).where(*_having(q)))
    return counted.scalar_one()


async def take_turns(session: AsyncSession) -> None:
    """Let one change of who is let in wait for the other: two administrators must not end both."""
    await take_turn(session, _LOCK)


async def is_enabled(session: AsyncSession, user_id: uuid.UUID) -> bool:
    """Whether this user is there, and not deactivated."""
    found = await session.execute(
        select(User.id).where(User.id == user_id, User.disabled_at.is_(None))
    )
    return found.scalar_one_or_none() is not None


async def set_disabled(session: AsyncSession, user_id: uuid.UUID, *, disabled: bool) -> bool:
    """Keep a user out, or let them in again. False: they are so already."""
    so_far = User.disabled_at.is_(None) if disabled else User.disabled_at.is_not(None)
    changed = await session.execute(
        update(User)
        .where(User.id == user_id, so_far)
        .values(disabled_at=func.now() if disabled else None)
        .returning(User.id)
    )
    return changed.scalar_one_or_none() is not None


async def drop_links(session: AsyncSession, user_id: uuid.UUID) -> None:
    """No link of this user's opens anything any more."""
    await session.execute(delete(SignInLink).where(SignInLink.user_id == user_id))


async def invitations(session: AsyncSession, *, limit: int) -> list[InvitationRecord]:
    """Those that wait to be used, the newest first."""
    found = await session.execute(
        select(SignInLink, func.coalesce(User.email, User.name))
        .join(User, User.id == SignInLink.user_id)
        .where(SignInLink.handle.is_not(None), *_unused())
        .order_by(SignInLink.created_at.desc(), SignInLink.handle)
        .limit(limit)
    )
    return [
        InvitationRecord(
            handle=link.handle,
            user_id=link.user_id,
            email=email,
            created_at=link.created_at,
            expires_at=link.expires_at,
        )
        for link, email in found
        if link.handle is not None
    ]


async def revoke_invitation(
    session: AsyncSession, handle: uuid.UUID
) -> tuple[uuid.UUID, str] | None:
    """End an invitation: (whose it was, their address). None: there is none that waits."""
    gone = await session.execute(
        delete(SignInLink)
        .where(SignInLink.handle == handle, *_unused())
        .returning(SignInLink.user_id)
    )
    user_id = gone.scalar_one_or_none()
    user = None if user_id is None else await session.get(User, user_id)
    return None if user is None else (user.id, user.email or user.name)


async def active_campaigns(session: AsyncSession, owner_id: uuid.UUID) -> list[uuid.UUID]:
    """Those that go out, now or at their time, in the order of their ids."""
    found = await session.execute(
        select(Campaign.id)
        .where(Campaign.owner_id == owner_id, Campaign.state == CampaignState.ACTIVE)
        .order_by(Campaign.id)
    )
    return list(found.scalars())


async def active_senders(session: AsyncSession, owner_id: uuid.UUID) -> list[uuid.UUID]:
    """Those that may send, in the order of their ids."""
    found = await session.execute(
        select(Sender.id)
        .where(
            Sender.owner_id == owner_id,
            Sender.state == SenderState.ACTIVE,
            Sender.deleted_at.is_(None),
        )
        .order_by(Sender.id)
    )
    return list(found.scalars())


async def _with_figures(
    session: AsyncSession, query: Select[User], idle_after: timedelta
) -> list[PersonRecord]:
    """What is asked for, each with what there is of theirs."""
    sign_ins = select(func.count()).where(
        Session.user_id == User.id,
        Session.expires_at > func.now(),
        Session.seen_at > func.now() - idle_after,
    )
    keys = select(func.count()).where(
        ApiKey.user_id == User.id,
        ApiKey.revoked_at.is_(None),
        func.coalesce(ApiKey.expires_at > func.now(), True),
    )
    campaigns = select(func.count()).where(
        Campaign.owner_id == User.id, Campaign.state == CampaignState.ACTIVE, ~Campaign.is_test
    )
    invited = select(func.max(SignInLink.expires_at)).where(
        SignInLink.user_id == User.id, SignInLink.handle.is_not(None), *_unused()
    )
    connected = select(
        func.array_agg(aggregate_order_by(ConnectedIdentity.issuer, ConnectedIdentity.issuer))
    ).where(ConnectedIdentity.user_id == User.id)
    figures = (sign_ins, keys, campaigns, invited, connected)
    rows = await session.execute(query.add_columns(*(f.scalar_subquery() for f in figures)))
    return [
        PersonRecord(
            user=record_of(row[0]),
            created_at=row[0].created_at,
            seen_at=row[0].seen_at,
            disabled_at=row[0].disabled_at,
            sign_ins=row[1],
            keys=row[2],
            campaigns=row[3],
            invited_until=row[4],
            connected=tuple(row[5] or ()),
        )
        for row in rows
    ]


def _having(q: str | None) -> list[ColumnElement[bool]]:
    said = func.concat_ws(" ", User.email, User.name, User.issuer)
    return [said.icontains(word, autoescape=True) for word in (q or "").split()]


def _unused() -> tuple[ColumnElement[bool], ...]:
    return (SignInLink.used_at.is_(None), SignInLink.expires_at > func.now())
