"""Which emails somebody means: the filters of a list, made ready for the store."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.domain.bounds import MAX_QUERY
from paceline.domain.lifecycle import JobState
from paceline.domain.retrying import ANY_FAILURE, FailedFilter
from paceline.domain.short_lists import SortBy
from paceline.errors import InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns, lists
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.segments import Selection
from paceline.persistence.stores.session import Session
from paceline.persistence.stores.terms import terms_of

BATCH = 500  # emails of one query, where all that match are wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailFilter:
    """Which emails to list. `q`: words, or beginnings of them, of addresses, names, subjects.

    `failed`: those that failed so. `begin` and `end` (not included) bound the time that a list is
    sorted by: due, sent, or changed last. `sort`: by that instead, as far as the list is short; a
    page honours it, what is done to all of them needs no order. `backwards`: the last first.
    """

    states: frozenset[JobState] = frozenset(JobState)
    q: str | None = None
    campaign_id: uuid.UUID | None = None
    sender_id: uuid.UUID | None = None
    failed: FailedFilter = ANY_FAILURE
    begin: datetime | None = None
    end: datetime | None = None
    sort: SortBy | None = None
    backwards: bool = False


async def selection_of(
    session: Session, owner_id: uuid.UUID, wanted: EmailFilter
) -> Selection | None:
    """What is asked for; None: nothing can be that (a search for signs without a word).

    Raises `InvalidInput`, `NotFound` for somebody else's campaign.
    """
    campaign = None
    if wanted.campaign_id is not None:
        campaign = await campaigns.campaign(session, owner_id, wanted.campaign_id)
        if campaign is None:
            raise NotFound("there is no such campaign")
    key, asked = _search(wanted.q)
    search = None if asked is None else await terms_of(session, owner_id, asked)
    if asked is not None and search is None:
        return None
    return Selection(
        states=wanted.states,
        campaign_id=wanted.campaign_id,
        campaign_sender_id=campaign.sender_id if campaign else None,
        campaign_since=campaign.launched_at if campaign else None,
        sender_id=wanted.sender_id,
        address_key=key,
        search=search,
        reason=wanted.failed.reason,
        reply_code=wanted.failed.reply_code,
        reply_enhanced=wanted.failed.reply_enhanced,
        begin=wanted.begin,
        end=wanted.end,
        backwards=wanted.backwards and wanted.sort is None,
    )


async def all_of(
    database: Database, owner_id: uuid.UUID, selection: Selection | None
) -> AsyncIterator[list[EmailRecord]]:
    """All emails of a selection, some at a time; no transaction outlives a batch.

    Those that come to it, or leave it, meanwhile may be there or not; none is there twice, unless
    its place in the list changes.
    """
    after, is_more = None, selection is not None
    while is_more and selection is not None:
        async with database.transaction() as session:
            records, after = await lists.emails(
                session, owner_id, selection, after=after, limit=BATCH
            )
        is_more = after is not None
        if records:
            yield records


def _search(q: str | None) -> tuple[str | None, str | None]:
    """(a whole address's key, None) or (None, a part of something)."""
    q = (q or "").strip()
    if not q:
        return None, None
    if len(q) > MAX_QUERY or "\x00" in q:
        raise InvalidInput.of("q", f"must be at most {MAX_QUERY} characters of plain text")
    try:
        return parse_address(q).key, None
    except InvalidAddress:
        return None, q
