"""The audit log: who did what, when, from where. Written in the transaction that does it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    cast,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import AuditEntry, User

_about = literal_column("(audit_log.detail ->> 'id')", Text())  # as its index has it


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One thing that somebody did. `owner`: whose account it was about, in words."""

    id: int
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]
    at: datetime
    owner_id: uuid.UUID | None = None
    owner: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """One thing that is being done. `owner_id`: whose account it is about, if anybody's."""

    owner_id: uuid.UUID | None
    actor: str
    actor_id: uuid.UUID | None
    address: str | None
    action: str
    subject: str
    detail: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEntries:
    """`owner_id` None: of everybody. `person`: what they did, or what was done to theirs."""

    owner_id: uuid.UUID | None
    person: uuid.UUID | None = None
    actions: Collection[str] | None = None
    begin: datetime | None = None
    end: datetime | None = None
    q: str | None = None


async def note(session: AsyncSession, entry: NewEntry) -> int:
    """Write down what is being done; the row's id."""
    made = await session.execute(insert(AuditEntry).values(asdict(entry)).returning(AuditEntry.id))
    return made.scalar_one()


async def complete(session: AsyncSession, entry: int, detail: Mapping[str, object]) -> None:
    """Add how it ended."""
    added = AuditEntry.detail.op("||")(cast(dict(detail), JSONB))
    await session.execute(update(AuditEntry).where(AuditEntry.id == entry).values(detail=added))


async def entries(
    session: AsyncSession, owner_id: uuid.UUID, *, actions: Sequence[str], limit: int
) -> list[AuditRecord]:
    """What was done of these kinds, the newest first."""
    wanted = WantedEntries(owner_id=owner_id, actions=actions)
    return await wanted_entries(session, wanted, before=None, limit=limit)


async def acts_about(
    session: AsyncSession,
    owner_id: uuid.UUID,
    about: uuid.UUID,
    *,
    actions: Sequence[str],
    limit: int,
) -> list[AuditRecord]:
    """What was done of these kinds to one thing of the owner's: the newest, the oldest first."""
    found = await session.execute(
        select(AuditEntry)
        .where(
            _about == str(about), AuditEntry.owner_id == owner_id, AuditEntry.action.in_(actions)
        )
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    entries = [
        AuditRecord(
            id=entry.id,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
            at=entry.at,
        )
        for entry in found.scalars()
    ]
    return entries[::-1]


async def wanted_entries(
    session: AsyncSession, wanted: WantedEntries, *, before: int | None, limit: int
) -> list[AuditRecord]:
    """What is wanted of the log, the newest first, from below `before` on."""
    query = _wanted(wanted)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    found = await session.execute(query.order_by(AuditEntry.id.desc()).limit(limit))
    return [
        AuditRecord(
            id=entry.id,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
            at=entry.at,
            owner_id=entry.owner_id,
            owner=email or name,
            address=entry.address,
        )
        for entry, email, name in found
    ]


def _wanted(wanted: WantedEntries) -> Select[AuditEntry, str | None, str]:
    query = select(AuditEntry, User.email, User.name).outerjoin(
        User, User.id == AuditEntry.owner_id
    )
    conditions: list[ColumnElement[bool]] = []
    if wanted.owner_id is not None:
        conditions.append(AuditEntry.owner_id == wanted.owner_id)
    if wanted.person is not None:
        theirs = (AuditEntry.owner_id == wanted.person, AuditEntry.actor_id == wanted.person)
        conditions.append(or_(*theirs))
    if wanted.actions is not None:
        conditions.append(AuditEntry.action.in_(wanted.actions))
    if wanted.begin is not None:
        conditions.append(AuditEntry.at >= wanted.begin)
    if wanted.end is not None:
        conditions.append(AuditEntry.at < wanted.end)
    if wanted.q:
        said = func.concat_ws(" ", AuditEntry.actor, AuditEntry.subject, AuditEntry.address)
        conditions += [said.icontains(word, autoescape=True) for word in wanted.q.split()]
    return query.where(*conditions)
