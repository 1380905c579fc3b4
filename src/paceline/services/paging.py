"""A page of a list of emails, with the ways to the page behind it and to the one before it.

A cursor names the email that a page began or ended with: both ways hold while emails come and go.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from paceline.persistence.stores import lists
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.searches import Search
from paceline.persistence.stores.segments import Position, Selection
from paceline.persistence.stores.session import Session
from paceline.services.cursors import pack_position, unpack_position

BACK = "-"  # in front of a cursor: what stands before it, rather than behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some emails of a list in its order. A cursor of None: there is nothing that way."""

    records: list[EmailRecord]
    next_cursor: str | None = None
    previous_cursor: str | None = None


def read(cursor: str | None) -> tuple[Position | None, bool]:
    """Where a page begins, and whether it lies before that. Raises `InvalidInput`."""
    back = cursor is not None and cursor.startswith(BACK)
    return unpack_position(cursor and cursor.removeprefix(BACK)), back


async def stretch(
    session: Session,
    owner_id: uuid.UUID,
    selection: Selection,
    *,
    cursor: str | None,
    limit: int,
    search: Search | None = None,
) -> Stretch:
    """One page of what is selected. Raises `InvalidInput` for a foreign cursor."""
    at, back = read(cursor)
    if back:
        turned = replace(selection, backwards=not selection.backwards)
        records, beyond = await lists.emails(
            session, owner_id, turned, after=at, limit=limit, search=search
        )
        if beyond is not None:
            records.reverse()
            return Stretch(
                records=records,
                next_cursor=pack_position(lists.position(records[-1], selection)),
                previous_cursor=_before(records, selection),
            )
        at = None  # the beginning: the first page is a full one
    records, end = await lists.emails(
        session, owner_id, selection, after=at, limit=limit, search=search
    )
    return Stretch(
        records=records,
        next_cursor=pack_position(end),
        previous_cursor=_before(records, selection) if at else None,
    )


def _before(records: list[EmailRecord], selection: Selection) -> str | None:
    if not records:
        return None
    return f"{BACK}{pack_position(lists.position(records[0], selection))}"
