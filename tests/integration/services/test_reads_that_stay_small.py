"""How many rows a read comes by, as PostgreSQL counts them: not how long it takes."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.lifecycle import JobState
from paceline.domain.recipients import RawRecipient
from paceline.domain.short_lists import Extent
from paceline.persistence.stores import lists, retrying, searches, whole_lists
from paceline.services.selecting import EmailFilter, selection_of
from tests.integration.services.conftest import Desk

MANY = 400


async def fetched(session: AsyncSession) -> int:
    """Rows of email jobs that indexes led to, in this transaction."""
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    query = text("SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'email_jobs'")
    return int((await session.execute(query)).scalar_one())


async def settled(desk: Desk) -> None:
    """As autovacuum leaves tables behind."""
    for table in ("campaigns", "emails", "email_jobs"):
        await desk.world.execute(f"VACUUM (ANALYZE) {table}")


async def test_of_a_campaign_that_sent_nothing_no_search_walks_what_its_sender_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "GLANCE", 10)
    senders = [await desk.sender() for _ in range(10)]
    for number, sender in enumerate(senders):
        count = 1 if number else MANY // 2
        people = [RawRecipient(email=f"s{number}n{n}@x.org") for n in range(count)]
        await desk.draft(sender_id=sender.id, recipients=people)
    await desk.world.execute("UPDATE email_jobs SET state = 'sent', sent_at = now()")
    people = [RawRecipient(email=f"z{n}@x.org") for n in range(MANY)]
    await desk.draft(subject="Zebra", sender_id=senders[0].id, recipients=people)
    await settled(desk)
    async with desk.database.transaction() as session:
        before = await fetched(session)
        wanted = EmailFilter(q="zebra", states=frozenset({JobState.SENT}))
        selection = await selection_of(session, desk.owner, wanted)
        assert selection
        found, _ = await lists.emails(session, desk.owner, selection, after=None, limit=5)
        assert not found
        assert await fetched(session) - before < MANY // 2


async def test_what_seems_to_be_too_many_is_not_walked_to_be_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GLANCE", 10), ("MAX_SORTED", 20), ("MAX_COUNTED", MANY - 1)):
        monkeypatch.setattr(searches, name, value)
    people = [RawRecipient(email=f"n{n}@x.org") for n in range(MANY)]
    draft = await desk.draft(recipients=people)
    await settled(desk)
    async with desk.database.transaction() as session:
        before = await fetched(session)
        wanted = EmailFilter(q="org", campaign_id=draft.id)
        selection = await selection_of(session, desk.owner, wanted)
        assert selection
        extent = await whole_lists.extent(session, desk.owner, selection)
        assert extent == Extent(10, is_exact=False)
        assert await fetched(session) - before < 50


async def test_the_reasons_why_emails_failed_are_counted_in_an_index_alone(desk: Desk) -> None:
    people = [RawRecipient(email=f"n{n}@x.org") for n in range(MANY)]
    draft = await desk.draft(recipients=people)
    await desk.world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'hard_bounce', reply_code = 550"
    )
    await settled(desk)
    async with desk.database.transaction() as session:
        before = await fetched(session)
        [group] = await retrying.failed_groups(session, desk.owner, draft.id)
        assert group.count == MANY
        assert await fetched(session) - before < 5, "only the example's"
        assert not await retrying.failed_groups(session, uuid.uuid4(), draft.id)
