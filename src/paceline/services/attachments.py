"""Attachments and inline images: what is taken at all, by `received`, `checked` and `attach`; and
those of campaigns: add, list, remove, while they are drafts. What is still being written has its
files in `draft_files`, by the same rules.

An upload is received whole, within its bound, before a transaction is opened. Once a campaign has
been launched its files stand like its text: some of its recipients may have them already.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from paceline.delivery import Attachment, InlineImages, image_type, media_type_of
from paceline.domain.bounds import MAX_ATTACHED_OCTETS, MAX_ATTACHMENT_OCTETS, MAX_ATTACHMENTS
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignState
from paceline.errors import Conflict, InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores.attachments import CAMPAIGN_FILES, AttachmentRecord, Files
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services.imports import FileTooLarge
from paceline.services.quotas import Quotas

_NAMES = re.compile(r"cid:[^\"'\s>]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """What a file is called and said to be. `content_id`: by which HTML may show it, if inline."""

    file_name: str
    content_type: str
    inline: bool = False
    content_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """A picture that was put into the text, which shows it by this name."""

    file_name: str
    content_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    """A file as it may be shown, without what is in it."""

    id: uuid.UUID
    file_name: str
    content_type: str
    octets: int
    inline: bool
    content_id: str | None
    created_at: datetime


class Attachments:
    """The files of an owner's campaigns."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        self._database = database
        self._quotas = quotas

    async def add(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        new: NewAttachment,
        chunks: AsyncIterator[bytes],
        *,
        reserved_id: uuid.UUID | None = None,
    ) -> AttachmentView:
        """Attach a file to a draft; under an id that was reserved for it, only once.

        Raises `InvalidInput`, `FileTooLarge` past a bound, `Conflict` when it is no draft.
        """
        async with self._database.transaction() as session:
            await _draft(session, owner_id, campaign_id)
        content = await received(chunks)
        file = checked(new, content, attachment_id := reserved_id or new_id())
        async with self._database.transaction() as session:
            await _draft(session, owner_id, campaign_id)
            view, is_new = await attach(session, CAMPAIGN_FILES, campaign_id, attachment_id, file)
            if is_new:
                await self._quotas.take(session, owner_id, octets=view.octets)
            return view

    async def add_once(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        new: NewAttachment | NewImage,
        chunks: AsyncIterator[bytes],
    ) -> None:
        """Attach a file to a draft unless the very same one is there. Raises as `add` does."""
        content = await received(chunks)
        file = checked(new, content, attachment_id := new_id())
        async with self._database.transaction() as session:
            await _draft(session, owner_id, campaign_id)
            if not await is_there(session, CAMPAIGN_FILES, campaign_id, file):
                apart = isinstance(new, NewImage)
                await attach(session, CAMPAIGN_FILES, campaign_id, attachment_id, file, apart=apart)
                await self._quotas.take(session, owner_id, octets=len(content))

    async def drop_unshown(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> None:
        """Take the images off a draft that its HTML does not show. Raises as `remove` does."""
        async with self._database.transaction() as session:
            record = await _draft(session, owner_id, campaign_id)
            await drop_unshown(session, CAMPAIGN_FILES, campaign_id, record.html_body)

    async def all_of(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> list[AttachmentView]:
        """The files of a campaign, in their order."""
        async with self._database.transaction() as session:
            if await campaign_store.campaign(session, owner_id, campaign_id) is None:
                raise NotFound("there is no such campaign")
            return await views_of(session, CAMPAIGN_FILES, campaign_id)

    async def sent_along(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> list[AttachmentView]:
        """Those of them that its emails take along, as its message stands."""
        async with self._database.transaction() as session:
            record = await campaign_store.campaign(session, owner_id, campaign_id)
            if record is None:
                raise NotFound("there is no such campaign")
            there = await views_of(session, CAMPAIGN_FILES, campaign_id)
            return going_along(there, record.html_body)

    async def remove(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, attachment_id: uuid.UUID
    ) -> None:
        """Take a file off a draft. Raises `NotFound`; `Conflict` when it is no draft."""
        async with self._database.transaction() as session:
            await _draft(session, owner_id, campaign_id)
            if not await CAMPAIGN_FILES.delete(session, campaign_id, attachment_id):
                raise NotFound("there is no such attachment")


async def _draft(session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignRecord:
    """Keep other commands about this draft waiting. Raises `NotFound` or `Conflict`."""
    await campaign_store.take_turns(session, campaign_id, patient=False)
    record = await campaign_store.campaign(session, owner_id, campaign_id)
    if record is None:
        raise NotFound("there is no such campaign")
    if record.state != CampaignState.DRAFT:
        raise Conflict(
            f"attachments can be changed in a draft only, and this campaign is {record.state}"
        )
    return record


async def received(chunks: AsyncIterator[bytes]) -> bytes:
    """A file, whole. Raises `FileTooLarge`, and `InvalidInput` for nothing at all."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > MAX_ATTACHMENT_OCTETS:
            raise FileTooLarge.of("file", f"is larger than {MAX_ATTACHMENT_OCTETS >> 20} MiB")
    if not content:
        raise InvalidInput.of("file", "holds nothing")
    return bytes(content)


def checked(new: NewAttachment | NewImage, content: bytes, attachment_id: uuid.UUID) -> Attachment:
    """A file as it may go along. Raises `InvalidInput`."""
    if isinstance(new, NewImage):
        return _checked_image(new, content)
    if new.content_id is not None and not new.inline:
        raise InvalidInput.of("content_id", "is for inline images: say inline=true as well")
    return Attachment(
        file_name=new.file_name,
        content_type=media_type_of(new.content_type, new.file_name, content),
        content=content,
        content_id=(new.content_id or attachment_id.hex) if new.inline else None,
    )


def _checked_image(new: NewImage, content: bytes) -> Attachment:
    kind = image_type(content)
    if kind is None:
        raise InvalidInput.of("file", "is no PNG, JPEG, GIF or WebP: mail programs show no other")
    return Attachment(
        file_name=new.file_name, content_type=kind, content=content, content_id=new.content_id
    )


async def is_there(session: Session, files: Files, holder_id: uuid.UUID, file: Attachment) -> bool:
    """Whether its holder has the very same file: it may be sent again."""
    return await files.has(
        session,
        holder_id,
        file_name=file.file_name,
        content=file.content,
        content_id=file.content_id,
    )


async def attach(
    session: Session,
    files: Files,
    holder_id: uuid.UUID,
    attachment_id: uuid.UUID,
    file: Attachment,
    *,
    apart: bool = False,
) -> tuple[AttachmentView, bool]:
    """Store it behind the others of its holder, which is locked; whether it was not there yet.

    `apart`: where its name is taken it gets another: clipboards call all that they hold the same.
    Raises `FileTooLarge` and `InvalidInput` where they leave no room for it, or have its name.
    """
    there = await files.all_of(session, holder_id)
    is_new = all(known.id != attachment_id for known in there)
    if is_new:
        file = _named_apart(file, there) if apart else file
        _refuse(file, there)
        await files.insert(
            session,
            holder_id,
            id=attachment_id,
            position=max((known.position for known in there), default=0) + 1,
            file_name=file.file_name,
            content_type=file.content_type,
            content=file.content,
            content_id=file.content_id,
        )
        there = await files.all_of(session, holder_id)
    return next(_view(known) for known in there if known.id == attachment_id), is_new


async def views_of(session: Session, files: Files, holder_id: uuid.UUID) -> list[AttachmentView]:
    """The files of a holder, in their order."""
    return [_view(record) for record in await files.all_of(session, holder_id)]


def images_among(files: Iterable[AttachmentView]) -> InlineImages:
    """The images that HTML may show, by their names."""
    return InlineImages((file.content_id, file.file_name) for file in files if file.content_id)


def going_along(files: Sequence[AttachmentView], html: str | None) -> list[AttachmentView]:
    """Those that a message takes along: what is attached, and the images that its HTML shows.

    What was taken out of a text is kept as long as it is written: an undo brings it back.
    Whatever has a name that is filled in for each recipient may be any of them.
    """
    if not any(file.content_id for file in files):
        return list(files)
    if any("{{" in name[0] or "{%" in name[0] for name in _NAMES.finditer(html or "")):
        return list(files)
    shown = images_among(files).shown_in(html or "")
    return [file for file in files if file.content_id is None or file.content_id in shown]


async def drop_unshown(
    session: Session, files: Files, holder_id: uuid.UUID, html: str | None
) -> bool:
    """Remove the images that this HTML does not show; whether there were any."""
    there = await views_of(session, files, holder_id)
    shown = going_along(there, html)
    unshown = [file for file in there if file not in shown]
    for file in unshown:
        await files.delete(session, holder_id, file.id)
    return bool(unshown)


def inline_names(files: Iterable[AttachmentView | AttachmentRecord]) -> frozenset[str]:
    """By which HTML may show the images among them."""
    return frozenset(
        name for file in files if file.content_id for name in (file.file_name, file.content_id)
    )


def _named_apart(file: Attachment, there: Sequence[AttachmentRecord]) -> Attachment:
    taken = {known.file_name for known in there}
    stem, dot, ending = file.file_name.rpartition(".")
    others = (f"{stem}-{number}{dot}{ending}" for number in range(2, len(there) + 3))
    free = (name for name in (file.file_name, *others) if name not in taken)
    return replace(file, file_name=next(free))


def _refuse(file: Attachment, there: Sequence[AttachmentRecord]) -> None:
    """What the campaign has already may leave no room for it, or have its name."""
    if len(there) >= MAX_ATTACHMENTS:
        raise FileTooLarge.of("file", f"is one too many: a campaign has at most {MAX_ATTACHMENTS}")
    if sum(known.octets for known in there) + len(file.content) > MAX_ATTACHED_OCTETS:
        limit = MAX_ATTACHED_OCTETS >> 20
        raise FileTooLarge.of("file", f"makes the campaign's files larger than {limit} MiB")
    if file.content_id is None:
        return
    taken = {
        name for known in there if known.content_id for name in (known.file_name, known.content_id)
    }
    for field in ("file_name", "content_id"):
        if getattr(file, field) in taken:
            raise InvalidInput.of(field, "is that of another inline image of this campaign")


def _view(record: AttachmentRecord) -> AttachmentView:
    return AttachmentView(
        id=record.id,
        file_name=record.file_name,
        content_type=record.content_type,
        octets=record.octets,
        inline=record.content_id is not None,
        content_id=record.content_id,
        created_at=record.created_at,
    )
