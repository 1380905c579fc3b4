"""A list of emails as CSV: streamed, so that a million rows weigh no more than a few hundred."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from paceline.auth.auditing import note
from paceline.domain.acts import Act
from paceline.persistence.database import Database
from paceline.persistence.stores.email_records import EmailRecord
from paceline.services.csv_output import csv_lines
from paceline.services.rendering import rendered_subject
from paceline.services.selecting import EmailFilter, all_of, selection_of

_TITLES = (
    *("to", "name", "subject", "campaign", "from", "state", "scheduled_at", "due_at", "sent_at"),
    *("updated_at", "attempts", "failure_reason", "reply_code", "reply_enhanced", "reply_text"),
    *("message_id", "id"),
)


class Exports:
    """The lists of an owner, to take away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def emails(self, owner_id: uuid.UUID, wanted: EmailFilter) -> AsyncIterator[bytes]:
        """All emails that match, in the order of their list.

        Raises, before the first piece, what `selection_of` does.
        """
        async with self._database.transaction() as session:
            selection = await selection_of(session, owner_id, wanted)
            states = ", ".join(sorted(wanted.states))
            await note(session, owner_id, Act.EMAILS_EXPORTED, f"emails that are {states}")

        async def pieces() -> AsyncIterator[bytes]:
            yield csv_lines([_TITLES])
            async for records in all_of(self._database, owner_id, selection):
                yield await asyncio.to_thread(_lines, records)

        return pieces()


def _lines(records: Sequence[EmailRecord]) -> bytes:
    """On a thread: a subject that is filled in takes its time."""
    return csv_lines(_row(record) for record in records)


def _row(email: EmailRecord) -> tuple[str | None, ...]:
    return (
        email.address,
        email.name,
        rendered_subject(email),
        email.campaign_name,
        email.sender_address,
        email.state,
        _instant(email.scheduled_at),
        _instant(email.due_at),
        _instant(email.sent_at),
        _instant(email.updated_at),
        str(email.attempt),
        email.failure_reason,
        None if email.reply_code is None else str(email.reply_code),
        email.reply_enhanced,
        email.reply_text,
        email.message_id,
        str(email.id),
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
