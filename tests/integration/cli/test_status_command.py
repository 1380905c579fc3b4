"""`paceline status` against a server on a real port."""

from __future__ import annotations

from paceline.persistence.driver import Driver
from paceline.persistence.workers import sign_off
from tests.integration.cli.serving import Paceline
from tests.world import World


async def test_the_terminal_says_what_is_so_and_what_needs_you(
    paceline: Paceline, world: World, worker: Driver
) -> None:
    sender = await world.sender(hourly_limit=40)
    await world.emails(sender, await world.campaign(sender), 3)
    well = await paceline("status")
    assert (well.code, well.error) == (0, None)
    assert "3 scheduled, 0 sent, 0 failed, 0 in doubt, 0 cancelled" in well.out
    assert "now            going out\n" in well.out
    assert "news@example.com: going out, 0 of 40 this hour" in well.out
    assert "needs you" not in well.out
    await world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    broken = (await paceline("status")).out
    assert "now            held: the sender is broken" in broken
    assert "needs you      the log-in of news@example.com is refused: 535 no" in broken
    await world.execute("UPDATE senders SET state = 'active', state_reason = NULL")
    await sign_off(worker)
    assert "needs you      no worker is running" in (await paceline("status")).out


async def test_what_is_in_drafts_is_told_apart_from_what_is_scheduled(
    paceline: Paceline, world: World
) -> None:
    sender = await world.sender()
    await world.emails(sender, await world.campaign(sender), 3)
    await world.emails(sender, await world.campaign(sender, state="draft"), 2)
    assert "5 scheduled (2 of them in drafts), 0 sent" in (await paceline("status")).out
