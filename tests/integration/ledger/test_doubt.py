"""What becomes of doubt: held, sent again by policy, or settled by a server that remembers."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from paceline.persistence.database import Database
from paceline.services.recovery import Recovery
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
