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

from paceline.auth.auditing import complete, note
from paceline.domain.acts import Act
from paceline.domain.addresses import InvalidAddress, parse_address, spellings
from paceline.domain.lifecycle import WAITING, JobState
from paceline.domain.list_search import Found, ListSearch
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
    """What was done. `left`: rows that still have the address, as their owner wrote it, by table,
    and drafts whose list cannot be read; `under_way`: emails that are leaving just now, and keep
    it, on the suppression list too, until this is asked again."""

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
        pattern = store.pattern_of(spellings(key))
        told: dict[str, Any] = {"address": key}
        for owner in await self._owners(owner_id):
            async with self._database.transaction() as session:
                found = await person_exports.of_owner(session, owner, key, pattern)
                found["drafts"] += [
                    {"id": str(draft), "list": True if there is Found.YES else None}
                    for draft, there in await self._drafts_with(session, owner, key)
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
        pattern = store.pattern_of(spellings(key))
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
        async with self._database.transaction() as session:
            entry = await note(session, owner, Act.RECIPIENT_WIPED, SOMEBODY)
        done = await self._all_emails(owner, key)
        done += await self._lists(owner, key)
        done += await self._mentions(owner, pattern)
        # What was under way a moment ago, and has ended: it may have left words about it, too.
        if (late := await self._all_emails(owner, key)) != Wiped():
            done += late + await self._mentions(owner, pattern)
        done += await self._left(owner, pattern)
        async with self._database.transaction() as session:
            # In one transaction: an address is off the list only when nothing of it waits.
            left = await store.not_wiped(session, owner, key)
            fate = await _suppress(session, owner, key, Suppressed.KEEP if left else suppressed)
            done += Wiped(under_way=left, suppression=fate)
            await complete(session, entry, {"emails": done.emails, "left": done.under_way})
        return done

    async def _all_emails(self, owner: uuid.UUID, key: str) -> Wiped:
        done = Wiped()
        while piece := await self._emails(owner, key):
            done += piece
        return done

    async def _lists(self, owner: uuid.UUID, key: str) -> Wiped:
        async with self._database.transaction() as session:
            found = await self._drafts_with(session, owner, key)
            having = [draft for draft, there in found if there is Found.YES]
            for draft in having:
                await store.drop_list(session, draft)
        unknown = len(found) - len(having)
        return Wiped(lists=len(having), left={"drafts": unknown} if unknown else {})

    async def _mentions(self, owner: uuid.UUID, pattern: str) -> Wiped:
        """Each of these reads a whole table: no row of one is held while another is read."""
        rows: Counter[str] = Counter()
        async for between in self._walk():
            for table in store.OF_EMAILS:
                async with self._database.transaction() as session:
                    rows[table] += await store.wipe_mentions(
                        session, owner, pattern, table, between
                    )
        for table in store.NAMING:
            async with self._database.transaction() as session:
                rows[table] += await store.wipe_mentions(session, owner, pattern, table)
        return Wiped(rows=dict(+rows))

    async def _left(self, owner: uuid.UUID, pattern: str) -> Wiped:
        async with self._database.transaction() as session:
            left = Counter(await store.mentions(session, owner, pattern))
        async for between in self._walk():
            async with self._database.transaction() as session:
                left["emails"] += await store.mentioning_emails(session, owner, pattern, between)
        return Wiped(left=dict(+left))

    async def _walk(self) -> AsyncIterator[store.Between]:
        """Over all emails, in pieces that no statement takes long for."""
        reached = uuid.UUID(int=0)
        while True:
            async with self._database.transaction() as session:
                last = await store.walk(session, reached)
            if last is None:
                return
            yield reached, last
            reached = last

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

    async def _drafts_with(
        self, session: Session, owner: uuid.UUID, key: str
    ) -> list[tuple[uuid.UUID, Found]]:
        """Those whose lists have this address, or cannot be read to their end."""
        found = [
            (draft, await _search(store.list_of(session, draft), key))
            for draft in await store.drafts_with_lists(session, owner)
        ]
        return [(draft, there) for draft, there in found if there is not Found.NO]


async def _search(pieces: AsyncIterator[bytes], key: str) -> Found:
    search = ListSearch(spellings(key))
    async for piece in pieces:
        await asyncio.to_thread(search.feed, piece)
    return search.finish()


async def _suppress(
    session: Session, owner: uuid.UUID, key: str, wanted: Suppressed
) -> Suppressed | None:
    """What becomes of its suppression; None: there is none."""
    if wanted is Suppressed.KEEP:
        is_there = await person_exports.is_suppressed(session, owner, key)
    else:
        keep_hash = wanted is Suppressed.HASH
        is_there = await store.unsuppress(session, owner, key, keep_hash=keep_hash)
    if is_there:
        return wanted
    return Suppressed.HASH if await store.has_hash(session, owner, key) else None


def _key(address: str) -> str:
    try:
        return parse_address(address).key
    except InvalidAddress as error:
        raise InvalidInput.of("address", str(error)) from None
