"""A host of the API whose clock is wrong: what is stored, and what decides, is PostgreSQL's."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from paceline import clock
from paceline.domain.recipients import RawRecipient
from paceline.services.campaigns import CampaignPatch
from paceline.services.email_changes import EmailPatch
from paceline.services.emails import NewEmail, Resolution
from paceline.services.retrying import Retrying
from paceline.services.scheduling import Scheduling
from tests.api import QUOTAS
from tests.integration.services.conftest import Desk, in_chunks, new_campaign

SLACK = timedelta(minutes=1)


@pytest.fixture(params=[10, -10], ids=["ahead", "behind"])
def wrong(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """This host's clock, by ten minutes."""
    apart = timedelta(minutes=request.param)
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + apart)


async def is_now(desk: Desk, statement: str) -> bool:
    """Whether all that is selected is now."""
    rows = await desk.world.fetch(statement)
    assert rows
    now = await desk.world.fetchval("SELECT clock_timestamp()")
    return all(abs(now - at) < SLACK for row in rows for at in row.values())


async def one_to_ada(desk: Desk, **values: object) -> uuid.UUID:
    sender = await desk.sender()
    new = NewEmail(sender_id=sender.id, to="ada@example.com", subject="Hi", text="Hi", **values)  # type: ignore[arg-type]
    return (await desk.emails.create(desk.owner, new)).id


DUE = "SELECT scheduled_at, due_at FROM email_jobs"
WAKES = "SELECT wake_at FROM lanes"


@pytest.mark.usefixtures("wrong")
async def test_what_is_to_go_now_goes_now(desk: Desk) -> None:
    await one_to_ada(desk)
    assert await is_now(desk, DUE)
    assert await is_now(desk, WAKES)


@pytest.mark.usefixtures("wrong")
async def test_an_email_that_is_moved_to_now_goes_now(desk: Desk) -> None:
    email = await one_to_ada(desk, scheduled_at=clock.now() + timedelta(hours=5))
    moved = await desk.emails.patch(desk.owner, email, EmailPatch(scheduled_at=None))
    assert await is_now(desk, DUE)
    assert await is_now(desk, WAKES)
    assert moved.scheduled_at == await desk.world.fetchval("SELECT scheduled_at FROM email_jobs")


@pytest.mark.usefixtures("wrong")
async def test_a_campaign_without_a_start_goes_at_its_launch(desk: Desk) -> None:
    draft = await desk.draft(recipients=[RawRecipient(email="ada@example.com")])
    await desk.upload(draft.id, "email\nbob@example.com\n")
    await desk.campaigns.launch(desk.owner, draft.id)
    assert await is_now(desk, DUE)
    assert await is_now(desk, WAKES)
    assert await is_now(desk, "SELECT launched_at, start_at FROM campaigns")
    await desk.world.execute("UPDATE lanes SET wake_at = 'infinity'")
    await desk.upload(draft.id, "email\ncy@example.com\n")
    assert await is_now(desk, DUE)


@pytest.mark.usefixtures("wrong")
async def test_what_is_held_back_for_a_moment_is_due_that_moment_later(desk: Desk) -> None:
    """As what was written in the dashboard, which can be undone until then."""
    scheduling = Scheduling(desk.database, desk.bell, QUOTAS, desk.campaigns)
    moment = timedelta(seconds=30)
    new = new_campaign(sender_id=(await desk.sender()).id, begins_in=moment)
    a_list = in_chunks(b"email\nada@example.com\n")
    await scheduling.schedule(desk.owner, new, a_list)
    assert await is_now(desk, DUE)
    assert await desk.world.fetchval("SELECT start_at > clock_timestamp() FROM campaigns")


Command = Callable[[Desk, uuid.UUID], Awaitable[object]]
COMMANDS: dict[str, tuple[str, Command]] = {
    "resume": ("paused", lambda desk, it: desk.campaigns.resume(desk.owner, it)),
    "patch": (
        "active",
        lambda desk, it: desk.campaigns.patch(desk.owner, it, CampaignPatch(hourly_limit=5)),
    ),
    "start now": (
        "active",
        lambda desk, it: desk.campaigns.patch(desk.owner, it, CampaignPatch(start_at=None)),
    ),
}


@pytest.mark.usefixtures("wrong")
@pytest.mark.parametrize("name", COMMANDS)
async def test_a_lane_wakes_at_once_for_what_is_decided(desk: Desk, name: str) -> None:
    state, command = COMMANDS[name]
    draft = await desk.draft(
        recipients=[RawRecipient(email="ada@example.com")],
        start_at=clock.now() + timedelta(hours=5),
    )
    await desk.campaigns.launch(desk.owner, draft.id)
    await desk.world.execute("UPDATE campaigns SET state = $1", state)
    await desk.world.execute("UPDATE lanes SET wake_at = 'infinity'")
    await command(desk, draft.id)
    assert await is_now(desk, WAKES)
    if name == "start now":
        assert await is_now(desk, DUE)


@pytest.mark.usefixtures("wrong")
async def test_a_lane_wakes_at_once_for_what_is_sent_again(desk: Desk) -> None:
    email = await one_to_ada(desk)
    await desk.world.execute("UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now()")
    await desk.world.execute("UPDATE lanes SET wake_at = 'infinity'")
    await desk.emails.resolve(desk.owner, email, Resolution.RESEND)
    assert await is_now(desk, WAKES)
    await desk.world.execute("UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected'")
    await desk.world.execute("UPDATE lanes SET wake_at = 'infinity'")
    await Retrying(desk.database, desk.bell).one(desk.owner, email)
    assert await is_now(desk, WAKES)


@pytest.mark.usefixtures("wrong")
async def test_a_cancelled_campaign_ended_when_it_did(desk: Desk) -> None:
    draft = await desk.draft(recipients=[RawRecipient(email="ada@example.com")])
    await desk.campaigns.cancel(desk.owner, draft.id)
    assert await is_now(desk, "SELECT finished_at FROM campaigns")
