"""The files of drafts: attached while a message is written, the campaign's once it is scheduled.

The rules are those of a campaign's files (`attachments`). Each change makes the draft another
version: what was reviewed is what goes along.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from paceline.domain.identifiers import new_id
from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores import drafts as store
from paceline.persistence.stores.attachments import CAMPAIGN_FILES, DRAFT_FILES
from paceline.services.attachments import (
    AttachmentView,
    NewAttachment,
    NewImage,
    attach,
    checked,
    drop_unshown,
    is_there,
    received,
    views_of,
)
from paceline.services.draft_room import refuse_beyond_room
from paceline.services.drafts import Saving, draft_to_change, saved
from paceline.services.imports import FileTooLarge


class DraftFiles:
    """The files of an owner's drafts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all_of(self, owner_id: uuid.UUID, draft_id: uuid.UUID) -> list[AttachmentView]:
        """Those of one draft, in their order; none of one that is not stored yet."""
        async with self._database.transaction() as session:
            if await store.draft(session, owner_id, draft_id) is None:
                return []
            return await views_of(session, DRAFT_FILES, draft_id)

    async def add(
        self,
        owner_id: uuid.UUID,
        draft_id: uuid.UUID,
        new: NewAttachment | NewImage,
        chunks: AsyncIterator[bytes],
        saving: Saving,
    ) -> None:
        """Attach a file; the very same one only once, so that it may be sent again.

        Where there is no room for it, images that were taken out of the text make some.
        Raises as `Drafts.save` does, `InvalidInput`, and `FileTooLarge` past a bound.
        """
        content = await received(chunks)
        file = checked(new, content, file_id := new_id())
        async with self._database.transaction() as session:
            draft = await draft_to_change(session, owner_id, draft_id, saving)
            if await is_there(session, DRAFT_FILES, draft_id, file):
                return
            apart = isinstance(new, NewImage)
            try:
                await attach(session, DRAFT_FILES, draft_id, file_id, file, apart=apart)
            except FileTooLarge:
                if not await drop_unshown(session, DRAFT_FILES, draft_id, draft.body):
                    raise
                await attach(session, DRAFT_FILES, draft_id, file_id, file, apart=apart)
            await store.change_draft(session, draft_id, saved(saving))
            await refuse_beyond_room(session, owner_id, "file")

    async def remove(
        self, owner_id: uuid.UUID, draft_id: uuid.UUID, file_id: uuid.UUID, saving: Saving
    ) -> None:
        """Take a file off; one that is gone already stays so. Raises as `Drafts.save` does."""
        async with self._database.transaction() as session:
            await draft_to_change(session, owner_id, draft_id, saving)
            if await DRAFT_FILES.delete(session, draft_id, file_id):
                await store.change_draft(session, draft_id, saved(saving))

    async def copy_from_campaign(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, draft_id: uuid.UUID
    ) -> None:
        """Give a draft that has none the files of a campaign.

        Raises `NotFound`, and `InvalidInput` where there is no room for them.
        """
        async with self._database.transaction() as session:
            if await campaign_store.campaign(session, owner_id, campaign_id) is None:
                raise NotFound("there is no such campaign")
            if await store.draft(session, owner_id, draft_id, for_update=True) is None:
                raise NotFound("there is no such draft")
            if not await DRAFT_FILES.all_of(session, draft_id):
                await CAMPAIGN_FILES.copy_to(DRAFT_FILES, session, campaign_id, draft_id)
                await refuse_beyond_room(session, owner_id, "file")
