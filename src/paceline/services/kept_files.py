"""What is in the files of campaigns and drafts: to be downloaded, or shown where HTML does."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns, drafts
from paceline.persistence.stores.attachments import CAMPAIGN_FILES, DRAFT_FILES, Files
from paceline.persistence.stores.session import Session
from paceline.services.attachments import AttachmentView, going_along, views_of

MAX_SHOWN_OCTETS = 2 * 1024 * 1024  # of the images in one preview, which carries them in itself


Holder: TypeAlias = Callable[[Session, uuid.UUID, uuid.UUID], Awaitable[object | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownImage:
    """An image with what is in it; None: that is too much to be shown."""

    file: AttachmentView
    content: bytes | None


class KeptFiles:
    """Reads the files of an owner's campaigns, or of their drafts."""

    def __init__(self, database: Database, files: Files, holder: Holder) -> None:
        self._database = database
        self._files = files
        self._holder = holder

    @classmethod
    def of_campaigns(cls, database: Database) -> KeptFiles:
        """Those that go with campaigns."""
        return cls(database, CAMPAIGN_FILES, campaigns.campaign)

    @classmethod
    def of_drafts(cls, database: Database) -> KeptFiles:
        """Those of what is being written."""
        return cls(database, DRAFT_FILES, drafts.draft)

    async def file(
        self, owner_id: uuid.UUID, holder_id: uuid.UUID, file_id: uuid.UUID
    ) -> tuple[AttachmentView, bytes]:
        """One file, whole. Raises `NotFound`."""
        return await self._one(owner_id, holder_id, lambda file: file.id == file_id)

    async def image(
        self, owner_id: uuid.UUID, holder_id: uuid.UUID, content_id: str
    ) -> tuple[AttachmentView, bytes]:
        """One inline image, by what the HTML calls it. Raises `NotFound`."""
        return await self._one(owner_id, holder_id, lambda file: file.content_id == content_id)

    async def images_shown(
        self, owner_id: uuid.UUID, holder_id: uuid.UUID, html: str | None
    ) -> list[ShownImage]:
        """The images that this HTML shows, the first `MAX_SHOWN_OCTETS` with what is in them.

        None of one that is not there, or not stored yet.
        """
        room, shown = MAX_SHOWN_OCTETS, []
        async with self._database.transaction() as session:
            if not html or await self._holder(session, owner_id, holder_id) is None:
                return []
            there = await views_of(session, self._files, holder_id)
            for file in going_along([file for file in there if file.inline], html):
                content = None
                if file.octets <= room:
                    room -= file.octets
                    content = await self._files.content(session, holder_id, file.id)
                shown.append(ShownImage(file=file, content=content))
        return shown

    async def _one(
        self, owner_id: uuid.UUID, holder_id: uuid.UUID, is_it: Callable[[AttachmentView], bool]
    ) -> tuple[AttachmentView, bytes]:
        async with self._database.transaction() as session:
            if await self._holder(session, owner_id, holder_id) is not None:
                for file in filter(is_it, await views_of(session, self._files, holder_id)):
                    content = await self._files.content(session, holder_id, file.id)
                    if content is not None:
                        return file, content
        raise NotFound("there is no such file")
