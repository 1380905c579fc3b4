"""Lists of emails, page by page. Each kind of list walks one index from where the last page ended.

Nothing is skipped by counting (no OFFSET) and nothing is counted, so that a page of a million
emails costs what a page of fifty does. Emails on their way, waiting, sent, failed, in doubt and
cancelled are walked one after the other: each of these *segments* is kept in order by an index.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from paceline.domain.lifecycle import IN_FLIGHT, WAITING, FailureReason, JobState
from paceline.persistence.models import Campaign, Email, EmailJob
from paceline.persistence.stores.discarded import not_thrown_away
from paceline.persistence.stores.email_records import (
    COLUMNS,
    NO_BODIES,
    AnySelect,
    EmailRecord,
    joined,
)
from paceline.persistence.stores.terms import Terms

GLANCE = 2_000  # emails looked at before the index is asked
MAX_SORTED = 5_000  # emails of the index that are sorted for one page
MAX_SAYING = 20  # campaigns whose subject says what is looked for, walked one by one
MAX_SEARCHED = 40_000  # emails looked at for one page where so many match


class Segment(StrEnum):
    """A part of an owner's emails that one index keeps in order."""

    IN_FLIGHT = "in_flight"
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    CAMPAIGN = "campaign"  # all emails of one campaign, in the order of its file


# Which way to go is decided here: statistics are old, or of another owner.
_IN_ORDER = text("""
    SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true)
""")
_BY_WORDS = text("""
    SELECT set_config('enable_bitmapscan', 'on', true), set_config('enable_seqscan', 'off', true)
""")

_SORTED_BY: dict[Segment, InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]]
_SORTED_BY = {
    Segment.IN_FLIGHT: EmailJob.due_at,
    Segment.WAITING: EmailJob.due_at,
    Segment.SENT: EmailJob.sent_at,
    Segment.FAILED: EmailJob.updated_at,
    Segment.IN_DOUBT: EmailJob.updated_at,
    Segment.CANCELLED: EmailJob.updated_at,
}
_STATES: dict[Segment, frozenset[JobState]] = {
    Segment.IN_FLIGHT: IN_FLIGHT,
    Segment.WAITING: WAITING,
    Segment.SENT: frozenset({JobState.SENT}),
    Segment.FAILED: frozenset({JobState.FAILED}),
    Segment.IN_DOUBT: frozenset({JobState.IN_DOUBT}),
    Segment.CANCELLED: frozenset({JobState.CANCELLED}),
}
_NEWEST_FIRST = frozenset({Segment.SENT, Segment.FAILED, Segment.IN_DOUBT, Segment.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ended. `at` is None in the one list that is sorted by id alone."""

    segment: Segment
    at: datetime | None
    email_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of an owner's emails. `address_key` finds one address, `search` words.

    `begin` and `end` bound the time that a segment is sorted by. A reply code of 0, and an enhanced
    code of '', mean: without one. `backwards`: the last ones first.
    """

    states: frozenset[JobState] = frozenset(JobState)
    campaign_id: uuid.UUID | None = None
    campaign_sender_id: uuid.UUID | None = None  # its sender: the index on waiting emails needs it
    campaign_since: datetime | None = None  # nothing of it was sent earlier
    sender_id: uuid.UUID | None = None
    address_key: str | None = None
    search: Terms | None = None
    reason: FailureReason | None = None
    reply_code: int | None = None
    reply_enhanced: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class _Way:
    """How one segment is walked."""

    segment: Segment
    newest_first: bool

    @property
    def by_id_alone(self) -> bool:
        return self.segment is Segment.CAMPAIGN


@dataclass(slots=True, kw_only=True)
class _Listed:
    """One list, and what the index said about it: it is asked once for all segments."""

    owner_id: uuid.UUID
    selection: Selection
    _asked: bool = False
    _found: list[uuid.UUID] | None = None

    async def by_index(self, session: AsyncSession) -> list[uuid.UUID] | None:
        """All emails that match; None where there are more than can be sorted in time."""
        assert self.selection.search is not None, "without a search, nothing is looked up"
        if not self._asked:
            await session.execute(_BY_WORDS)
            query = self.selection.search.found(self.owner_id, most=MAX_SORTED + 1)
            found = list((await session.execute(query)).scalars())
            self._found = found if len(found) <= MAX_SORTED else None
            self._asked = True
        return self._found


async def emails(
    session: AsyncSession,
    owner_id: uuid.UUID,
    selection: Selection,
    *,
    after: Position | None,
    limit: int,
) -> tuple[list[EmailRecord], Position | None]:
    """The next `limit` emails of a list, without bodies, and where they end (None: all seen)."""
    found: list[EmailRecord] = []
    listed = _Listed(owner_id=owner_id, selection=selection)
    for segment in _segments(selection):
        if after is not None and _is_behind(after.segment, segment, selection):
            continue
        begin = after if after is not None and after.segment is segment else None
        room = limit + 1 - len(found)
        records, stopped = await _walk(session, listed, segment, begin, room)
        found += records
        if len(found) > limit:
            return found[:limit], _position(found[limit - 1], selection)
        if stopped is not None:
            return found, stopped
    return found, None


def _segments(selection: Selection) -> list[Segment]:
    timed = selection.begin is not None or selection.end is not None
    if selection.campaign_id is not None and selection.states == frozenset(JobState) and not timed:
        return [Segment.CAMPAIGN]
    segments = [segment for segment, states in _STATES.items() if states & selection.states]
    return segments[::-1] if selection.backwards else segments


def _is_behind(segment: Segment, other: Segment, selection: Selection) -> bool:
    """Whether the list comes to `segment` later than to `other`."""
    order = list(Segment)[:: -1 if selection.backwards else 1]
    return order.index(segment) > order.index(other)


def _way(segment: Segment, selection: Selection) -> _Way:
    return _Way(segment, (segment in _NEWEST_FIRST) is not selection.backwards)


def _position(record: EmailRecord, selection: Selection) -> Position:
    segments = _segments(selection)
    if segments == [Segment.CAMPAIGN]:
        return Position(segment=Segment.CAMPAIGN, at=None, email_id=record.id)
    segment = next(s for s in segments if record.state in _STATES[s])
    return Position(
        segment=segment, at=getattr(record, _SORTED_BY[segment].key), email_id=record.id
    )


async def _walk(
    session: AsyncSession,
    listed: _Listed,
    segment: Segment,
    after: Position | None,
    limit: int,
) -> tuple[list[EmailRecord], Position | None]:
    """Some emails of one segment; and where the walk stopped for having looked at enough."""
    way = _way(segment, listed.selection)
    candidates = _candidates(listed.owner_id, listed.selection, way, after)
    terms = listed.selection.search
    if terms is None:
        return await _records(session, candidates, way, limit), None
    # What many emails match is found soon by walking in order; what few match, by the index on
    # words, and sorted then. What is left, many that are all far away, is walked towards.
    records, stopped = await _looked(session, candidates, terms, way, GLANCE, limit)
    if stopped is None or len(records) >= limit:
        return records, None
    found = await listed.by_index(session)
    if found is None or len(terms.saying) > MAX_SAYING:
        records, stopped = await _looked(session, candidates, terms, way, MAX_SEARCHED, limit)
        return records, stopped if len(records) < limit else None
    few = candidates.where(EmailJob.email_id.in_(found))
    parts: list[tuple[list[EmailRecord], Position | None]]
    parts = [(await _records(session, few, way, limit), None)]
    for left, campaign_id in terms.saying:
        its = candidates.where(*_its_stretch(campaign_id, segment))
        parts.append(await _looked(session, its, left, way, MAX_SEARCHED, limit))
    return _merged(parts, way, limit)


def _its_stretch(campaign_id: uuid.UUID, segment: Segment) -> list[ColumnElement[bool]]:
    """One campaign's part of a segment, as its index can find it among others."""
    its = Campaign.id == campaign_id
    conditions = [EmailJob.campaign_id == campaign_id]
    if segment is Segment.WAITING:
        sender = select(Campaign.sender_id).where(its).scalar_subquery()
        conditions.append(EmailJob.sender_id == sender)
    elif segment is Segment.SENT:
        # No end: a doubt may turn out to be a success long after the campaign was completed.
        began = select(Campaign.launched_at).where(its).scalar_subquery()
        conditions.append(EmailJob.sent_at >= began)
    return conditions


def _merged(
    parts: Sequence[tuple[list[EmailRecord], Position | None]], way: _Way, limit: int
) -> tuple[list[EmailRecord], Position | None]:
    """The first of several walks through one segment; not past where one of them had to stop."""

    newest_first = way.newest_first

    def place(at: datetime | None, email_id: uuid.UUID) -> tuple[datetime | int, uuid.UUID]:
        return (0 if way.by_id_alone or at is None else at), email_id

    def place_of(record: EmailRecord) -> tuple[datetime | int, uuid.UUID]:
        at = None if way.by_id_alone else getattr(record, _SORTED_BY[way.segment].key)
        return place(at, record.id)

    records = {record.id: record for found, _ in parts for record in found}
    ordered = sorted(records.values(), key=place_of, reverse=newest_first)
    stops = [stop for _, stop in parts if stop is not None]
    if stops:
        ends = sorted(stops, key=lambda stop: place(stop.at, stop.email_id), reverse=newest_first)
        end = place(ends[0].at, ends[0].email_id)
        places = [(place_of(record), record) for record in ordered]
        before = [record for at, record in places if at == end or (at > end) is newest_first]
        if len(before) < limit:
            return before, ends[0]
    return ordered[:limit], None


async def _looked(
    session: AsyncSession,
    candidates: Select[uuid.UUID],
    terms: Terms,
    way: _Way,
    most: int,
    limit: int,
) -> tuple[list[EmailRecord], Position | None]:
    """Those of the first candidates that match; and the last one looked at, if there are more."""
    await session.execute(_IN_ORDER)
    at = _SORTED_BY.get(way.segment, EmailJob.due_at)
    looked_at = candidates.add_columns(at.label("at")).limit(most).subquery()
    order = [looked_at.c.email_id] if way.by_id_alone else [*looked_at.c["at", "email_id"]]
    if way.newest_first:
        order = [column.desc() for column in order]
    # Ordered by the candidates' own columns, so that it can end at the last that is wanted.
    matching = (
        select(looked_at.c.email_id)
        .join(Email, Email.id == looked_at.c.email_id)
        .where(terms.match())
        .order_by(*order)
        .limit(limit)
    )
    ids = list((await session.execute(matching)).scalars())
    records = await _records(
        session, select(EmailJob.email_id).where(EmailJob.email_id.in_(ids)), way, limit
    )
    if len(ids) >= limit:
        return records, None
    return records, await _last_candidate(session, candidates, way.segment, most)


async def _records(
    session: AsyncSession, ids: Select[uuid.UUID], way: _Way, limit: int
) -> list[EmailRecord]:
    query = _sorted(
        joined(select(*COLUMNS)).where(EmailJob.email_id.in_(ids.limit(limit).scalar_subquery())),
        way,
    )
    rows = await session.execute(query)
    return [EmailRecord(**row._mapping, **NO_BODIES) for row in rows]


async def _last_candidate(
    session: AsyncSession, candidates: Select[uuid.UUID], segment: Segment, most: int
) -> Position | None:
    at = _SORTED_BY.get(segment, EmailJob.due_at)
    last = candidates.add_columns(at).offset(most - 1).limit(1)
    row = (await session.execute(last)).one_or_none()
    if row is None:
        return None
    email_id, at_end = row
    by_id_alone = segment is Segment.CAMPAIGN
    return Position(segment=segment, at=None if by_id_alone else at_end, email_id=email_id)


def _candidates(
    owner_id: uuid.UUID, selection: Selection, way: _Way, after: Position | None
) -> Select[uuid.UUID]:
    """The ids of a segment in its order, from `after` on."""
    segment = way.segment
    query = select(EmailJob.email_id).where(
        EmailJob.owner_id == owner_id, not_thrown_away(owner_id)
    )
    if segment is Segment.CAMPAIGN:
        query = query.join(Email, Email.id == EmailJob.email_id).where(
            Email.campaign_id == selection.campaign_id
        )
    else:
        query = query.where(EmailJob.state.in_(sorted(_STATES[segment] & selection.states)))
        query = query.where(*_within(selection, segment))
    if selection.sender_id is not None:
        query = query.where(EmailJob.sender_id == selection.sender_id)
    if selection.address_key is not None:
        found = _with_address(owner_id, selection.address_key)
        query = query.where(EmailJob.email_id.in_(found))
    query = query.where(*_failed_so(selection))
    if after is not None:
        query = query.where(_behind(after, way))
    return _sorted(query, way)


def _failed_so(selection: Selection) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if selection.reason is not None:
        conditions.append(EmailJob.failure_reason == selection.reason)
    if selection.reply_code is not None:
        code = selection.reply_code or None
        conditions.append(EmailJob.reply_code.is_not_distinct_from(code))
    if selection.reply_enhanced is not None:
        enhanced = selection.reply_enhanced or None
        conditions.append(EmailJob.reply_enhanced.is_not_distinct_from(enhanced))
    return conditions


def _within(selection: Selection, segment: Segment) -> list[ColumnElement[bool]]:
    at = _SORTED_BY[segment]
    conditions: list[ColumnElement[bool]] = []
    if selection.begin is not None:
        conditions.append(at >= selection.begin)
    if selection.end is not None:
        conditions.append(at < selection.end)
    if selection.campaign_id is None:
        return conditions
    conditions.append(EmailJob.campaign_id == selection.campaign_id)
    if segment is Segment.WAITING and selection.campaign_sender_id is not None:
        conditions.append(EmailJob.sender_id == selection.campaign_sender_id)
    if segment is Segment.SENT and selection.campaign_since is not None:
        conditions.append(EmailJob.sent_at >= selection.campaign_since)
    return conditions


def _with_address(owner_id: uuid.UUID, key: str) -> Select[uuid.UUID]:
    """Every email of the owner's to one address: a look-up per campaign, then the single ones."""
    own = select(Campaign.id).where(Campaign.owner_id == owner_id)
    of_campaigns = select(Email.id).where(Email.campaign_id.in_(own), Email.address_key == key)
    single = select(Email.id).where(
        Email.campaign_id.is_(None), Email.owner_id == owner_id, Email.address_key == key
    )
    found = of_campaigns.union_all(single).cte().prefix_with("MATERIALIZED")
    return select(found.c.id)


def _behind(after: Position, way: _Way) -> ColumnElement[bool]:
    if way.by_id_alone:
        last = after.email_id
        return Email.id < last if way.newest_first else Email.id > last
    key = tuple_(_SORTED_BY[after.segment], EmailJob.email_id)
    end = tuple_(after.at, after.email_id)
    return key < end if way.newest_first else key > end


def _sorted(query: AnySelect, way: _Way) -> AnySelect:
    if way.by_id_alone:
        by_id = EmailJob.email_id
        return query.order_by(by_id.desc() if way.newest_first else by_id)
    at = _SORTED_BY[way.segment]
    if way.newest_first:
        return query.order_by(at.desc(), EmailJob.email_id.desc())
    return query.order_by(at, EmailJob.email_id)
