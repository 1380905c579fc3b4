"""Lists of emails, page by page. Each kind of list walks one index from where the last page ended.

Nothing is skipped by counting (no OFFSET) and nothing is counted, so that a page of a million
emails costs what a page of fifty does. What is short enough is counted, and sorted by whatever one
likes, in `whole_lists.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import EmailJob
from paceline.persistence.stores import whole_lists
from paceline.persistence.stores.email_records import COLUMNS, NO_BODIES, EmailRecord, joined
from paceline.persistence.stores.searches import Candidates, Search
from paceline.persistence.stores.segments import (
    SORTED_BY,
    STATES,
    Position,
    Segment,
    Selection,
    Way,
    candidates_of,
    in_order,
    is_behind,
    segments_of,
    way_of,
)

# Not by owner in here: the index on all that an owner has waiting would be walked instead. Two
# selects, because `IS NOT DISTINCT FROM` cannot use the index.
_FIRST_OF_QUEUES = text("""
    SELECT j.email_id
      FROM unnest(CAST(:senders AS uuid[]), CAST(:campaigns AS uuid[]))
           AS q (sender_id, campaign_id)
     CROSS JOIN LATERAL (
        (SELECT c.email_id FROM email_jobs c
          WHERE c.sender_id = q.sender_id AND c.campaign_id = q.campaign_id
            AND c.state IN ('deferred', 'scheduled')
          ORDER BY c.due_at, c.email_id LIMIT :limit)
        UNION ALL
        (SELECT s.email_id FROM email_jobs s
          WHERE q.campaign_id IS NULL AND s.sender_id = q.sender_id AND s.campaign_id IS NULL
            AND s.state IN ('deferred', 'scheduled')
          ORDER BY s.due_at, s.email_id LIMIT :limit)) j
""")


async def emails(
    session: AsyncSession,
    owner_id: uuid.UUID,
    selection: Selection,
    *,
    after: Position | None,
    limit: int,
    search: Search | None = None,
) -> tuple[list[EmailRecord], Position | None]:
    """The next `limit` emails of a list, without bodies, and where they end (None: all seen).

    `search` asks what the selection searches for, where somebody else asks it, too.
    """
    if selection.sort is not None:
        return await whole_lists.emails(
            session, owner_id, selection, after=after, limit=limit, search=search
        )
    if after is not None and after.segment is Segment.WHOLE:
        after = None  # it has grown too long for the order that it was walked in
    found: list[EmailRecord] = []
    if selection.search is not None:
        search = search or Search(session, owner_id, selection.search)
    for segment in segments_of(selection):
        if after is not None and is_behind(after.segment, segment, selection):
            continue
        begin = after if after is not None and after.segment is segment else None
        way = way_of(segment, selection)
        candidates = candidates_of(owner_id, selection, way, begin)
        found += await _first(session, search, candidates, way, begin, limit + 1 - len(found))
        if len(found) > limit:
            return found[:limit], position(found[limit - 1], selection)
    return found, None


async def first_of_queues(
    session: AsyncSession,
    owner_id: uuid.UUID,
    queues: Sequence[tuple[uuid.UUID, uuid.UUID | None]],
    *,
    limit: int,
) -> list[EmailRecord]:
    """What goes next of each (sender, campaign; None: the single ones), without bodies, by time."""
    senders, campaigns = [sender for sender, _ in queues], [campaign for _, campaign in queues]
    each = {"senders": senders, "campaigns": campaigns, "limit": limit}
    found = list((await session.execute(_FIRST_OF_QUEUES, each)).scalars())
    of_these = select(EmailJob.email_id).where(EmailJob.email_id.in_(found))
    way = Way(Segment.WAITING, newest_first=False)
    return await _records(session, of_these, way, len(found), owner_id) if found else []


def position(record: EmailRecord, selection: Selection) -> Position:
    """Where an email stands in the list of a selection."""
    if selection.sort is not None:
        return whole_lists.place_of(record)
    segments = segments_of(selection)
    if segments == [Segment.CAMPAIGN]:
        return Position(segment=Segment.CAMPAIGN, at=None, email_id=record.id)
    segment = next(s for s in segments if record.state in STATES[s])
    return Position(segment=segment, at=getattr(record, SORTED_BY[segment].key), email_id=record.id)


async def _first(
    session: AsyncSession,
    search: Search | None,
    candidates: Select[uuid.UUID],
    way: Way,
    after: Position | None,
    limit: int,
) -> list[EmailRecord]:
    """The first emails of one segment, or of those in it that a search finds."""
    if search is None:
        return await _records(session, candidates, way, limit)
    at = None if way.by_id_alone else SORTED_BY[way.segment]
    part = Candidates(key=(way, after), ids=candidates, at=at, newest_first=way.newest_first)
    found = await search.first(part, limit)
    of_these = select(EmailJob.email_id).where(EmailJob.email_id.in_(found))
    return await _records(session, of_these, way, limit) if found else []


async def _records(
    session: AsyncSession,
    ids: Select[uuid.UUID],
    way: Way,
    limit: int,
    owner_id: uuid.UUID | None = None,
) -> list[EmailRecord]:
    query = in_order(
        joined(select(*COLUMNS)).where(EmailJob.email_id.in_(ids.limit(limit).scalar_subquery())),
        way,
    )
    if owner_id is not None:
        query = query.where(EmailJob.owner_id == owner_id)
    rows = await session.execute(query)
    return [EmailRecord(**row._mapping, **NO_BODIES) for row in rows]
