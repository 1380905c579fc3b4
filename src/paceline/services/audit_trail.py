"""Reads the audit log: everybody their own account's, administrators all of it.

It is written where things are done (`auth/auditing.py`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paceline.auth.auditing import note
from paceline.auth.principal import Principal
from paceline.domain.acts import Act, Family
from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE, MAX_QUERY
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import audit as store
from paceline.persistence.stores import people
from paceline.persistence.stores.audit import AuditRecord, WantedEntries
from paceline.services.csv_output import csv_lines
from paceline.services.cursors import pack, unknown_cursor, unpack
from paceline.services.views import Page

EXPORT_BATCH = 2_000  # rows of one query
MAX_PEOPLE = 500  # to choose from; of more, a search finds the others
_MOST = 2**63 - 1
_TITLES = ("at", "by", "from", "act", "subject", "account", "detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """What of the log is wanted. `person` is heeded for administrators only."""

    q: str | None = None
    person: uuid.UUID | None = None
    family: Family | None = None
    begin: datetime | None = None
    end: datetime | None = None  # not included


class AuditTrail:
    """What was done, as far as somebody may know it."""

    def __init__(self, database: Database, *, kept: timedelta | None) -> None:
        self._database = database
        self.kept = kept  # None: for ever

    async def page(
        self,
        reader: Principal,
        wanted: LogFilter,
        *,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[AuditRecord]:
        """Some of the log, the newest first. Raises `InvalidInput` for `q` or a foreign cursor."""
        limit = min(limit, MAX_PAGE)
        asked, before = _asked(reader, wanted), _before(cursor)
        async with self._database.transaction() as session:
            found = await store.wanted_entries(session, asked, before=before, limit=limit + 1)
        items = found[:limit]
        more = len(found) > limit
        return Page(items=items, next_cursor=pack(str(items[-1].id)) if more else None)

    async def people(self, reader: Principal) -> list[tuple[uuid.UUID, str]]:
        """Whose acts an administrator can ask for; for others there is nothing to choose."""
        if not reader.is_admin:
            return []
        async with self._database.transaction() as session:
            return await people.names(session, limit=MAX_PEOPLE)

    async def export(self, reader: Principal, wanted: LogFilter) -> AsyncIterator[bytes]:
        """All that is wanted as CSV, in pieces. Raises as `page` does, before the first one."""
        asked = _asked(reader, wanted)
        async with self._database.transaction() as session:
            whose = "everybody's log" if asked.owner_id is None else "the account's log"
            await note(session, reader.user_id, Act.LOG_EXPORTED, whose)

        async def pieces() -> AsyncIterator[bytes]:
            yield csv_lines([_TITLES])
            before: int | None = None
            while True:
                async with self._database.transaction() as session:
                    found = await store.wanted_entries(
                        session, asked, before=before, limit=EXPORT_BATCH
                    )
                yield await asyncio.to_thread(_lines, found)
                if len(found) < EXPORT_BATCH:
                    return
                before = found[-1].id

        return pieces()


def _asked(reader: Principal, wanted: LogFilter) -> WantedEntries:
    q = (wanted.q or "").strip()
    if len(q) > MAX_QUERY or "\x00" in q:
        raise InvalidInput.of("q", f"must be at most {MAX_QUERY} characters of plain text")
    return WantedEntries(
        owner_id=None if reader.is_admin else reader.user_id,
        person=wanted.person if reader.is_admin else None,
        actions=None if wanted.family is None else sorted(wanted.family.acts),
        begin=wanted.begin,
        end=wanted.end,
        q=q or None,
    )


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (text,) = unpack(cursor, parts=1)
    if text is None or not (text.isascii() and text.isdigit()) or int(text) > _MOST:
        raise unknown_cursor()
    return int(text)


def _lines(entries: Sequence[AuditRecord]) -> bytes:
    return csv_lines(_row(entry) for entry in entries)


def _row(entry: AuditRecord) -> tuple[str | None, ...]:
    return (
        entry.at.isoformat(timespec="seconds"),
        entry.actor,
        entry.address,
        entry.action,
        entry.subject,
        entry.owner,
        _flat(entry.detail),
    )


def _flat(detail: Mapping[str, object]) -> str:
    return "; ".join(f"{name}={value}" for name, value in detail.items())
