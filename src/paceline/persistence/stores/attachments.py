"""Files of campaigns and drafts. Whose those are, and whether they may change, is asked before."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Uuid, cast, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from paceline.persistence.models import CampaignAttachment, DraftAttachment


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRecord:
    """A file as stored, without what is in it."""

    id: uuid.UUID
    position: int
    file_name: str
    content_type: str
    content_id: str | None
    octets: int
    created_at: datetime


_STORED = tuple(name for name in AttachmentRecord.__slots__ if name != "octets")
_COPIED = ("position", "file_name", "content_type", "content", "content_id")


class Files:
    """The files of whatever `holder` points to."""

    def __init__(
        self,
        table: type[CampaignAttachment] | type[DraftAttachment],
        holder: InstrumentedAttribute[uuid.UUID],
    ) -> None:
        self._table = table
        self._holder = holder
        # Read from the row's pointer to the content, not from the content.
        octets = func.octet_length(table.content).label("octets")
        self._record = select(*(getattr(table, name) for name in _STORED), octets)

    async def all_of(self, session: AsyncSession, holder_id: uuid.UUID) -> list[AttachmentRecord]:
        """All files of one holder, in their order."""
        query = self._record.where(self._holder == holder_id).order_by(self._table.position)
        return [AttachmentRecord(**row._mapping) for row in await session.execute(query)]

    async def content(
        self, session: AsyncSession, holder_id: uuid.UUID, id: uuid.UUID
    ) -> bytes | None:
        """What is in a file; None when its holder has no such file."""
        query = select(self._table.content).where(self._table.id == id, self._holder == holder_id)
        return (await session.execute(query)).scalar_one_or_none()

    async def has(
        self,
        session: AsyncSession,
        holder_id: uuid.UUID,
        *,
        file_name: str,
        content: bytes,
        content_id: str | None,
    ) -> bool:
        """Whether the very same file is there: an image by its id, any other by its name."""
        is_called = (
            self._table.content_id.is_(None) & (self._table.file_name == file_name)
            if content_id is None
            else self._table.content_id == content_id
        )
        same = is_called & (self._table.content == content)
        query = select(self._table.id).where(self._holder == holder_id, same).limit(1)
        return (await session.execute(query)).first() is not None

    async def insert(self, session: AsyncSession, holder_id: uuid.UUID, **values: object) -> None:
        """Store a file."""
        session.add(self._table(**{self._holder.key: holder_id}, **values))
        await session.flush()

    async def delete(self, session: AsyncSession, holder_id: uuid.UUID, id: uuid.UUID) -> bool:
        """Remove a file. False when its holder has no such file."""
        gone = await session.execute(
            delete(self._table)
            .where(self._table.id == id, self._holder == holder_id)
            .returning(self._table.id)
        )
        return gone.one_or_none() is not None

    async def copy_to(
        self,
        other: Files,
        session: AsyncSession,
        holder_id: uuid.UUID,
        other_id: uuid.UUID,
        *,
        only: Collection[uuid.UUID] | None = None,
    ) -> int:
        """Give another holder, which has none yet, the same files, or `only` some of them.

        Returns their octets.
        """
        columns = [getattr(self._table, name) for name in _COPIED]
        source = select(func.gen_random_uuid(), cast(other_id, Uuid()), *columns)
        source = source.where(self._holder == holder_id)
        if only is not None:
            source = source.where(self._table.id.in_(only))
        names = ["id", other._holder.key, *_COPIED]
        copied = insert(other._table).from_select(names, source)
        octets = func.octet_length(other._table.content)
        return sum((await session.execute(copied.returning(octets))).scalars())


CAMPAIGN_FILES = Files(CampaignAttachment, CampaignAttachment.campaign_id)
DRAFT_FILES = Files(DraftAttachment, DraftAttachment.draft_id)
