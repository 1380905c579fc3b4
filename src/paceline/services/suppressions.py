"""The addresses that an owner must not be able to mail: why, since when, by whom.

They are added one by one, pasted, or from a file of any usual shape, and taken off with a word on
why, which the audit log keeps.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import IO, Final

from paceline.auth.auditing import complete
from paceline.auth.auditing import note as noted
from paceline.domain.acts import Act
from paceline.domain.addresses import Address, InvalidAddress, parse_address
from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE, MAX_QUERY
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices, OptedOut
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.errors import InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import audit
from paceline.persistence.stores import suppressions as store
from paceline.persistence.stores.audit import AuditRecord
from paceline.persistence.stores.session import Session
from paceline.persistence.stores.suppressions import EVERY, SuppressionRecord, Wanted, Why
from paceline.services.csv_output import csv_lines
from paceline.services.cursors import pack, unpack
from paceline.services.imports import (
    IN_MEMORY_OCTETS,
    batches,
    by_line,
    pieces_of,
    receive,
)
from paceline.services.validation import Problems
from paceline.services.views import Page, SuppressionReport

MAX_ADDED = 10_000  # addresses at a time, as values
EXPORT_BATCH = 2_000  # rows of one query
PIECE = 2_000  # of a file's addresses, stored in one transaction
MANUAL: Final = "manual"
IMPORTED: Final = "import"
HARD_BOUNCE: Final = "hard_bounce"
REASONS = (HARD_BOUNCE, MANUAL, IMPORTED)
NOT_THERE = "this address is not suppressed"
_TITLES = ("email", "reason", "since", "reply", "note", "added by")


class Suppressions:
    """The list of an owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        owner_id: uuid.UUID,
        addresses: Sequence[str],
        *,
        note: str | None = None,
        actor: str | None = None,
    ) -> int:
        """Suppress addresses, from the next claim on; how many were not yet."""
        problems = Problems()
        if not 1 <= len(addresses) <= MAX_ADDED:
            raise InvalidInput.of("addresses", f"must be 1 to {MAX_ADDED:,} addresses")
        read = await asyncio.to_thread(_addresses, problems, addresses)
        note = problems.name("note", note, required=False)
        problems.raise_if_any()
        keys = sorted({address.key for address in read if address is not None})
        why = Why(reason=MANUAL, note=note, added_by=actor)
        async with self._database.transaction() as session:
            added = await store.suppress(session, owner_id, keys, why=why)
            told = {"given": len(keys), "added": added, "note": note}
            subject = keys[0] if len(keys) == 1 else f"{len(keys):,} addresses"
            await noted(session, owner_id, Act.SUPPRESSED, subject, told, actor=actor)
            return added

    async def add_file(
        self,
        owner_id: uuid.UUID,
        chunks: AsyncIterator[bytes],
        *,
        choices: Choices = NOTHING_CHOSEN,
        why: Why,
    ) -> SuppressionReport:
        """Suppress the addresses of a file or of pasted text, those who opted out among them.

        Raises `InvalidInput` for the field `file`, for `note`, or for one of `Choices`, as
        `OpenQuestions` where only the file's owner knows how it is meant: nothing is stored then.
        """
        problems = Problems()
        why = replace(why, note=problems.name("note", why.note, required=False))
        problems.raise_if_any()
        # That a row says "unsubscribed" is why it is here, and no reason to leave it out.
        choices = replace(choices, opted_out=OptedOut.MAIL)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as spool:
            await receive(chunks, spool)
            reader = RecipientReader(choices=choices)
            with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as keys:
                read = await asyncio.to_thread(_write_keys, reader, spool, keys)
                return await self._stored(owner_id, reader, read, keys, why)

    async def _stored(
        self, owner_id: uuid.UUID, reader: RecipientReader, read: int, keys: IO[bytes], why: Why
    ) -> SuppressionReport:
        """In pieces: a worker that records a hard bounce waits for whoever stores that address."""
        added = 0
        async with self._database.transaction() as session:
            told = {"given": read, "note": why.note}
            entry = await noted(session, owner_id, Act.SUPPRESSED, "a list", told)
        while piece := await asyncio.to_thread(_some_keys, keys):
            async with self._database.transaction() as session:
                added += await store.suppress(session, owner_id, piece, why=why)
        async with self._database.transaction() as session:
            await complete(session, entry, {"added": added})
        return SuppressionReport(
            rows=reader.rows,
            added=added,
            known=read - added,
            invalid=by_line(reader.refused),
            shape=reader.shape,
            notes=reader.notes,
        )

    async def page(
        self,
        owner_id: uuid.UUID,
        *,
        wanted: Wanted = EVERY,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[SuppressionRecord]:
        """Some of the list, in the order of the addresses."""
        limit = min(limit, MAX_PAGE)
        wanted = checked(wanted)
        after = None if cursor is None else unpack(cursor, parts=1)[0]
        async with self._database.transaction() as session:
            found = await store.suppressions(
                session, owner_id, after=after, limit=limit + 1, wanted=wanted
            )
        items = found[:limit]
        more = len(found) > limit
        return Page(items=items, next_cursor=pack(items[-1].address_key) if more else None)

    async def get(self, owner_id: uuid.UUID, address: str) -> SuppressionRecord:
        """One address of the list. Raises `NotFound`."""
        async with self._database.transaction() as session:
            found = await store.suppression(session, owner_id, key_of(address))
        if found is None:
            raise NotFound(NOT_THERE)
        return found

    async def count(self, owner_id: uuid.UUID, *, wanted: Wanted = EVERY) -> int:
        """How many there are, up to `store.MAX_COUNTED`."""
        async with self._database.transaction() as session:
            return await store.count(session, owner_id, wanted=checked(wanted))

    async def export(self, owner_id: uuid.UUID, *, wanted: Wanted = EVERY) -> AsyncIterator[bytes]:
        """The list as CSV, piece by piece; no transaction outlives a piece."""
        wanted = checked(wanted)
        yield csv_lines([_TITLES])
        after: str | None = None
        async with self._database.transaction() as session:
            subject = "suppressions that match a filter" if wanted != EVERY else "all suppressions"
            await noted(session, owner_id, Act.SUPPRESSIONS_EXPORTED, subject)
        while True:
            async with self._database.transaction() as session:
                found = await store.suppressions(
                    session, owner_id, after=after, limit=EXPORT_BATCH, wanted=wanted
                )
            yield await asyncio.to_thread(_lines, found)
            if len(found) < EXPORT_BATCH:
                return
            after = found[-1].address_key

    async def remove(
        self, owner_id: uuid.UUID, address: str, *, actor: str, note: str | None = None
    ) -> None:
        """Let an address be mailed again, and write down who said so. Raises `NotFound`."""
        problems = Problems()
        note = problems.name("note", note, required=False)
        problems.raise_if_any()
        key = key_of(address)
        async with self._database.transaction() as session:
            if not await let_go(session, owner_id, key, actor=actor, note=note):
                raise NotFound(NOT_THERE)

    async def removed(self, owner_id: uuid.UUID, *, limit: int = 10) -> list[AuditRecord]:
        """What was taken off the list, the latest first."""
        async with self._database.transaction() as session:
            return await audit.entries(
                session, owner_id, actions=[Act.RELEASED], limit=min(limit, MAX_PAGE)
            )


async def let_go(
    session: Session, owner_id: uuid.UUID, key: str, *, actor: str, note: str | None
) -> bool:
    """Take an address off the list and write down who said so. False: it was not on it."""
    gone = await store.release(session, owner_id, key)
    if gone is None:
        return False
    detail = {"reason": gone.reason, "since": gone.created_at, "note": note}
    await noted(session, owner_id, Act.RELEASED, key, detail, actor=actor)
    return True


def key_of(address: str) -> str:
    """How an address stands in the list; as it is where it is older than today's rules."""
    try:
        return parse_address(address).key
    except InvalidAddress:
        return address.strip().lower().replace("\x00", "")


def _addresses(problems: Problems, given: Sequence[str]) -> list[Address | None]:
    return [problems.address(f"addresses[{i}]", text) for i, text in enumerate(given)]


def _write_keys(reader: RecipientReader, spool: IO[bytes], keys: IO[bytes]) -> int:
    """A line for each address of a file that can be read to its end; how many."""
    count = 0
    for batch in batches(reader, pieces_of(spool)):
        count += len(batch)
        keys.writelines(f"{recipient.key}\n".encode() for recipient in batch)
    keys.seek(0)
    return count


def _some_keys(keys: IO[bytes]) -> Sequence[str]:
    return [line.decode().rstrip("\n") for line in islice(keys, PIECE)]


def checked(wanted: Wanted) -> Wanted:
    """What is asked for, if it can be. Raises `InvalidInput`."""
    q = (wanted.q or "").strip()
    if len(q) > MAX_QUERY or "\x00" in q:
        raise InvalidInput.of("q", f"must be at most {MAX_QUERY} characters of plain text")
    if wanted.reason is not None and wanted.reason not in REASONS:
        raise InvalidInput.of("reason", f"is one of: {', '.join(REASONS)}")
    return replace(wanted, q=q or None)


def _lines(records: Sequence[SuppressionRecord]) -> bytes:
    return csv_lines(_row(record) for record in records)


def _row(record: SuppressionRecord) -> tuple[str | None, ...]:
    since = record.created_at.isoformat(timespec="seconds")
    return (
        record.address_key,
        record.reason,
        since,
        record.reply,
        record.note,
        record.added_by,
    )
