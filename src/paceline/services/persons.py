"""All that is kept about one recipient: given out, or wiped.

Whose data it is says the address alone. An owner's is wiped from that owner's data; what belongs to
the installation, such as mail that the dev inbox caught, where the installation's is meant.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from paceline.auth.auditing import note
from paceline.domain.acts import Act
from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.domain.gzip_stream import BrokenGzip, unpacked
from paceline.domain.lifecycle import WAITING, JobState
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import bulk, people, person_exports
from paceline.persistence.stores import wiping as store
from paceline.persistence.stores.session import Session

SOMEBODY = "a recipient"  # the log does not keep whom


class Suppressed(StrEnum):
    """What becomes of the entry of a suppressed address."""

    HASH = "hash"  # it stays suppressed, and nobody reads who it is
    KEEP = "keep"
    DROP = "drop"  # it may be mailed again


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiped:
    """What was done. `left`: rows that still have the address, as their owner wrote it, by table;
    `under_way`: emails that are leaving just now, and keep it until this is asked again."""

    emails: int = 0
    cancelled: int = 0  # of them, which waited
    settled: int = 0  # of them, which were in doubt and count as sent
    suppression: Suppressed | None = None  # None: it was not suppressed
    lists: int = 0  # taken out of drafts: they have to be uploaded anew
    rows: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    under_way: int = 0

    def __add__(self, other: Wiped) -> Wiped:
        return Wiped(
            emails=self.emails + other.emails,
            cancelled=self.cancelled + other.cancelled,
            settled=self.settled + other.settled,
            suppression=self.suppression or other.suppression,
            lists=self.lists + other.lists,
            rows=dict(Counter(self.rows) + Counter(other.rows)),
            left=dict(Counter(self.left) + Counter(other.left)),
            under_way=self.under_way + other.under_way,
        )


class Persons:
    """Recipients, each known by an address."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def export(self, owner_id: uuid.UUID | None, address: str) -> dict[str, Any]:
        """All that is kept, by table. None: of all owners, and of the installation. Raises
        `InvalidInput`."""
        key = _key(address)
        pattern = store.pattern_of(key)
        told: dict[str, Any] = {"address": key}
        for owner in await self._owners(owner_id):
            async with self._database.transaction() as session:
                found = await person_exports.of_owner(session, owner, key, pattern)
                found["drafts"] += [
                    {"id": str(draft), "list": True}
                    for draft in await self._drafts_with(session, owner, key)
                ]
                await note(session, owner, Act.RECIPIENT_EXPORTED, SOMEBODY)
            for table, rows in found.items():
                told.setdefault(table, []).extend(rows)
        if owner_id is None:
            async with self._database.transaction() as session:
                told["inbox"] = await person_exports.caught(session, pattern)
        return told

    async def wipe(
        self, owner_id: uuid.UUID | None, address: str, *, suppressed: Suppressed = Suppressed.HASH
    ) -> Wiped:
        """Take the address out of everything. What waits is cancelled first; what is in doubt
        counts as sent, as nothing of it may go out again. None: of all owners. Raises
        `InvalidInput`."""
        key = _key(address)
        pattern = store.pattern_of(key)
        done = Wiped()
        for owner in await self._owners(owner_id):
            done += await self._of_owner(owner, key, pattern, suppressed)
        if owner_id is None:
            async with self._database.transaction() as session:
                done += Wiped(rows=await store.wipe_of_nobody(session, pattern))
        return done

    async def _of_owner(
        self, owner: uuid.UUID, key: str, pattern: str, suppressed: Suppressed
    ) -> Wiped:
        done = Wiped()
        async with self._database.transaction() as session:
            if suppressed is Suppressed.KEEP:
                was_there = await person_exports.is_suppressed(session, owner, key)
            else:
                keep_hash = suppressed is Suppressed.HASH
                was_there = await store.unsuppress(session, owner, key, keep_hash=keep_hash)
            done += Wiped(suppression=suppressed if was_there else None)
        while piece := await self._emails(owner, key):
            done += piece
        async with self._database.transaction() as session:
            drafts = await self._drafts_with(session, owner, key)
            for draft in drafts:
                await store.drop_list(session, draft)
            done += Wiped(lists=len(drafts))
        # Each of these reads a whole table: no row of one is held while another is read.
        for table in store.NAMING:
            async with self._database.transaction() as session:
                if rows := await store.wipe_mentions(session, owner, pattern, table):
                    done += Wiped(rows={table: rows})
        async with self._database.transaction() as session:
            done += Wiped(
                left=await store.mentions(session, owner, pattern),
                under_way=await store.under_way(session, owner, key),
            )
            if done != Wiped():
                about = {"emails": done.emails, "left": done.under_way}
                await note(session, owner, Act.RECIPIENT_WIPED, SOMEBODY, about)
        return done

    async def _emails(self, owner: uuid.UUID, key: str) -> Wiped | None:
        """Of some emails; None: there are no more but those that are under way."""
        async with self._database.transaction() as session:
            held = await store.hold_emails(session, owner, key)
            if not held:
                return None
            waiting = [e.id for e in held if JobState(e.state) in WAITING]
            for sender_id in sorted({e.sender_id for e in held if e.id in set(waiting)}):
                await signal(session, sender_id)  # their campaigns may be complete without them
            await bulk.cancel(session, waiting)
            ids = [e.id for e in held]
            states = await bulk.states_of(session, owner, ids)
            doubtful = [one for one, state in states.items() if state is JobState.IN_DOUBT]
            await bulk.settle_as_sent(session, doubtful)
            await store.wipe_emails(session, ids)
        return Wiped(
            emails=len(ids),
            cancelled=sum(states[one] is JobState.CANCELLED for one in waiting),
            settled=len(doubtful),
        )

    async def _owners(self, owner_id: uuid.UUID | None) -> Sequence[uuid.UUID]:
        if owner_id is not None:
            return [owner_id]
        async with self._database.transaction() as session:
            return await people.everybody(session)

    async def _drafts_with(self, session: Session, owner: uuid.UUID, key: str) -> list[uuid.UUID]:
        return [
            draft
            for draft in await store.drafts_with_lists(session, owner)
            if await _mentions(store.list_of(session, draft), key)
        ]


async def _mentions(pieces: AsyncIterator[bytes], key: str) -> bool:
    """Whether a file of recipients, packed or not, has this address in it."""
    whole = b"".join([piece async for piece in pieces])
    return await asyncio.to_thread(_has, whole, key)


def _has(whole: bytes, key: str) -> bool:
    try:
        text = b"".join(unpacked([whole])).lower()
    except BrokenGzip:
        text = whole.lower()
    return any(key.encode(coding) in text for coding in ("utf-8", "utf-16-le", "utf-16-be"))


def _key(address: str) -> str:
    try:
        return parse_address(address).key
    except InvalidAddress as error:
        raise InvalidInput.of("address", str(error)) from None
