"""Notices of the browser: chosen in the settings, brought by the sidebar's own poll."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import httpx2

from tests.integration.web.conftest import words
from tests.world import World

FORM = {"time_zone": "", "theme": "system"}
ALL = {f"notice_{name}": "yes" for name in ("finished", "sender", "trouble")}


async def told(page: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    """What the sidebar brings, by the first word of its key."""
    found = re.search(r"data-notices='([^']*)'", (await page.get("/nav")).text)
    assert found
    return {one["key"].split()[0]: one for one in json.loads(html.unescape(found[1]))}


async def finished_campaign(world: World, name: str, ago: str) -> None:
    campaign = await world.campaign(await world.sender(), state="completed")
    await world.execute(
        f"UPDATE campaigns SET name = $2, finished_at = now() - interval '{ago}' WHERE id = $1",
        *(campaign, name),
    )


async def test_they_are_off_until_chosen_and_the_choice_is_kept(page: httpx2.AsyncClient) -> None:
    assert "data-notices" not in (await page.get("/nav")).text
    await page.post("/settings", data={**FORM, "notice_finished": "yes"})
    settings = (await page.get("/settings")).text
    assert re.search(r'name="notice_finished"[^>]* checked', settings)
    assert not re.search(r'name="notice_sender"[^>]* checked', settings)
    assert "data-notices='[]'" in (await page.get("/nav")).text
    await page.post("/settings/theme", data={"theme": "dark"})  # leaves them as they are
    assert "data-notices" in (await page.get("/nav")).text
    await page.post("/settings", data=FORM)
    assert "data-notices" not in (await page.get("/nav")).text


async def test_what_finished_lately_broke_and_failed_is_told_with_where_to_look(
    page: httpx2.AsyncClient, world: World
) -> None:
    await page.post("/settings", data={**FORM, **ALL})
    await finished_campaign(world, 'Sale\'s <end> "now"', "1 minute")
    await finished_campaign(world, "Long ago", "2 hours")
    sender = await world.sender()
    await world.emails(sender, None, 1)
    await world.execute(
        "UPDATE senders SET state = 'broken', state_reason = '535 no' WHERE id = $1", sender
    )
    said = await told(page)
    assert said["finished"]["title"] == 'Finished: Sale\'s <end> "now"'
    assert said["finished"]["href"].startswith("/campaigns/")
    assert said["sender"]["href"] == f"/senders/{sender}"
    assert said["failed"]["count"] == 0
    assert said["in_doubt"]["href"] == "/emails?tab=in_doubt"
    assert "Long ago" not in (await page.get("/nav")).text


async def test_nobody_is_told_of_what_is_anothers(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    await other_page.post("/settings", data={**FORM, **ALL})
    await finished_campaign(world, "Mine", "1 minute")
    assert "finished" not in await told(other_page)


async def test_without_a_script_the_settings_say_what_is_needed(page: httpx2.AsyncClient) -> None:
    text = words((await page.get("/settings")).text)
    assert "Each browser has to allow them, which takes a script." in text
