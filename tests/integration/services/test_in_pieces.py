"""Large campaigns: done in pieces, seen whole, and gone on with where a process stopped."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from paceline import clock
from paceline.domain.lifecycle import CampaignState
from paceline.domain.recipients import RawRecipient
from paceline.errors import NotFound
from paceline.persistence.stores import pieces
from paceline.sending.recovery import Recovery
from paceline.services import in_pieces
from paceline.services.campaigns import CampaignPatch
from paceline.services.selecting import EmailFilter
from tests.integration.services.conftest import Desk

TEN = [RawRecipient(email=f"u{n}@example.com") for n in range(10)]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten emails are many."""
    monkeypatch.setattr(pieces, "PIECE", 3)


async def left(desk: Desk) -> int:
    count: int = await desk.world.fetchval("SELECT count(*) FROM emails")
    return count


async def test_a_large_draft_is_thrown_away_whole(desk: Desk) -> None:
    draft = await desk.draft(recipients=TEN)
    await desk.campaigns.discard(desk.owner, draft.id)
    assert await left(desk) == 0
    assert await desk.world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_what_was_thrown_away_is_seen_by_nobody_until_the_keeper_has_removed_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_pieces, "MAX_PIECES", 1)
    draft = await desk.draft(recipients=TEN)
    (first, *_) = (await desk.email_queries.emails(desk.owner, EmailFilter(), limit=1)).items
    await desk.campaigns.discard(desk.owner, draft.id)
    assert await left(desk) == 7
    assert (await desk.email_queries.emails(desk.owner, EmailFilter())).items == []
    assert (await desk.email_queries.emails(desk.owner, EmailFilter(q="example"))).items == []
    assert (
        await desk.email_queries.emails(desk.owner, EmailFilter(q="u9@example.com"))
    ).items == []
    assert (await desk.queries.campaigns(desk.owner)).items == []
    assert (await desk.queries.overview(desk.owner)).scheduled == 0
    for asked in (
        desk.queries.campaign(desk.owner, draft.id),
        desk.email_queries.email(desk.owner, first.id),
        desk.campaigns.launch(desk.owner, draft.id),
        desk.campaigns.discard(desk.owner, draft.id),
        desk.emails.cancel(desk.owner, first.id),
        desk.upload(draft.id, "email\nnew@example.com\n"),
    ):
        with pytest.raises(NotFound):
            await asked
    for still in (7, 4, 1, 0):
        assert await desk.queries.being_cleared(desk.owner) == still
        assert await desk.queries.being_cleared(uuid.uuid4()) == 0
        await Recovery(desk.database).run()
    assert await left(desk) == 0
    assert await desk.world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_a_large_campaign_is_cancelled_at_once_and_the_keeper_does_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_pieces, "MAX_PIECES", 1)
    draft = await desk.draft(recipients=TEN)
    await desk.campaigns.launch(desk.owner, draft.id)
    cancelled = await desk.campaigns.cancel(desk.owner, draft.id)
    assert cancelled.state is CampaignState.CANCELLED
    assert (cancelled.counts.cancelled, cancelled.counts.scheduled) == (3, 7)
    await Recovery(desk.database).run()
    counts = (await desk.queries.campaign(desk.owner, draft.id)).counts
    assert (counts.cancelled, counts.scheduled) == (10, 0)


async def times(desk: Desk, campaign_id: uuid.UUID) -> set[object]:
    rows = await desk.world.fetch(
        "SELECT DISTINCT due_at, scheduled_at FROM email_jobs WHERE campaign_id = $1", campaign_id
    )
    return {at for row in rows for at in row.values()}


async def test_a_large_campaign_is_moved_whole_sooner_and_later(desk: Desk) -> None:
    draft = await desk.draft(recipients=TEN, start_at=clock.now() + timedelta(hours=5))
    launched = await desk.campaigns.launch(desk.owner, draft.id)
    assert await times(desk, draft.id) == {launched.start_at}
    for hours in (9, 2):
        start_at = clock.now() + timedelta(hours=hours)
        patch = CampaignPatch(start_at=start_at)
        moved = await desk.campaigns.patch(desk.owner, draft.id, patch)
        assert (moved.state, moved.start_at) == (CampaignState.ACTIVE, start_at)
        assert await times(desk, draft.id) == {start_at}
    await desk.campaigns.pause(desk.owner, draft.id)
    moved = await desk.campaigns.patch(desk.owner, draft.id, CampaignPatch(start_at=None))
    assert moved.state is CampaignState.PAUSED
    assert await times(desk, draft.id) == {moved.start_at}


async def test_a_large_draft_that_lay_in_the_drawer_goes_at_its_launch(desk: Desk) -> None:
    draft = await desk.draft(recipients=TEN)
    await desk.world.execute("UPDATE email_jobs SET due_at = now() - interval '1 day'")
    before = clock.now()
    await desk.campaigns.launch(desk.owner, draft.id)
    late = await desk.world.fetchval(
        "SELECT count(*) FROM email_jobs WHERE due_at < $1 OR scheduled_at < $1", before
    )
    assert late == 0
