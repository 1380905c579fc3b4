"""What a list of emails is made of: a selection, and the segments that an index keeps in order.

Emails on their way, waiting, sent, failed, in doubt and cancelled are walked one after the other:
each of these *segments* is kept in order by an index.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from paceline.domain.lifecycle import IN_FLIGHT, WAITING, FailureReason, JobState
from paceline.domain.short_lists import SortBy
from paceline.persistence.models import Campaign, Email, EmailJob
from paceline.persistence.stores.discarded import not_thrown_away
from paceline.persistence.stores.email_records import AnySelect
from paceline.persistence.stores.terms import Terms


class Segment(StrEnum):
    """A part of an owner's emails that one index keeps in order."""

    IN_FLIGHT = "in_flight"
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    CAMPAIGN = "campaign"  # all emails of one campaign, in the order of its file
    WHOLE = "whole"  # none of these: a list that is short enough to be sorted as a whole


SORTED_BY: dict[Segment, InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]]
SORTED_BY = {
    Segment.IN_FLIGHT: EmailJob.due_at,
    Segment.WAITING: EmailJob.due_at,
    Segment.SENT: EmailJob.sent_at,
    Segment.FAILED: EmailJob.updated_at,
    Segment.IN_DOUBT: EmailJob.updated_at,
    Segment.CANCELLED: EmailJob.updated_at,
}
STATES: dict[Segment, frozenset[JobState]] = {
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
    """Where a page ended. `at` is None in lists that are not sorted by a time."""

    segment: Segment
    at: datetime | None
    email_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of an owner's emails. `address_key` finds one address, `search` words.

    `begin` and `end` bound the time that a segment is sorted by. A reply code of 0, and an enhanced
    code of '', mean: without one. `sort`: by that, for which it has to be short; else by time.
    `backwards`: the last ones first.
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
    sort: SortBy | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """How one segment is walked."""

    segment: Segment
    newest_first: bool

    @property
    def by_id_alone(self) -> bool:
        """Whether no time is what it is sorted by."""
        return self.segment is Segment.CAMPAIGN


def segments_of(selection: Selection) -> list[Segment]:
    """Those that a list goes through, in its order."""
    timed = selection.begin is not None or selection.end is not None
    if selection.campaign_id is not None and selection.states == frozenset(JobState) and not timed:
        return [Segment.CAMPAIGN]
    segments = [segment for segment, states in STATES.items() if states & selection.states]
    return segments[::-1] if selection.backwards else segments


def is_behind(segment: Segment, other: Segment, selection: Selection) -> bool:
    """Whether the list comes to `segment` later than to `other`."""
    order = list(Segment)[:: -1 if selection.backwards else 1]
    return order.index(segment) > order.index(other)


def way_of(segment: Segment, selection: Selection) -> Way:
    """How a list goes through one of them."""
    return Way(segment, (segment in _NEWEST_FIRST) is not selection.backwards)


def candidates_of(
    owner_id: uuid.UUID, selection: Selection, way: Way, after: Position | None
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
        query = query.where(EmailJob.state.in_(sorted(STATES[segment] & selection.states)))
        query = query.where(*_within(selection, segment))
    if selection.sender_id is not None:
        query = query.where(EmailJob.sender_id == selection.sender_id)
    if selection.address_key is not None:
        found = _with_address(owner_id, selection.address_key)
        query = query.where(EmailJob.email_id.in_(found))
    query = query.where(*_failed_so(selection))
    if after is not None:
        query = query.where(_behind(after, way))
    return in_order(query, way)


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
    at = SORTED_BY[segment]
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


def _behind(after: Position, way: Way) -> ColumnElement[bool]:
    if way.by_id_alone:
        last = after.email_id
        return Email.id < last if way.newest_first else Email.id > last
    key = tuple_(SORTED_BY[after.segment], EmailJob.email_id)
    end = tuple_(after.at, after.email_id)
    return key < end if way.newest_first else key > end


def in_order(query: AnySelect, way: Way) -> AnySelect:
    """A query over email jobs in the order of a segment."""
    if way.by_id_alone:
        by_id = EmailJob.email_id
        return query.order_by(by_id.desc() if way.newest_first else by_id)
    at = SORTED_BY[way.segment]
    if way.newest_first:
        return query.order_by(at.desc(), EmailJob.email_id.desc())
    return query.order_by(at, EmailJob.email_id)
