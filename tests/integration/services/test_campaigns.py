from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from paceline import clock
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import CampaignState
from paceline.domain.recipients import RawRecipient
from paceline.errors import Conflict, InvalidInput, NotFound
from paceline.services.campaigns import CampaignPatch
from tests.integration.services.conftest import Desk, new_campaign

ANN, BOB = RawRecipient(email="ann@example.com"), RawRecipient(email="Bob@Example.org", name="Bob")


async def wakes_at(desk: Desk, sender_id: uuid.UUID) -> datetime:
    return await desk.world.fetchval("SELECT wake_at FROM lanes WHERE sender_id = $1", sender_id)


async def test_a_campaign_begins_as_a_draft_that_sends_nothing(desk: Desk) -> None:
    sender = await desk.sender()
    created = await desk.campaigns.create(
        desk.owner, new_campaign(sender_id=sender.id, recipients=[ANN, BOB, ANN])
    )
    assert created.campaign.state is CampaignState.DRAFT
    assert created.campaign.held_by is HeldBy.CAMPAIGN_DRAFT
    assert created.campaign.counts.scheduled == 2
    assert created.report is not None
    assert (created.report.accepted, created.report.duplicates) == (2, 1)
    assert desk.bell.rung == []


async def test_a_launched_campaign_wakes_its_lane_at_its_start(desk: Desk) -> None:
    start_at = clock.now() + timedelta(hours=2)
    draft = await desk.draft(start_at=start_at, recipients=[ANN])
    launched = await desk.campaigns.launch(desk.owner, draft.id)
    assert launched.state is CampaignState.ACTIVE
    assert (launched.held_by, launched.release_at) == (HeldBy.SCHEDULE, start_at)
    assert await wakes_at(desk, draft.sender_id) == start_at
    assert desk.bell.rung == [draft.sender_id]


async def test_without_a_start_it_starts_when_it_is_launched(desk: Desk) -> None:
    draft = await desk.draft(recipients=[ANN])
    before = clock.now()
    launched = await desk.campaigns.launch(desk.owner, draft.id)
    assert launched.start_at is not None
    assert before <= launched.start_at <= clock.now()


async def drawn_out(desk: Desk, ago: timedelta) -> uuid.UUID:
    """A draft whose start passed while it lay in the drawer."""
    draft = await desk.draft(start_at=clock.now() + timedelta(hours=5), recipients=[ANN])
    await desk.world.execute("UPDATE campaigns SET start_at = now() - $1::interval", ago)
    return draft.id


async def test_a_start_that_was_missed_is_asked_about_at_the_launch(desk: Desk) -> None:
    draft_id = await drawn_out(desk, timedelta(hours=5))
    with pytest.raises(Conflict, match="has passed; set another start_at, or null to begin"):
        await desk.campaigns.launch(desk.owner, draft_id)
    await desk.campaigns.patch(desk.owner, draft_id, CampaignPatch(start_at=None))
    launched = await desk.campaigns.launch(desk.owner, draft_id)
    assert launched.state is CampaignState.ACTIVE


async def test_what_is_sent_back_as_it_was_shown_is_no_new_start(desk: Desk) -> None:
    draft_id = await drawn_out(desk, timedelta(hours=5))
    await desk.world.execute("UPDATE campaigns SET state = 'paused', launched_at = now()")
    start_at = await desk.world.fetchval("SELECT start_at FROM campaigns")
    patch = CampaignPatch(start_at=start_at, min_delay_ms=5)
    assert (await desk.campaigns.patch(desk.owner, draft_id, patch)).min_delay_ms == 5


async def test_a_start_that_passed_during_the_upload_means_now(desk: Desk) -> None:
    draft_id = await drawn_out(desk, timedelta(minutes=40))
    before = clock.now()
    launched = await desk.campaigns.launch(desk.owner, draft_id)
    (job,) = await desk.world.fetch("SELECT scheduled_at, due_at FROM email_jobs")
    assert launched.start_at is not None
    assert before <= launched.start_at == job["scheduled_at"] == job["due_at"]


async def test_a_start_that_is_moved_moves_every_email_that_waits(desk: Desk) -> None:
    draft = await desk.draft(start_at=clock.now() + timedelta(hours=1), recipients=[ANN, BOB])
    later = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    await desk.campaigns.patch(desk.owner, draft.id, CampaignPatch(start_at=later))
    await desk.campaigns.launch(desk.owner, draft.id)
    jobs = await desk.world.fetch("SELECT scheduled_at, due_at FROM email_jobs")
    assert {(j["scheduled_at"], j["due_at"]) for j in jobs} == {(later, later)}

    sooner = clock.now() + timedelta(minutes=1)
    await desk.campaigns.patch(desk.owner, draft.id, CampaignPatch(start_at=sooner))
    jobs = await desk.world.fetch("SELECT due_at FROM email_jobs")
    assert {j["due_at"] for j in jobs} == {sooner}


async def test_a_campaign_without_recipients_is_not_launched(desk: Desk) -> None:
    draft = await desk.draft()
    with pytest.raises(Conflict, match="add some"):
        await desk.campaigns.launch(desk.owner, draft.id)


async def test_only_one_of_two_launches_wins(desk: Desk) -> None:
    draft = await desk.draft(recipients=[ANN])
    both = [desk.campaigns.launch(desk.owner, draft.id) for _ in range(2)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(o).__name__ for o in outcomes) == ["CampaignView", "Conflict"]


async def test_pause_and_resume_come_back_to_where_it_was(desk: Desk) -> None:
    draft = await desk.draft(recipients=[ANN])
    await desk.campaigns.launch(desk.owner, draft.id)
    paused = await desk.campaigns.pause(desk.owner, draft.id)
    assert (paused.state, paused.held_by) == (CampaignState.PAUSED, HeldBy.CAMPAIGN_PAUSED)
    resumed = await desk.campaigns.resume(desk.owner, draft.id)
    assert resumed.state is CampaignState.ACTIVE
    assert await wakes_at(desk, draft.sender_id) <= clock.now()


async def test_cancelling_cancels_what_waits_and_leaves_what_is_on_its_way(desk: Desk) -> None:
    draft = await desk.draft(recipients=[ANN, BOB])
    await desk.campaigns.launch(desk.owner, draft.id)
    await desk.world.execute(
        "UPDATE email_jobs SET state = 'sending', lease_until = now() WHERE email_id = "
        "(SELECT id FROM emails WHERE address = 'ann@example.com')"
    )
    cancelled = await desk.campaigns.cancel(desk.owner, draft.id)
    assert cancelled.state is CampaignState.CANCELLED
    assert (cancelled.counts.cancelled, cancelled.counts.sending) == (1, 1)
    with pytest.raises(Conflict, match="cannot cancel a campaign that is cancelled"):
        await desk.campaigns.cancel(desk.owner, draft.id)


async def test_limits_change_while_it_runs_and_the_lane_looks_again(desk: Desk) -> None:
    draft = await desk.draft(recipients=[ANN])
    await desk.campaigns.launch(desk.owner, draft.id)
    desk.bell.rung.clear()
    patch = CampaignPatch(hourly_limit=7, min_delay_ms=250)
    changed = await desk.campaigns.patch(desk.owner, draft.id, patch)
    assert (changed.hourly_limit, changed.min_delay_ms) == (7, 250)
    assert desk.bell.rung == [draft.sender_id]


@pytest.mark.parametrize("command", ["pause", "cancel"])
async def test_a_lane_looks_again_when_what_it_sleeps_for_is_not_to_come(
    desk: Desk, command: str
) -> None:
    draft = await desk.draft(start_at=clock.now() + timedelta(hours=2), recipients=[ANN])
    await desk.campaigns.launch(desk.owner, draft.id)
    desk.bell.rung.clear()
    await getattr(desk.campaigns, command)(desk.owner, draft.id)
    assert desk.bell.rung == [draft.sender_id]


async def test_what_recipients_may_have_already_cannot_be_changed(desk: Desk) -> None:
    draft = await desk.draft(recipients=[ANN])
    await desk.campaigns.patch(desk.owner, draft.id, CampaignPatch(subject="Better"))
    await desk.campaigns.launch(desk.owner, draft.id)
    with pytest.raises(Conflict, match="subject cannot be changed"):
        await desk.campaigns.patch(desk.owner, draft.id, CampaignPatch(subject="Best"))


async def test_a_message_that_its_recipients_cannot_fill_is_refused(desk: Desk) -> None:
    draft = await desk.draft(recipients=[ANN])
    with pytest.raises(InvalidInput, match=r"\{\{ plan \}\}, which ann@example.com"):
        await desk.campaigns.patch(desk.owner, draft.id, CampaignPatch(text="Your {{ plan }}"))


async def test_everything_wrong_is_said_at_once_and_nothing_is_stored(desk: Desk) -> None:
    sender = await desk.sender()
    wrong = new_campaign(
        sender_id=sender.id,
        name="Two\nlines",
        subject="Hello\nBcc: eve@example.com",
        text="x" * (1024 * 1024 + 1),
        start_at=datetime(2026, 12, 1, 10, 0),
        time_zone="Mars/Olympus",
        min_delay_ms=-1,
        hourly_limit=0,
        recipients=[ANN, RawRecipient(email="eve@example.com\r\nBcc: x@example.com")],
    )
    with pytest.raises(InvalidInput) as refused:
        await desk.campaigns.create(desk.owner, wrong)
    assert {p.field for p in refused.value.problems} == {
        *("name", "subject", "text", "start_at", "time_zone", "min_delay_ms", "hourly_limit"),
        "recipients[1].email",
    }
    assert "2026-11-25T10:00:00+01:00" in str(refused.value)
    assert await desk.world.fetchval("SELECT count(*) FROM campaigns") == 0


WRONG: list[tuple[dict[str, object], str, str]] = [
    ({"subject": " "}, "subject", "missing"),
    ({"subject": "é" * 500}, "subject", "998 octets"),
    ({"text": None}, "text", "give text, html or both"),
    ({"text": "Dear {{ name"}, "text", ""),
    ({"html": "{% for x in y %}"}, "html", ""),
    ({"text": "NUL \x00"}, "text", "NUL"),
    ({"time_zone": "../../etc/passwd"}, "time_zone", "Europe/Berlin"),
    ({"start_at": datetime(2020, 1, 1, tzinfo=UTC)}, "start_at", "has passed"),
    ({"start_at": datetime(2090, 1, 1, tzinfo=UTC)}, "start_at", "ahead"),
    ({"hourly_limit": 2**40}, "hourly_limit", "1 to"),
    ({"min_delay_ms": 2**40}, "min_delay_ms", "milliseconds"),
    ({"recipients": [RawRecipient(email="a@x.org")], "text": "{{ plan }}"}, "recipients", ""),
    ({"recipients": [RawRecipient(email="a@x.org")], "text": "{{ name }}"}, "recipients", ""),
]


async def test_a_field_that_is_wrong_is_named(desk: Desk) -> None:
    sender = await desk.sender()
    for values, field, message in WRONG:
        with pytest.raises(InvalidInput) as refused:
            await desk.draft(sender_id=sender.id, **values)
        (problem,) = refused.value.problems
        assert problem.field.startswith(field), values
        assert message in problem.message, values


async def test_the_sender_must_be_ones_own(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="none of your senders"):
        await desk.draft(sender_id=uuid.uuid4())


@pytest.mark.parametrize("command", ["launch", "pause", "resume", "cancel"])
async def test_another_owners_campaign_is_not_there(desk: Desk, command: str) -> None:
    draft = await desk.draft(recipients=[ANN])
    with pytest.raises(NotFound):
        await getattr(desk.campaigns, command)(uuid.uuid4(), draft.id)
