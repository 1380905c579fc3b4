"""Short lists, taken as a whole: counted, and sorted by what no index keeps in order.

Nothing here looks at more than a bounded number of emails, in the order that the list is walked in.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    case,
    collate,
    func,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import JobState
from paceline.domain.short_lists import MAX_COUNTED, MAX_SORTED, Extent, SortBy
from paceline.persistence.models import Campaign, Email, EmailJob
from paceline.persistence.stores.email_records import COLUMNS, NO_BODIES, EmailRecord, joined
from paceline.persistence.stores.searches import Candidates, Search
from paceline.persistence.stores.segments import (
    SORTED_BY,
    Position,
    Segment,
    Selection,
    candidates_of,
    segments_of,
    way_of,
)

_MARKS = "[\u0300-\u036f]"  # what is left of an accent when its letter is taken from it
_TURN_OF = {state: f"{place}" for place, state in enumerate(JobState)}  # as the states are told


async def extent(
    session: AsyncSession,
    owner_id: uuid.UUID,
    selection: Selection,
    search: Search | None = None,
) -> Extent:
    """How many emails a selection holds. `search`: as in `lists.emails`."""
    if selection.search is not None:
        found, is_exact = await _found(session, owner_id, selection, search)
        return Extent(len(found), is_exact)
    ids = _first(owner_id, selection, MAX_COUNTED + 1).subquery()
    number = (await session.execute(select(func.count()).select_from(ids))).scalar_one()
    return Extent(min(number, MAX_COUNTED), number <= MAX_COUNTED)


async def emails(
    session: AsyncSession,
    owner_id: uuid.UUID,
    selection: Selection,
    *,
    after: Position | None,
    limit: int,
    search: Search | None = None,
) -> tuple[list[EmailRecord], Position | None]:
    """The next `limit` emails of a short list, sorted as it says, and where they end.

    A cursor names an email. Its place is looked up: what a list is sorted by may change meanwhile.
    """
    assert selection.sort is not None
    if selection.search is None:
        ids = _first(owner_id, selection, MAX_SORTED).subquery()
        of_these = EmailJob.email_id.in_(select(ids.c.email_id))
    else:
        found, _ = await _found(session, owner_id, selection, search)
        of_these = EmailJob.email_id.in_(found)
    key = _key(selection.sort)
    query = joined(select(*COLUMNS)).where(of_these)
    place = tuple_(key, EmailJob.email_id)
    if after is not None:
        last = await _place(session, owner_id, key, after.email_id)
        if last is not None:
            query = query.where(place < last if selection.backwards else place > last)
    order = [
        column.desc() if selection.backwards else column for column in (key, EmailJob.email_id)
    ]
    rows = (await session.execute(query.order_by(*order).limit(limit + 1))).all()
    records = [EmailRecord(**row._mapping, **NO_BODIES) for row in rows[:limit]]
    return records, place_of(records[-1]) if len(rows) > limit else None


def place_of(record: EmailRecord) -> Position:
    """Where an email stands in a list that is sorted as a whole."""
    return Position(segment=Segment.WHOLE, at=None, email_id=record.id)


def _first(
    owner_id: uuid.UUID, selection: Selection, most: int
) -> CompoundSelect[uuid.UUID] | Select[uuid.UUID]:
    """The ids of the first emails, found as the list's own pages are."""
    own = replace(selection, backwards=False)
    parts = [
        candidates_of(owner_id, own, way_of(segment, own), None).limit(most)
        for segment in segments_of(own)
    ]
    # A part with an order of its own has to stand in brackets.
    return union_all(*(select(part.subquery().c.email_id) for part in parts)).limit(most)


async def _found(
    session: AsyncSession,
    owner_id: uuid.UUID,
    selection: Selection,
    search: Search | None = None,
) -> tuple[list[uuid.UUID], bool]:
    """What a search finds, and whether that is all of it."""
    assert selection.search is not None
    own = replace(selection, backwards=False)
    search = search or Search(session, owner_id, selection.search)
    found: list[uuid.UUID] = []
    is_exact = True
    for segment in segments_of(own):
        way = way_of(segment, own)
        at = None if way.by_id_alone else SORTED_BY[segment]
        ids = candidates_of(owner_id, own, way, None)
        part = Candidates(key=(way, None), ids=ids, at=at, newest_first=way.newest_first)
        more, is_all = await search.whole(part)
        found += more
        is_exact = is_exact and is_all
    return found, is_exact


def _key(sort: SortBy) -> ColumnElement[str]:
    """What a row is sorted by, as text: what the page shows of it."""
    match sort:
        case SortBy.RECIPIENT:
            return _folded(func.coalesce(func.nullif(Email.name, ""), Email.address_key))
        case SortBy.CAMPAIGN:
            return _folded(func.coalesce(Campaign.name, ""))
        case SortBy.STATUS:
            turn = case(_TURN_OF, value=EmailJob.state)
            why = (EmailJob.failure_reason, EmailJob.reply_code, EmailJob.reply_enhanced)
            return collate(func.concat_ws(" ", turn, *why), "C")


def _folded(text: ColumnElement[str]) -> ColumnElement[str]:
    """Without capitals and accents, so that É stands beside E whatever the database sorts by."""
    apart = func.pg_catalog.normalize(func.lower(text), "NFKD")
    return collate(func.regexp_replace(apart, _MARKS, "", "g"), "C")


async def _place(
    session: AsyncSession, owner_id: uuid.UUID, key: ColumnElement[str], email_id: uuid.UUID
) -> tuple[str, uuid.UUID] | None:
    """Where an email stands by now; None: it is gone."""
    query = joined(select(key)).where(EmailJob.email_id == email_id, EmailJob.owner_id == owner_id)
    at = (await session.execute(query)).scalar_one_or_none()
    return None if at is None else (at, email_id)
