"""Reads from a caught message what its list entry shows. The message itself may be anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.parser import BytesHeaderParser

from paceline.domain.mime_reading import decoded_words
from paceline.persistence.stores.inbox import NewInboxMessage

MAX_HEADER_BYTES = 64 * 1024
MAX_SHOWN_CHARACTERS = 1_000
_NOT_TEXT = {0: "\N{REPLACEMENT CHARACTER}"}  # PostgreSQL's text holds every character but NUL


def read_message(
    raw: bytes, *, mail_from: str, rcpt_to: Sequence[str], received_at: datetime
) -> NewInboxMessage:
    """The message as it is stored. Headers that cannot be decoded are shown as they came."""
    head = raw[:MAX_HEADER_BYTES].partition(b"\r\n\r\n")[0]
    headers = BytesHeaderParser().parsebytes(head)
    message_id = headers.get("Message-ID")
    return NewInboxMessage(
        received_at=received_at,
        mail_from=_text(mail_from),
        rcpt_to=tuple(_text(address) for address in rcpt_to),
        subject=_text(decoded_words(str(headers.get("Subject", "")))),
        message_id=None if message_id is None else _text(str(message_id).strip()),
        raw=raw,
    )


def _text(value: str) -> str:
    one_line = " ".join(value.translate(_NOT_TEXT).split())[:MAX_SHOWN_CHARACTERS]
    return one_line.encode("utf-8", "replace").decode()  # lone surrogates stand for raw bytes
