"""Drafts: what stands on a compose page, kept while it is written, with its list of recipients.

Nothing is checked but its size: what was typed is kept as it was typed. Two pages that write the
same draft never overwrite each other unseen: a save names the version that it goes by.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from paceline.domain.bounds import MAX_BODY_OCTETS
from paceline.domain.identifiers import new_id
from paceline.errors import Conflict, InvalidInput, NotFound, Outdated
from paceline.persistence.database import Database
from paceline.persistence.moments import NOW
from paceline.persistence.stores import drafts as store
from paceline.persistence.stores.drafts import DraftRecord
from paceline.persistence.stores.room import Room, take_turns
from paceline.persistence.stores.session import Session
from paceline.services.draft_room import refuse_beyond_room
from paceline.services.imports import IN_MEMORY_OCTETS, pieces_of, receive

MAX_DRAFTS = 200  # of an owner, being written; and as many that were deleted
MAX_TYPED = {"body": 4 * MAX_BODY_OCTETS, "subject": 20_000}  # characters
MAX_FIELD = 4_000  # characters of any other field
MAX_PAGE_NAME = 100
PIECE_OCTETS = 1024 * 1024
KEEP_DELETED = timedelta(days=7)
KEEP_USED = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The fields of a draft, as they were typed."""

    name: str = ""
    sender_id: str = ""
    subject: str = ""
    body: str = ""
    format: str = ""
    when: str = ""
    start: str = ""
    time_zone: str = ""
    min_delay: str = ""
    hourly_limit: str = ""
    encoding: str = ""
    header_line: str = ""
    address_column: str = ""
    opt_out_column: str = ""
    opt_in_column: str = ""
    opted_out: str = ""


NAMES = tuple(field.name for field in fields(Typed))
READING = NAMES[NAMES.index("encoding") :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Who saves, and on top of what. `version` 0: there is none yet.

    `page` names one page in one tab: what it saved last itself it may save over, since the answer
    to that may have been lost. `turn` counts its saves: one that comes late changes nothing.
    """

    version: int
    page: str
    turn: int = 0


class Drafts:
    """The drafts of an owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, owner_id: uuid.UUID, draft_id: uuid.UUID) -> DraftRecord:
        """One of them, deleted and scheduled ones included. Raises `NotFound`."""
        async with self._database.transaction() as session:
            return _existing(await store.draft(session, owner_id, draft_id))

    async def of_campaign(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> DraftRecord | None:
        """What a campaign was scheduled from, as long as it is kept."""
        async with self._database.transaction() as session:
            return await store.of_campaign(session, owner_id, campaign_id)

    async def all_open(self, owner_id: uuid.UUID) -> list[DraftRecord]:
        """Those that are being written, the last touched first."""
        async with self._database.transaction() as session:
            return await store.open_drafts(session, owner_id)

    async def how_many(self, owner_id: uuid.UUID) -> int:
        """How many are being written."""
        async with self._database.transaction() as session:
            return await store.how_many(session, owner_id)

    async def save(
        self, owner_id: uuid.UUID, draft_id: uuid.UUID, typed: Mapping[str, str], saving: Saving
    ) -> DraftRecord:
        """Keep these fields; the others stay as they are. The first save makes the draft.

        Raises `Outdated` where another page saved meanwhile, `Conflict` once it is scheduled, and
        `InvalidInput` for what is too long.
        """
        changes = _bounded(typed)
        async with self._database.transaction() as session:
            record = await draft_to_change(session, owner_id, draft_id, saving)
            if record.saved_by == saving.page and record.saved_turn > saving.turn:
                return record
            changes = {
                name: text for name, text in changes.items() if getattr(record, name) != text
            }
            if not changes and record.saved_by == saving.page and record.deleted_at is None:
                return record
            await store.change_draft(session, draft_id, {**changes, **saved(saving)})
            return _existing(await store.draft(session, owner_id, draft_id))

    async def put_list(
        self,
        owner_id: uuid.UUID,
        draft_id: uuid.UUID,
        name: str,
        chunks: AsyncIterator[bytes],
        saving: Saving,
        *,
        fresh: bool = False,
    ) -> DraftRecord:
        """Keep a list of recipients with it, in place of the one that it had.

        `fresh`: how the one before was to be read says nothing about this one. Raises as `save`
        does, `FileTooLarge`, and `InvalidInput` for what has no name, since it was typed, over a
        file.
        """
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as spool:
            octets = await receive(chunks, spool)
            async with self._database.transaction() as session:
                record = await draft_to_change(session, owner_id, draft_id, saving)
                if record.list_name and not name:
                    there = f"{record.list_name} is the list. Remove it to type addresses"
                    raise InvalidInput.of("addresses", f"were not taken: {there}")
                await store.put_pieces(session, draft_id, pieces_of(spool, PIECE_OCTETS))
                title = {"list_id": new_id(), "list_name": _clean(name)[:200]}
                anew = dict.fromkeys(READING, "") if fresh else {}
                about = {**title, "list_octets": octets, **anew}
                await store.change_draft(session, draft_id, {**about, **saved(saving)})
                await refuse_beyond_room(session, owner_id, "file")
                return _existing(await store.draft(session, owner_id, draft_id))

    async def drop_list(
        self, owner_id: uuid.UUID, draft_id: uuid.UUID, saving: Saving
    ) -> DraftRecord:
        """Forget its list, and how that was to be read. Raises as `save` does."""
        async with self._database.transaction() as session:
            await draft_to_change(session, owner_id, draft_id, saving)
            await store.put_pieces(session, draft_id, [])
            nothing = dict.fromkeys(("list_id", "list_name", "list_octets"))
            anew = dict.fromkeys(READING, "")
            await store.change_draft(session, draft_id, {**nothing, **anew, **saved(saving)})
            return _existing(await store.draft(session, owner_id, draft_id))

    async def list_of(self, draft: DraftRecord) -> AsyncIterator[bytes]:
        """Its list, in pieces; no transaction is open in between."""
        position = 0
        while draft.list_id is not None:
            async with self._database.transaction() as session:
                piece = await store.piece(session, draft.id, position)
            if piece is None:
                return
            yield piece
            position += 1

    async def delete(self, owner_id: uuid.UUID, draft_id: uuid.UUID) -> DraftRecord:
        """Throw it away; for a week it can be had back, or until room is short. Raises `Conflict`
        once it is scheduled."""
        return await self._set_deleted(owner_id, draft_id, deleted=True)

    async def restore(self, owner_id: uuid.UUID, draft_id: uuid.UUID) -> DraftRecord:
        """Have it back. Raises `InvalidInput` where there are too many, or they keep too much."""
        return await self._set_deleted(owner_id, draft_id, deleted=False)

    async def suppressed(self, owner_id: uuid.UUID) -> frozenset[int]:
        """`hash(key)` of each address that this owner must not mail."""
        async with self._database.transaction() as session:
            return await store.suppressed_hashes(session, owner_id)

    async def _set_deleted(
        self, owner_id: uuid.UUID, draft_id: uuid.UUID, *, deleted: bool
    ) -> DraftRecord:
        async with self._database.transaction() as session:
            record = _existing(await store.draft(session, owner_id, draft_id, for_update=True))
            _refuse_scheduled(record)
            if (record.deleted_at is not None) != deleted:
                if not deleted:
                    await _refuse_more(session, owner_id)
                at = NOW if deleted else None
                await store.change_draft(session, draft_id, {"deleted_at": at, "saved_by": ""})
                if deleted:
                    await store.drop_deleted_beyond(session, owner_id, MAX_DRAFTS)
                else:
                    await refuse_beyond_room(session, owner_id, "draft")
            return _existing(await store.draft(session, owner_id, draft_id))


async def draft_to_change(
    session: Session, owner_id: uuid.UUID, draft_id: uuid.UUID, saving: Saving
) -> DraftRecord:
    """The draft, locked and of the version that was meant; made where there is none yet."""
    if not 0 < len(saving.page) <= MAX_PAGE_NAME:
        raise InvalidInput.of("page", "is not one of ours: reload the page")
    record = await store.draft(session, owner_id, draft_id, for_update=True)
    if record is None and saving.version == 0:
        record = await _made(session, owner_id, draft_id, saving)
    record = _existing(record)
    _refuse_scheduled(record)
    if saving.version != record.version and saving.page != record.saved_by:
        raise Outdated(str(record.version))
    return record


async def mark_scheduled(
    session: Session, owner_id: uuid.UUID, draft_id: uuid.UUID, version: int, campaign_id: uuid.UUID
) -> None:
    """Within the transaction that schedules it: a draft becomes one campaign, once.

    Raises `Conflict` where it did already, `Outdated` where it is not what was looked at.
    """
    record = _existing(await store.draft(session, owner_id, draft_id, for_update=True))
    if record.campaign_id == campaign_id:
        return
    _refuse_scheduled(record)
    if record.version != version:
        raise Outdated(str(record.version))
    await store.change_draft(session, draft_id, {"campaign_id": campaign_id, "deleted_at": None})


async def reopen(
    session: Session, owner_id: uuid.UUID, draft_id: uuid.UUID, campaign_id: uuid.UUID
) -> None:
    """It is this campaign no more, since that was called back before anything left.

    What is another campaign by now, or a draft already, stays so. Raises `NotFound`.
    """
    record = _existing(await store.draft(session, owner_id, draft_id, for_update=True))
    if record.campaign_id == campaign_id:
        await store.change_draft(session, draft_id, {"campaign_id": None})


async def _made(
    session: Session, owner_id: uuid.UUID, draft_id: uuid.UUID, saving: Saving
) -> DraftRecord | None:
    await store.tidy(session, owner_id, keep_deleted=KEEP_DELETED, keep_used=KEEP_USED)
    await _refuse_more(session, owner_id)
    await store.insert_draft(
        session,
        id=draft_id,
        owner_id=owner_id,
        saved_by=saving.page,
        saved_turn=0,
        version=0,
        **dict.fromkeys(NAMES, ""),
    )
    return await store.draft(session, owner_id, draft_id, for_update=True)


async def _refuse_more(session: Session, owner_id: uuid.UUID) -> None:
    await take_turns(session, owner_id, Room.DRAFTS)
    if await store.how_many(session, owner_id) >= MAX_DRAFTS:
        raise InvalidInput.of("draft", f"there are {MAX_DRAFTS} drafts already: delete some")


def saved(saving: Saving) -> dict[str, object]:
    """What a draft keeps of who saved it last."""
    return {"saved_by": saving.page, "saved_turn": saving.turn, "deleted_at": None}


def _bounded(typed: Mapping[str, str]) -> dict[str, str]:
    for name, value in typed.items():
        if len(value) > MAX_TYPED.get(name, MAX_FIELD):
            raise InvalidInput.of(name, "is too long to be kept")
    return {name: _clean(value) for name, value in typed.items() if name in NAMES}


def _clean(text: str) -> str:
    """As PostgreSQL can store it."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _refuse_scheduled(record: DraftRecord) -> None:
    if record.campaign_id is not None:
        raise Conflict("this draft was scheduled already: it is a campaign now")


def _existing(record: DraftRecord | None) -> DraftRecord:
    if record is None:
        raise NotFound("there is no such draft")
    return record
