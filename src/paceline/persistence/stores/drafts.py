"""Drafts and their lists of recipients, always through their owner."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import (
    Campaign,
    Draft,
    DraftAttachment,
    DraftListPiece,
    Suppression,
)

_FETCHED = 5_000  # suppressed addresses at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRecord:
    """A draft as stored, without what is in its list."""

    id: uuid.UUID
    owner_id: uuid.UUID
    version: int
    saved_by: str
    saved_turn: int
    name: str
    sender_id: str
    subject: str
    body: str
    format: str
    when: str
    start: str
    time_zone: str
    min_delay: str
    hourly_limit: str
    encoding: str
    header_line: str
    address_column: str
    opt_out_column: str
    opt_in_column: str
    opted_out: str
    list_id: uuid.UUID | None
    list_name: str | None
    list_octets: int | None
    campaign_id: uuid.UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


_RECORD = select(*(getattr(Draft, name) for name in DraftRecord.__slots__))


async def draft(
    session: AsyncSession, owner_id: uuid.UUID, draft_id: uuid.UUID, *, for_update: bool = False
) -> DraftRecord | None:
    """One of this owner's drafts, deleted and scheduled ones included."""
    query = _RECORD.where(Draft.id == draft_id, Draft.owner_id == owner_id)
    if for_update:
        query = query.with_for_update()
    row = (await session.execute(query)).one_or_none()
    return None if row is None else DraftRecord(**row._mapping)


async def of_campaign(
    session: AsyncSession, owner_id: uuid.UUID, campaign_id: uuid.UUID
) -> DraftRecord | None:
    """What a campaign was scheduled from."""
    query = _RECORD.where(Draft.campaign_id == campaign_id, Draft.owner_id == owner_id)
    row = (await session.execute(query.limit(1))).one_or_none()
    return None if row is None else DraftRecord(**row._mapping)


async def open_drafts(session: AsyncSession, owner_id: uuid.UUID) -> list[DraftRecord]:
    """Those that are being written, the last touched first."""
    query = _RECORD.where(_open(owner_id)).order_by(Draft.updated_at.desc(), Draft.id.desc())
    return [DraftRecord(**row._mapping) for row in await session.execute(query)]


async def how_many(session: AsyncSession, owner_id: uuid.UUID) -> int:
    """How many are being written."""
    counted = select(func.count()).select_from(Draft).where(_open(owner_id))
    return (await session.execute(counted)).scalar_one()


async def kept_octets(session: AsyncSession, owner_id: uuid.UUID) -> tuple[int, int]:
    """The octets of lists and files of (those that are being written, all of this owner's)."""
    files = select(func.coalesce(func.sum(func.octet_length(DraftAttachment.content)), 0)).where(
        DraftAttachment.draft_id == Draft.id
    )
    octets = func.sum(func.coalesce(Draft.list_octets, 0) + files.scalar_subquery())
    written = func.coalesce(octets.filter(_open(owner_id)), 0)
    query = select(written, func.coalesce(octets, 0)).where(Draft.owner_id == owner_id)
    row = (await session.execute(query)).one()
    return int(row[0]), int(row[1])


async def drop_first_deleted(session: AsyncSession, owner_id: uuid.UUID) -> bool:
    """Remove for good the one with a list or files that was deleted first. False: there is none.

    One that somebody else is about to change, to have it back, is passed over.
    """
    has_files = select(DraftAttachment.id).where(DraftAttachment.draft_id == Draft.id).exists()
    first = (
        select(Draft.id)
        .where(Draft.owner_id == owner_id, Draft.deleted_at.is_not(None))
        .where(or_(Draft.list_octets > 0, has_files))
        .order_by(Draft.deleted_at, Draft.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    gone = delete(Draft).where(Draft.id == first.scalar_subquery()).returning(Draft.id)
    return (await session.execute(gone)).one_or_none() is not None


async def drop_deleted_beyond(session: AsyncSession, owner_id: uuid.UUID, most: int) -> None:
    """Remove for good what was deleted before the last `most`; others at work are passed over."""
    too_many = (
        select(Draft.id)
        .where(Draft.owner_id == owner_id, Draft.deleted_at.is_not(None))
        .order_by(Draft.deleted_at.desc(), Draft.id.desc())
        .offset(most)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(Draft).where(Draft.id.in_(too_many)))


async def insert_draft(session: AsyncSession, **values: object) -> None:
    """Store a new one. Nothing happens where there is one of this id, whoever's it is."""
    await session.execute(insert(Draft).values(**values).on_conflict_do_nothing())


async def change_draft(
    session: AsyncSession, draft_id: uuid.UUID, changes: Mapping[str, object]
) -> None:
    """Change some columns of one that is locked, which makes it another version."""
    await session.execute(
        update(Draft)
        .where(Draft.id == draft_id)
        .values(**changes, version=Draft.version + 1, updated_at=func.clock_timestamp())
    )


async def put_pieces(session: AsyncSession, draft_id: uuid.UUID, pieces: Iterable[bytes]) -> None:
    """The list of a draft, in place of the one that it had."""
    await session.execute(delete(DraftListPiece).where(DraftListPiece.draft_id == draft_id))
    for position, content in enumerate(pieces):
        await session.execute(
            insert(DraftListPiece).values(draft_id=draft_id, position=position, content=content)
        )


async def piece(session: AsyncSession, draft_id: uuid.UUID, position: int) -> bytes | None:
    """One piece of its list; None past the end."""
    query = select(DraftListPiece.content).where(
        DraftListPiece.draft_id == draft_id, DraftListPiece.position == position
    )
    return (await session.execute(query)).scalar_one_or_none()


async def tidy(
    session: AsyncSession, owner_id: uuid.UUID, *, keep_deleted: timedelta, keep_used: timedelta
) -> None:
    """Remove what was deleted long ago, and what became of a campaign that nobody can take back."""
    gone_off = (
        select(Campaign.id)
        .where(Campaign.id == Draft.campaign_id, Campaign.sent + Campaign.failed > 0)
        .exists()
    )
    await session.execute(
        delete(Draft).where(
            Draft.owner_id == owner_id,
            or_(
                Draft.deleted_at < func.now() - keep_deleted,
                and_(gone_off, Draft.updated_at < func.now() - keep_used),
            ),
        )
    )


async def suppressed_hashes(session: AsyncSession, owner_id: uuid.UUID) -> frozenset[int]:
    """`hash(key)` of each suppressed address: of this process, and a third of their size."""
    query = select(Suppression.address_key).where(Suppression.owner_id == owner_id)
    keys = await session.stream_scalars(query.execution_options(yield_per=_FETCHED))
    return frozenset([hash(key) async for key in keys])


def _open(owner_id: uuid.UUID) -> ColumnElement[bool]:
    return and_(Draft.owner_id == owner_id, Draft.campaign_id.is_(None), Draft.deleted_at.is_(None))
