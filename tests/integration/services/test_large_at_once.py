"""Large campaigns while two people, or a crash, come between their pieces."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta

import pytest

from paceline import clock
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignState
from paceline.domain.recipients import RawRecipient
from paceline.errors import Conflict, OperationalError
from paceline.persistence.database import Database
from paceline.persistence.ledger import Ledger
from paceline.persistence.standing import Standing
from paceline.persistence.stores import campaigns, pieces
from paceline.persistence.stores.campaigns import take_turns
from paceline.persistence.stores.session import Session
from paceline.sending.recovery import Recovery
from paceline.services import in_pieces, selecting
from paceline.services.bulk import Action, Bulk, Command
from paceline.services.campaigns import CampaignPatch
from paceline.services.email_changes import EmailPatch
from paceline.services.selecting import EmailFilter
from paceline.services.views import CampaignView
from tests.integration.services.conftest import Desk

TEN = [RawRecipient(email=f"u{n}@example.com") for n in range(10)]
NEEDED = 5  # pieces of three, and one that finds nothing left


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten emails are many."""
    monkeypatch.setattr(pieces, "PIECE", 3)


Patching = Coroutine[None, None, CampaignView]


class Moves:
    """The pieces as they are moved: counted, held up after the first, or failing from one on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.fails_at: int | None = None
        self.held, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self._piece, self._all = pieces.move, in_pieces.move
        monkeypatch.setattr(pieces, "move", self._counted)
        monkeypatch.setattr(in_pieces, "move", self._held_up)

    async def _counted(self, session: Session, campaign_id: uuid.UUID) -> int:
        self.count += 1
        if self.count == self.fails_at:
            raise OperationalError("the database went away")
        return await self._piece(session, campaign_id)

    async def _held_up(self, database: Database, campaign_id: uuid.UUID) -> None:
        if not self.go_on.is_set() and not self.held.is_set():
            async with database.transaction() as session:
                await pieces.move(session, campaign_id)
            self.held.set()
            await self.go_on.wait()
        await self._all(database, campaign_id)

    async def held_up(
        self, moving: Coroutine[None, None, CampaignView]
    ) -> asyncio.Task[CampaignView]:
        """Begin it; it goes on behind its first piece when told to."""
        self.go_on.clear()
        task = asyncio.create_task(moving)
        held = asyncio.create_task(self.held.wait())
        await asyncio.wait({task, held}, return_when=asyncio.FIRST_COMPLETED)
        assert held.done(), task
        return task

    def forget(self, *, fails_at: int | None = None) -> None:
        self.count, self.fails_at = 0, fails_at


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> Moves:
    return Moves(monkeypatch)


async def under_way(desk: Desk) -> CampaignView:
    draft = await desk.draft(recipients=TEN, start_at=clock.now() + timedelta(hours=5))
    return await desk.campaigns.launch(desk.owner, draft.id)


def in_hours(hours: int) -> CampaignPatch:
    return CampaignPatch(start_at=clock.now() + timedelta(hours=hours))


async def times(desk: Desk) -> set[datetime]:
    return {row["due_at"] for row in await desk.world.fetch("SELECT due_at FROM email_jobs")}


async def is_moving(desk: Desk) -> bool:
    return bool(await desk.world.fetchval("SELECT moving_to IS NOT NULL FROM campaigns"))


async def claimed(desk: Desk, campaign: CampaignView) -> int:
    """How many a lane would get that believes all to be due."""
    ledger = Ledger(desk.database, worker_run=new_id(), lease=timedelta(minutes=1))
    taken = await ledger.claim(
        campaign.sender_id, of_campaigns={campaign.id: 10}, single=0, account_version=1
    )
    return len(taken.claims)


async def test_a_pause_in_the_middle_of_a_move_stays(desk: Desk, moves: Moves) -> None:
    campaign = await under_way(desk)
    moving = await moves.held_up(desk.campaigns.patch(desk.owner, campaign.id, in_hours(9)))
    assert (await desk.campaigns.pause(desk.owner, campaign.id)).state is CampaignState.PAUSED
    moves.go_on.set()
    moved = await moving
    assert moved.state is CampaignState.PAUSED
    assert await times(desk) == {moved.start_at}


async def test_paused_and_resumed_in_the_middle_of_a_move_it_runs(desk: Desk, moves: Moves) -> None:
    campaign = await under_way(desk)
    moving = await moves.held_up(desk.campaigns.patch(desk.owner, campaign.id, in_hours(9)))
    await desk.campaigns.pause(desk.owner, campaign.id)
    await desk.campaigns.resume(desk.owner, campaign.id)
    moves.go_on.set()
    assert (await moving).state is CampaignState.ACTIVE


async def test_a_start_that_is_asked_for_twice_is_one_start(desk: Desk, moves: Moves) -> None:
    campaign = await under_way(desk)
    patch = in_hours(9)
    first = await moves.held_up(desk.campaigns.patch(desk.owner, campaign.id, patch))
    second = await desk.campaigns.patch(desk.owner, campaign.id, patch)
    moves.go_on.set()
    assert (await first).state is second.state is CampaignState.ACTIVE
    assert await times(desk) == {patch.start_at}
    assert not await is_moving(desk)


async def test_of_two_starts_at_once_the_later_word_holds_and_both_end(
    desk: Desk, moves: Moves
) -> None:
    campaign = await under_way(desk)
    moves.forget()
    patches = (in_hours(2), in_hours(9), in_hours(7))
    views = await asyncio.gather(
        *(desk.campaigns.patch(desk.owner, campaign.id, patch) for patch in patches)
    )
    assert moves.count <= len(patches) * (NEEDED + 2)
    start_at = await desk.world.fetchval("SELECT start_at FROM campaigns")
    assert await times(desk) == {start_at}
    assert start_at in {patch.start_at for patch in patches}
    assert {view.state for view in views} == {CampaignState.ACTIVE}


async def test_nothing_goes_while_a_stopped_move_waits_and_the_keeper_ends_it(
    desk: Desk, moves: Moves
) -> None:
    campaign = await under_way(desk)
    await desk.world.execute("UPDATE email_jobs SET due_at = now() - interval '1 s'")
    moves.forget(fails_at=2)
    patch = in_hours(9)
    with pytest.raises(OperationalError):
        await desk.campaigns.patch(desk.owner, campaign.id, patch)
    seen = await desk.queries.campaign(desk.owner, campaign.id)
    assert (seen.state, seen.start_at) == (CampaignState.ACTIVE, patch.start_at)
    look = await Standing(desk.database).look(campaign.sender_id)
    assert look is not None
    assert [demand.campaign_id for demand in look.demands] == [None]
    assert await claimed(desk, campaign) == 0
    for _ in range(4):
        await Recovery(desk.database).run()
    assert await times(desk) == {patch.start_at}
    assert not await is_moving(desk)


async def test_asked_for_again_after_a_failure_it_goes_on(desk: Desk, moves: Moves) -> None:
    campaign = await under_way(desk)
    moves.forget(fails_at=2)
    patch = in_hours(9)
    with pytest.raises(OperationalError):
        await desk.campaigns.patch(desk.owner, campaign.id, patch)
    view = await desk.campaigns.patch(desk.owner, campaign.id, patch)
    assert view.state is CampaignState.ACTIVE
    assert await times(desk) == {patch.start_at}


async def test_an_email_that_somebody_holds_is_not_left_at_its_old_time(desk: Desk) -> None:
    campaign = await under_way(desk)
    patch = in_hours(9)
    async with desk.database.driver() as driver, driver.transaction():
        await driver.execute("SELECT 1 FROM email_jobs ORDER BY due_at LIMIT 1 FOR UPDATE")
        await desk.campaigns.patch(desk.owner, campaign.id, patch)
        assert await is_moving(desk)
    await Recovery(desk.database).run()
    assert await times(desk) == {patch.start_at}
    assert not await is_moving(desk)


async def test_the_keeper_does_not_wait_for_somebodys_turn(desk: Desk, moves: Moves) -> None:
    campaign = await under_way(desk)
    await desk.world.execute("UPDATE campaigns SET moving_to = now()")
    moves.forget()
    async with desk.database.transaction() as session:
        await take_turns(session, campaign.id)
        await Recovery(desk.database).run()
    assert moves.count == 0


async def test_a_large_draft_that_is_launched_twice_at_once_goes_once(
    desk: Desk, moves: Moves
) -> None:
    draft = await desk.draft(recipients=TEN)
    await desk.world.execute("UPDATE email_jobs SET due_at = now() - interval '1 day'")
    launches = await asyncio.gather(
        *(desk.campaigns.launch(desk.owner, draft.id) for _ in range(2)), return_exceptions=True
    )
    (view,) = [launch for launch in launches if not isinstance(launch, BaseException)]
    assert [type(launch) for launch in launches if launch is not view] == [Conflict]
    assert moves.count == NEEDED
    assert await times(desk) == {view.start_at}


async def test_a_cancellation_that_is_killed_half_way_is_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await desk.draft(recipients=TEN)
    real, pieces_done = pieces.call_back, 0

    async def dies(session: Session, sender_id: uuid.UUID, campaign_id: uuid.UUID) -> int:
        nonlocal pieces_done
        pieces_done += 1
        if pieces_done == 2:
            raise OperationalError("the database went away")
        return await real(session, sender_id, campaign_id)

    monkeypatch.setattr(pieces, "call_back", dies)
    with pytest.raises(OperationalError):
        await desk.campaigns.cancel(desk.owner, draft.id)
    with pytest.raises(Conflict):
        await desk.campaigns.launch(desk.owner, draft.id)
    await Recovery(desk.database).run()
    counts = (await desk.queries.campaign(desk.owner, draft.id)).counts
    assert (counts.cancelled, counts.scheduled) == (10, 0)


async def test_a_move_ends_with_the_campaign(desk: Desk, moves: Moves) -> None:
    campaign = await under_way(desk)
    moving = await moves.held_up(desk.campaigns.patch(desk.owner, campaign.id, in_hours(9)))
    await desk.campaigns.cancel(desk.owner, campaign.id)
    moves.go_on.set()
    assert (await moving).state is CampaignState.CANCELLED
    assert not await is_moving(desk)


async def test_what_a_cancellation_left_is_cancelled_although_nobody_looked_for_a_week(
    desk: Desk,
) -> None:
    campaign = await under_way(desk)
    await desk.world.execute(
        "UPDATE campaigns SET state = 'cancelled', finished_at = now() - interval '7 days'"
    )
    await Recovery(desk.database).run()
    assert (await desk.queries.campaign(desk.owner, campaign.id)).counts.cancelled == 10


async def test_right_away_is_a_start_also_for_a_move_that_takes_long(
    desk: Desk, moves: Moves, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await under_way(desk)
    moving = await moves.held_up(
        desk.campaigns.patch(desk.owner, campaign.id, CampaignPatch(start_at=None))
    )
    in_an_hour = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: in_an_hour)
    moves.go_on.set()
    moved = await moving
    assert await times(desk) == {moved.start_at}


async def test_one_email_is_not_moved_by_itself_while_its_campaign_is(desk: Desk) -> None:
    await under_way(desk)
    email = await desk.world.fetchval("SELECT email_id FROM email_jobs LIMIT 1")
    await desk.world.execute("UPDATE campaigns SET moving_to = now()")
    with pytest.raises(Conflict, match="is being moved"):
        await desk.emails.patch(
            desk.owner, email, EmailPatch(scheduled_at=clock.now() + timedelta(hours=1))
        )


async def _moved(desk: Desk, campaign: CampaignView) -> None:
    await desk.campaigns.patch(desk.owner, campaign.id, in_hours(9))


async def _all_rescheduled(desk: Desk, campaign: CampaignView) -> None:
    wanted = EmailFilter(campaign_id=campaign.id)
    at = clock.now() + timedelta(hours=9)
    command = Command(action=Action.RESCHEDULE, wanted=wanted, scheduled_at=at)
    await Bulk(desk.database, desk.bell).run(desk.owner, command)


@pytest.mark.parametrize("many", [_moved, _all_rescheduled])
async def test_a_pause_waits_for_one_piece_and_not_for_all_that_is_moved(
    desk: Desk,
    many: Callable[[Desk, CampaignView], Coroutine[None, None, None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each piece takes the campaign's turn, and whoever asks for it meanwhile comes next."""
    monkeypatch.setattr(pieces, "PIECE", 1)
    monkeypatch.setattr(selecting, "BATCH", 1)
    emails = [RawRecipient(email=f"u{n}@example.com") for n in range(60)]
    draft = await desk.draft(recipients=emails, start_at=clock.now() + timedelta(hours=5))
    campaign = await desk.campaigns.launch(desk.owner, draft.id)
    taken, begun = 0, asyncio.Event()

    async def counted(session: Session, campaign_id: uuid.UUID, *, patient: bool = True) -> None:
        nonlocal taken
        await take_turns(session, campaign_id, patient=patient)
        taken += patient  # as each piece is, and no command
        if taken == 3:
            begun.set()

    monkeypatch.setattr(campaigns, "take_turns", counted)
    moving = asyncio.create_task(many(desk, campaign))
    async with asyncio.timeout(60):
        await begun.wait()
    assert (await desk.campaigns.pause(desk.owner, campaign.id)).state is CampaignState.PAUSED
    assert taken < len(emails) / 2  # some go by while the pause has a connection opened
    assert not moving.done()
    await moving
    assert (await desk.queries.campaign(desk.owner, campaign.id)).state is CampaignState.PAUSED
