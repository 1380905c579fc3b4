"""Cursors: where a page ended, as a token that clients hand back and never look into."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from datetime import UTC, datetime

from paceline.errors import InvalidInput
from paceline.persistence.stores.segments import Position, Segment

_MAX_CURSOR = 600  # characters
_UNTIMED = (Segment.CAMPAIGN, Segment.WHOLE)
_NOT_IN_TEXT = re.compile("[\x00\ud800-\udfff]")


def pack(*parts: str | None) -> str:
    """The parts as one token."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def unpack(cursor: str, *, parts: int) -> list[str | None]:
    """The parts of a token. Raises `InvalidInput`."""
    try:
        if len(cursor) > _MAX_CURSOR:
            raise ValueError
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        well_made = isinstance(found, list) and len(found) == parts
        if not well_made or not all(part is None or _is_text(part) for part in found):
            raise ValueError
    except (ValueError, binascii.Error, RecursionError):
        raise unknown_cursor() from None
    return list(found)


def _is_text(part: object) -> bool:
    """Whether PostgreSQL can be asked for it."""
    return isinstance(part, str) and not _NOT_IN_TEXT.search(part)


def pack_id(last: uuid.UUID | None) -> str | None:
    """A cursor for lists that are sorted by id."""
    return None if last is None else pack(str(last))


def unpack_id(cursor: str | None) -> uuid.UUID | None:
    """Reverses `pack_id`. Raises `InvalidInput`."""
    if cursor is None:
        return None
    (text,) = unpack(cursor, parts=1)
    try:
        return uuid.UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise unknown_cursor() from None


def pack_position(position: Position | None) -> str | None:
    """A cursor for lists of emails."""
    if position is None:
        return None
    at = None if position.at is None else position.at.isoformat()
    return pack(position.segment, at, str(position.email_id))


def unpack_position(cursor: str | None) -> Position | None:
    """Reverses `pack_position`. Raises `InvalidInput`."""
    if cursor is None:
        return None
    segment, at, email_id = unpack(cursor, parts=3)
    try:
        moment = None if at is None else datetime.fromisoformat(at)
        if (moment is None) != (segment in _UNTIMED) or (moment and not moment.tzinfo):
            raise ValueError
        return Position(
            segment=Segment(segment or ""),
            at=moment and moment.astimezone(UTC),
            email_id=uuid.UUID(email_id or ""),
        )
    except (ValueError, OverflowError):  # its offset may lead out of the calendar
        raise unknown_cursor() from None


def unknown_cursor() -> InvalidInput:
    """What is raised for a cursor that nobody gave out."""
    return InvalidInput.of("cursor", "is not one that a list gave out")
