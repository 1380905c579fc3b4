"""A campaign's counters are kept by the database itself, whatever statement moves its emails."""

from __future__ import annotations

from tests.world import World


async def counters(world: World, campaign: object) -> tuple[int, int, int, int]:
    row = (await world.fetch("SELECT * FROM campaigns WHERE id = $1", campaign))[0]
    return row["total"], row["sent"], row["failed"], row["cancelled"]


async def test_counters_follow_every_change_of_state(world: World) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    other = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 5)
    await world.emails(sender, other, 2)
    assert await counters(world, campaign) == (5, 0, 0, 0)
    await world.execute(
        "UPDATE email_jobs SET state = 'sent', sent_at = now() WHERE email_id = ANY ($1)", ids[:3]
    )
    await world.execute("UPDATE email_jobs SET state = 'cancelled' WHERE state = 'scheduled'")
    assert await counters(world, campaign) == (5, 3, 0, 2)
    assert await counters(world, other) == (2, 0, 0, 2)


async def test_a_failed_email_that_is_sent_again_is_no_longer_counted_as_failed(
    world: World,
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 1)
    await world.execute("UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected'")
    assert await counters(world, campaign) == (1, 0, 1, 0)
    await world.execute("UPDATE email_jobs SET state = 'deferred', failure_reason = NULL")
    assert await counters(world, campaign) == (1, 0, 0, 0)
