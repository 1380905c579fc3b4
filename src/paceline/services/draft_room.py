"""How much drafts may keep: those being written, and all with what was deleted or scheduled."""

from __future__ import annotations

import uuid

from paceline.errors import InvalidInput
from paceline.persistence.stores import drafts as store
from paceline.persistence.stores.room import Room, take_turns
from paceline.persistence.stores.session import Session

# Octets of all lists and files of an owner's drafts.
MAX_WRITTEN_OCTETS = 500 * 1024 * 1024  # of those that are being written
MAX_KEPT_OCTETS = 2 * MAX_WRITTEN_OCTETS  # with those that can be had back


async def refuse_beyond_room(session: Session, owner_id: uuid.UUID, field: str) -> None:
    """Judge what this transaction has stored already. Where room is short, the drafts that were
    deleted first go for good before their time.

    Raises `InvalidInput` about `field`, at which nothing of this transaction may stay.
    """
    await take_turns(session, owner_id, Room.DRAFT_OCTETS)
    written, kept = await store.kept_octets(session, owner_id)
    if written > MAX_WRITTEN_OCTETS:
        raise InvalidInput.of(field, "leaves no room: delete drafts that you do not need")
    while kept > MAX_KEPT_OCTETS:
        if not await store.drop_first_deleted(session, owner_id):
            why = "leaves no room beside what is scheduled: try again when that has gone out"
            raise InvalidInput.of(field, why)
        _, kept = await store.kept_octets(session, owner_id)
