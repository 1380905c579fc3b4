"""What is written down about a sender, and what is too old to be."""

from __future__ import annotations

from paceline.persistence.database import Database
from paceline.persistence.standing import Standing
from tests.world import World


async def test_a_sender_that_was_mended_meanwhile_is_not_stopped_by_an_old_refusal(
    world: World, database: Database
) -> None:
    sender, standing = await world.sender(), Standing(database)
    before = await standing.look(sender)
    assert before is not None
    await world.execute("UPDATE senders SET smtp_host = 'new', updated_at = clock_timestamp()")
    await standing.mark_broken(sender, as_of=before.updated_at, reason="535 wrong password")
    assert await world.fetchval("SELECT state FROM senders") == "active"
    now = await standing.look(sender)
    assert now is not None
    await standing.mark_broken(sender, as_of=now.updated_at, reason="535 wrong password")
    assert await world.fetchval("SELECT state FROM senders") == "broken"
