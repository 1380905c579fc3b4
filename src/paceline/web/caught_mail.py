"""The dev inbox as a reader sees it: what was caught, newest first, and what a message says.

Reads only. Catching mail is `devinbox/`; the rows are `persistence/stores/inbox.py`, and what a
message holds is found by `domain/mime_reading.py`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from paceline.domain.mime_reading import Mail, Part, read_mail
from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import inbox
from paceline.persistence.stores.inbox import InboxSummary, StoredInboxMessage
from paceline.web.listing import PAGE_SIZES, Selection
from paceline.web.mail_body import View, document_of_message, views_of

PAGE_SIZE = PAGE_SIZES[0]
SHOWN_HEADERS = ("from", "to", "subject", "date", "message-id", "reply-to")
UNNAMED = "attachment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A part that can be downloaded. `number` is its place in the message."""

    number: int
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtMessage:
    """One message, read."""

    id: uuid.UUID
    received_at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[Attachment, ...]
    views: tuple[View, ...]  # that there are, the first one to begin with


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """A page of the list. `next_before` opens the next one."""

    items: Sequence[InboxSummary]
    total: int
    next_before: uuid.UUID | None


class CaughtMail:
    """Reads what the dev inbox caught. It belongs to the installation, not to one user."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, *, q: str = "", before: uuid.UUID | None = None, limit: int = PAGE_SIZE
    ) -> InboxPage:
        """The newest messages that have `q` in an address or the subject, after `before`."""
        async with self._database.transaction() as session:
            rows = await inbox.list_newest(session, q=q, limit=limit + 1, before=before)
            total = await inbox.count_messages(session, q=q)
        items = rows[:limit]
        more = len(rows) > limit
        return InboxPage(items=items, total=total, next_before=items[-1].id if more else None)

    async def get(self, message_id: uuid.UUID) -> CaughtMessage:
        """One message. Raises `NotFound`."""
        stored = await self._stored(message_id)
        mail = await asyncio.to_thread(read_mail, stored.raw)
        return CaughtMessage(
            id=stored.id,
            received_at=stored.received_at,
            mail_from=stored.mail_from,
            rcpt_to=stored.rcpt_to,
            subject=stored.subject,
            headers=tuple(field for field in mail.headers if field[0].lower() in SHOWN_HEADERS),
            attachments=tuple(_attachment(number, part) for number, part in mail.attachments),
            views=_views(mail),
        )

    async def document(self, message_id: uuid.UUID, view: View | None) -> str:
        """A document for the sandboxed frame; None: the view to begin with. Raises `NotFound`."""
        stored = await self._stored(message_id)
        return await asyncio.to_thread(document_of_message, stored.raw, view)

    async def part(self, message_id: uuid.UUID, number: int) -> tuple[str, bytes]:
        """(file name, content) of an attachment. Raises `NotFound`."""
        stored = await self._stored(message_id)
        mail = await asyncio.to_thread(read_mail, stored.raw)
        part = dict(mail.attachments).get(number)
        if part is None:
            raise NotFound("this message has no such attachment")
        return part.file_name or UNNAMED, await asyncio.to_thread(lambda: part.content)

    async def drop(self, selection: Selection, *, q: str = "") -> int:
        """Drop what was selected of what was caught; how many that were.

        Everything: all that has `q` in it.
        """
        async with self._database.transaction() as session:
            if selection.everything:
                return await inbox.delete_all(session, q=q)
            return await inbox.delete_some(session, selection.ids)

    async def _stored(self, message_id: uuid.UUID) -> StoredInboxMessage:
        async with self._database.transaction() as session:
            stored = await inbox.get_message(session, message_id)
        if stored is None:
            raise NotFound("this message is not in the dev inbox (any more)")
        return stored


def _attachment(number: int, part: Part) -> Attachment:
    return Attachment(
        number=number,
        name=part.file_name or UNNAMED,
        media_type=part.media_type,
        size=len(part.content),
    )


def _views(mail: Mail) -> tuple[View, ...]:
    return views_of(
        has_html=mail.body("text/html") is not None, has_text=mail.body("text/plain") is not None
    )
