"""The dev inbox as a reader sees it: what was caught, newest first, and what a message says.

Reads only. Catching mail is `devinbox/`; the rows are `persistence/stores/inbox.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import inbox
from paceline.persistence.stores.inbox import InboxSummary
from paceline.web.listing import PAGE_SIZES, Selection
from paceline.web.mail_body import text_document

PAGE_SIZE = PAGE_SIZES[0]
SHOWN_HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "Reply-To")
MAX_SOURCE_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtMessage:
    """One message, read."""

    id: uuid.UUID
    received_at: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    headers: tuple[tuple[str, str], ...]
    html: str  # a whole document, for the sandboxed frame
    source: str


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

    async def newest(self, *, before: uuid.UUID | None = None, limit: int = PAGE_SIZE) -> InboxPage:
        """The newest messages, or those next after `before`."""
        async with self._database.transaction() as session:
            rows = await inbox.list_newest(session, limit=limit + 1, before=before)
            total = await inbox.count_messages(session)
        items = rows[:limit]
        more = len(rows) > limit
        return InboxPage(items=items, total=total, next_before=items[-1].id if more else None)

    async def get(self, message_id: uuid.UUID) -> CaughtMessage:
        """One message. Raises `NotFound`."""
        async with self._database.transaction() as session:
            stored = await inbox.get_message(session, message_id)
        if stored is None:
            raise NotFound("this message is not in the dev inbox (any more)")
        parsed = message_from_bytes(stored.raw, policy=policy.default)
        return CaughtMessage(
            id=stored.id,
            received_at=stored.received_at,
            mail_from=stored.mail_from,
            rcpt_to=stored.rcpt_to,
            subject=stored.subject,
            headers=_shown_headers(parsed),
            html=_document(parsed),
            source=stored.raw.decode("utf-8", "replace")[:MAX_SOURCE_CHARACTERS],
        )

    async def drop(self, selection: Selection) -> int:
        """Drop what was selected of what was caught; how many that were."""
        async with self._database.transaction() as session:
            if selection.everything:
                return await inbox.delete_all(session)
            return await inbox.delete_some(session, selection.ids)


def _shown_headers(message: EmailMessage) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(message[name])) for name in SHOWN_HEADERS if name in message)


def _document(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("html", "plain"))
    if part is None:
        return text_document("This message has no text.")
    # Not get_content(): it raises on a charset that nobody knows, and this is anybody's mail.
    payload = part.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    text = _decoded(body, part.get_content_charset("utf-8"))
    return text if part.get_content_subtype() == "html" else text_document(text)


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
