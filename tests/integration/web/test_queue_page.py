"""The queue's page: for administrators, and what each lane waits for."""

from __future__ import annotations

import httpx2

from tests.integration.web.conftest import FRAGMENT, words
from tests.world import World


async def lane(world: World, name: str, wake_at: str, held_by: str | None = None) -> None:
    sender = await world.sender(name=name)
    await world.execute(
        "INSERT INTO lanes (sender_id, wake_at, parked_at, held_by) "
        f"VALUES ($1, {wake_at}, now(), $2) ON CONFLICT (sender_id) DO UPDATE "
        "SET wake_at = excluded.wake_at, parked_at = now(), held_by = excluded.held_by",
        sender,
        held_by,
    )


async def test_only_administrators_see_it(
    page: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    assert (await page.get("/queue")).status_code == 403
    assert "/queue" not in (await page.get("/")).text
    assert (await stranger.get("/queue")).headers["Location"] == "/login?next=/queue"


async def test_each_lane_says_what_it_waits_for_and_that_no_worker_runs(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    await lane(world, "Newsletter", "now() + interval '2 hours'", "hourly_limit")
    await lane(world, "Late one", "now() - interval '3 minutes'")
    await lane(world, "Idle", "'infinity'")
    text = words((await admin_page.get("/queue")).text)
    assert "No worker was heard of within the last hour." in text
    assert "1 lane should have woken by now." in text
    assert "Waits for the sender’s hourly limit, goes on" in text
    assert "It should have woken 3 min ago" in text
    assert "For work" in text
    assert "3 lanes" in text
    parked = words((await admin_page.get("/queue?is=parked", headers=FRAGMENT)).text)
    assert "Idle" in parked
    assert "Newsletter" not in parked


async def test_a_parked_lane_of_a_sender_that_may_not_send_waits_for_that(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    await lane(world, "Newsletter", "'infinity'")
    for state, words_of_it in (("broken", "be mended"), ("paused", "be resumed")):
        await world.execute("UPDATE senders SET state = $1", state)
        text = words((await admin_page.get("/queue")).text)
        assert f"For its sender to {words_of_it}" in text
        assert "For work" not in text


async def test_what_is_in_doubt_and_what_silent_workers_hold_is_told(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    held, doubtful = await world.emails(sender, None, 2)
    await world.execute(
        "UPDATE email_jobs SET state = 'claimed', attempt = 1, lease_until = now(), "
        "worker_run = gen_random_uuid() WHERE email_id = $1",
        held,
    )
    await world.execute(
        "UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now(), attempt = 1 "
        "WHERE email_id = $1",
        doubtful,
    )
    text = words((await admin_page.get("/queue")).text)
    assert "1 email is in doubt" in text
    assert "Silent" in text
