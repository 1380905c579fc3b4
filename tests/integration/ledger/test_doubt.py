"""What becomes of doubt: held, sent again by policy, or settled by a server that remembers."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest

from paceline.domain.lifecycle import JobState
from paceline.persistence.database import Database
from paceline.persistence.ledger import Attempt, Ledger, Outcome
from paceline.persistence.standing import Standing
from paceline.sending.recovery import Recovery
from tests.world import World


async def doubtful(
    world: World, *, since: timedelta, policy: str = "hold", host: str = "127.0.0.1"
) -> list[uuid.UUID]:
    """One email of a campaign that is complete but for its doubt."""
    sender = await world.sender(smtp_host=host)
    campaign = await world.campaign(sender, doubt_policy=policy, state="completed")
    ids = await world.emails(sender, campaign, 1)
    await world.signal(sender)
    await world.execute(
        "UPDATE email_jobs SET state = 'in_doubt', attempt = 1, dated_at = now() - $1::interval, "
        "in_doubt_at = now() - $1::interval WHERE email_id = ANY ($2)",
        since,
        ids,
    )
    return ids


@pytest.mark.parametrize("since", [timedelta(minutes=20), timedelta(days=3)])
async def test_doubt_is_held_for_a_person_by_default(
    world: World, database: Database, since: timedelta
) -> None:
    ids = await doubtful(world, since=since)
    assert await Recovery(database).run() == set()
    assert await world.states(ids) == ["in_doubt"]


async def test_a_campaign_that_resends_waits_for_the_grace_period_first(
    world: World, database: Database
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=14), policy="resend")
    await Recovery(database).run()
    assert await world.states(ids) == ["in_doubt"]
    await world.execute("UPDATE email_jobs SET in_doubt_at = now() - interval '16 min'")
    senders = await Recovery(database).run()
    assert await world.states(ids) == ["deferred"]
    assert senders == {await world.fetchval("SELECT id FROM senders")}
    assert await world.fetchval("SELECT state FROM campaigns") == "active"


async def test_a_server_that_drops_second_copies_settles_doubt_by_itself(
    world: World, database: Database
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1), host="smtp.Resend.com")
    await Recovery(database).run()
    assert await world.states(ids) == ["deferred"]


async def test_what_such_a_server_has_forgotten_is_held(world: World, database: Database) -> None:
    ids = await doubtful(world, since=timedelta(hours=24), host="smtp.resend.com")
    await Recovery(database).run()
    assert await world.states(ids) == ["in_doubt"]


@pytest.mark.parametrize(
    ("evidence", "state"), [("not_sent", JobState.SCHEDULED), ("rejected", JobState.DEFERRED)]
)
async def test_a_doubt_that_ends_with_not_sent_opens_its_campaign_and_wakes_its_lane(
    world: World, database: Database, evidence: str, state: JobState
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1))
    await world.execute("UPDATE lanes SET wake_at = 'infinity'")
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    late = Outcome(attempt=Attempt(ids[0], 1), state=state, evidence=evidence, phase="dot")
    assert await ledger.record([late]) == [True]
    assert await world.states(ids) == [state]
    assert await world.fetchval("SELECT state FROM campaigns") == "active"
    assert await world.fetchval("SELECT wake_at <= now() FROM lanes")


@pytest.mark.parametrize("completion_comes_first", [True, False])
async def test_a_campaign_is_not_completed_over_an_email_that_comes_back_at_that_moment(
    world: World, database: Database, completion_comes_first: bool
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1))
    await world.execute("UPDATE campaigns SET state = 'active'")
    sender = await world.fetchval("SELECT id FROM senders")
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    late = Outcome(attempt=Attempt(ids[0], 1), state=JobState.SCHEDULED, evidence="not_sent")
    async with database.driver() as driver, driver.transaction():
        # Both have begun and wait for the campaign's row: the completion's picture is an old one.
        await driver.execute("SELECT 1 FROM campaigns FOR UPDATE")
        both = [Standing(database).complete_campaigns(sender), ledger.record([late])]
        if not completion_comes_first:
            both.reverse()
        tasks = []
        for blocked, work in enumerate(both, start=1):
            tasks.append(asyncio.ensure_future(work))
            await world.until_blocked(blocked)
    await asyncio.gather(*tasks)
    # Whichever came first: the email waits, so the campaign runs, or runs again.
    assert await world.states(ids) == ["scheduled"]
    assert await world.fetchval("SELECT state FROM campaigns") == "active"
