"""Campaigns: their rows, always through their owner, and the moves of all their emails at once.

Lock order, everywhere: email jobs first, then their lane, then their campaign (whose counters a
trigger keeps, at the end of each statement). So that two people's commands for one campaign do not
mix, each begins with `take_turns`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    delete,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import WAITING, CampaignState, JobState
from paceline.errors import Busy
from paceline.persistence.models import Campaign, Email, EmailJob, Sender
from paceline.persistence.searching import column_of, said_by
from paceline.persistence.stores.calling_back import called_back

PATIENCE_SECONDS = 10  # of a command, for another one about the same campaign
_LOCK_TIMEOUT = "55P03"
_LOOKED_AT = 20  # recipients whose fields stand for all
_MAX_WORDS = 8  # of a search


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRecord:
    """A campaign as stored, with what its views need of its sender."""

    id: uuid.UUID
    owner_id: uuid.UUID
    sender_id: uuid.UUID
    name: str
    subject: str
    text_body: str | None
    html_body: str | None
    start_at: datetime | None
    time_zone: str
    min_delay_ms: int
    hourly_limit: int | None
    doubt_policy: str
    expires_after_hours: int
    state: str
    total: int
    sent: int
    failed: int
    cancelled: int
    created_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None
    moving_to: datetime | None  # where a large campaign's emails are being moved
    sender_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFilter:
    """Which campaigns: those with all these words in name or subject, in this state if any.

    Tests of messages are none.
    """

    words: str = ""
    state: CampaignState | None = None


ALL_CAMPAIGNS = CampaignFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A recipient without a value for a merge field."""

    address: str
    line: int | None
    field: str


_COLUMNS = [getattr(Campaign, n) for n in CampaignRecord.__slots__ if n != "sender_address"]
_RECORD = select(*_COLUMNS, Sender.from_address.label("sender_address")).join(
    Sender, Sender.id == Campaign.sender_id
)


async def take_turns(
    session: AsyncSession, campaign_id: uuid.UUID, *, patient: bool = True
) -> None:
    """Wait for other commands about this campaign to finish, and make later ones wait for this.

    Whoever waits has a connection: one who is not patient gives up after `PATIENCE_SECONDS`. Raises
    `Busy` then.
    """
    if patient:
        await session.execute(select(func.pg_advisory_xact_lock(_turn_of(campaign_id))))
    elif not await is_my_turn(session, campaign_id):
        await session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'"))
        try:
            await session.execute(select(func.pg_advisory_xact_lock(_turn_of(campaign_id))))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_TIMEOUT:
                raise
            raise Busy("another command about this campaign is at work") from None
        await session.execute(text("SET LOCAL lock_timeout = 0"))


async def is_my_turn(session: AsyncSession, campaign_id: uuid.UUID) -> bool:
    """The same, but without waiting: False where somebody else has the turn."""
    taken = select(func.pg_try_advisory_xact_lock(_turn_of(campaign_id)))
    return bool((await session.execute(taken)).scalar_one())


def _turn_of(campaign_id: uuid.UUID) -> BindParameter[int]:
    return literal(campaign_id.int & (2**63 - 1), BigInteger())


async def insert_campaign(session: AsyncSession, *, owner_id: uuid.UUID, **values: object) -> None:
    """Store a new campaign."""
    session.add(Campaign(owner_id=owner_id, **values, **_said(owner_id, values)))
    await session.flush()


async def campaign(
    session: AsyncSession, owner_id: uuid.UUID, campaign_id: uuid.UUID
) -> CampaignRecord | None:
    """One of this owner's campaigns, or None."""
    query = _RECORD.where(
        Campaign.id == campaign_id, Campaign.owner_id == owner_id, Campaign.discarded_at.is_(None)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else CampaignRecord(**row._mapping)


async def is_any_launched(
    session: AsyncSession, owner_id: uuid.UUID, sender_ids: Collection[uuid.UUID]
) -> bool:
    """Whether a campaign of one of these senders was ever launched."""
    launched = select(Campaign.id).where(
        Campaign.owner_id == owner_id,
        Campaign.sender_id.in_(sender_ids),
        Campaign.launched_at.is_not(None),
        ~Campaign.is_test,
    )
    return (await session.execute(launched.limit(1))).one_or_none() is not None


async def campaigns(
    session: AsyncSession,
    owner_id: uuid.UUID,
    wanted: CampaignFilter,
    *,
    before: uuid.UUID | None,
    limit: int,
) -> list[CampaignRecord]:
    """This owner's campaigns, the newest first, from the one after `before` on."""
    query = _RECORD.where(*_matching(owner_id, wanted))
    if before is not None:
        query = query.where(Campaign.id < before)
    rows = await session.execute(query.order_by(Campaign.id.desc()).limit(limit))
    return [CampaignRecord(**row._mapping) for row in rows]


async def how_many(session: AsyncSession, owner_id: uuid.UUID, wanted: CampaignFilter) -> int:
    """How many of this owner's campaigns match."""
    query = select(func.count()).select_from(Campaign).where(*_matching(owner_id, wanted))
    return (await session.execute(query)).scalar_one()


async def being_cleared(session: AsyncSession, owner_id: uuid.UUID) -> int:
    """How many emails are left of drafts that this owner threw away."""
    gone = Campaign.owner_id == owner_id, Campaign.discarded_at.is_not(None)
    query = select(func.coalesce(func.sum(Campaign.total), 0)).where(*gone)
    return int((await session.execute(query)).scalar_one())


def _matching(owner_id: uuid.UUID, wanted: CampaignFilter) -> list[ColumnElement[bool]]:
    conditions = [
        Campaign.owner_id == owner_id,
        Campaign.discarded_at.is_(None),
        ~Campaign.is_test,
    ]
    if wanted.state is not None:
        conditions.append(Campaign.state == wanted.state)
    for word in wanted.words.split()[:_MAX_WORDS]:
        in_name = Campaign.name.icontains(word, autoescape=True)
        conditions.append(in_name | Campaign.subject.icontains(word, autoescape=True))
    return conditions


async def change_campaign(
    session: AsyncSession,
    owner_id: uuid.UUID,
    campaign_id: uuid.UUID,
    changes: Mapping[str, object],
) -> None:
    """Change some columns."""
    await session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.owner_id == owner_id)
        .values(**changes, **_said(owner_id, changes), updated_at=func.clock_timestamp())
    )


def _said(owner_id: uuid.UUID, values: Mapping[str, object]) -> Mapping[str, object]:
    """What its subject is found by, where it has a new one."""
    subject = values.get("subject")
    return {} if subject is None else {"search": column_of(owner_id, said_by(str(subject)))}


async def due_range(
    session: AsyncSession, sender_id: uuid.UUID, campaign_id: uuid.UUID
) -> tuple[datetime, datetime] | None:
    """When the first and the last waiting email of a campaign are due; two look-ups by index."""
    ends = select(func.min(EmailJob.due_at), func.max(EmailJob.due_at)).where(
        EmailJob.sender_id == sender_id,
        EmailJob.campaign_id == campaign_id,
        EmailJob.state.in_(sorted(WAITING)),
    )
    ends_found = (await session.execute(ends)).one()
    return None if None in ends_found else (ends_found[0], ends_found[1])


async def reschedule_all(
    session: AsyncSession, sender_id: uuid.UUID, campaign_id: uuid.UUID, start_at: datetime
) -> None:
    """Move every email of the campaign that nobody has tried yet."""
    await session.execute(
        update(EmailJob)
        .where(
            EmailJob.sender_id == sender_id,
            EmailJob.campaign_id == campaign_id,
            EmailJob.state == JobState.SCHEDULED,
        )
        .values(scheduled_at=start_at, due_at=start_at, updated_at=func.clock_timestamp())
    )


async def cancel_waiting(
    session: AsyncSession, sender_id: uuid.UUID, campaign_id: uuid.UUID
) -> None:
    """Cancel every email of the campaign that is not on its way.

    Those that may have left by an earlier attempt are in doubt instead.
    """
    await session.execute(
        update(EmailJob)
        .where(
            EmailJob.sender_id == sender_id,
            EmailJob.campaign_id == campaign_id,
            EmailJob.state.in_(sorted(WAITING)),
        )
        .values(called_back())
    )


async def delete_campaign(
    session: AsyncSession, owner_id: uuid.UUID, campaign_id: uuid.UUID
) -> None:
    """Remove a campaign of which nothing was ever tried, with its emails and their jobs."""
    await session.execute(delete(Email).where(Email.campaign_id == campaign_id))
    await session.execute(
        delete(Campaign).where(Campaign.id == campaign_id, Campaign.owner_id == owner_id)
    )


async def reopen(session: AsyncSession, campaign_id: uuid.UUID) -> None:
    """An email of it is to be sent again, also of a completed one.

    Touched even while it is active, so that a completion at the same moment is refused
    (complete.sql).
    """
    await session.execute(
        update(Campaign)
        .where(
            Campaign.id == campaign_id,
            Campaign.state.in_([CampaignState.ACTIVE, CampaignState.COMPLETED]),
        )
        .values(state=CampaignState.ACTIVE, finished_at=None, updated_at=func.clock_timestamp())
    )


async def fields_of_some(session: AsyncSession, campaign_id: uuid.UUID) -> frozenset[str]:
    """What the first recipients of a campaign have values for; nothing where there is none."""
    rows = await session.scalars(
        select(Email.fields)
        .where(Email.campaign_id == campaign_id)
        .order_by(Email.id)
        .limit(_LOOKED_AT)
    )
    found = list(rows)
    return frozenset({"email", "name"}).union(*found) if found else frozenset()


async def recipient_lacking(
    session: AsyncSession, campaign_id: uuid.UUID, required: list[str]
) -> Lacking | None:
    """The first recipient of the campaign that has no value for one of these merge fields."""
    for field in sorted(required):
        has_none = Email.name.is_(None) if field == "name" else ~Email.fields.has_key(field)
        row = (
            await session.execute(
                select(Email.address, Email.line)
                .where(Email.campaign_id == campaign_id, has_none)
                .order_by(Email.id)
                .limit(1)
            )
        ).one_or_none()
        if row is not None:
            return Lacking(address=row.address, line=row.line, field=field)
    return None


_LIVE = text("""
    SELECT campaign_id, state, count(*) AS n
      FROM email_jobs
     WHERE campaign_id = ANY (:ids) AND state = 'deferred'
     GROUP BY 1, 2
    UNION ALL
    SELECT campaign_id, state, count(*)
      FROM email_jobs
     WHERE campaign_id = ANY (:ids) AND state = 'in_doubt'
     GROUP BY 1, 2
    UNION ALL
    SELECT campaign_id, state, count(*)
      FROM email_jobs
     WHERE campaign_id = ANY (:ids) AND state IN ('claimed', 'sending')
     GROUP BY 1, 2
""")


async def live_counts(
    session: AsyncSession, campaign_ids: list[uuid.UUID]
) -> dict[tuple[uuid.UUID, JobState], int]:
    """How many emails are in the states that no counter keeps, each read from a small index."""
    rows = await session.execute(_LIVE, {"ids": campaign_ids})
    return {(row.campaign_id, JobState(row.state)): row.n for row in rows}
