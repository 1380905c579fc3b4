"""A campaign's page: progress, commands, pace, and why nothing moves."""

from __future__ import annotations

import uuid
from datetime import timedelta

import httpx2

from tests.integration.web.conftest import FRAGMENT, words
from tests.integration.web.test_dashboard import SENT
from tests.world import World


async def ten_emails(world: World, **columns: object) -> uuid.UUID:
    """A campaign of ten, four of which were sent."""
    sender = await world.sender()
    campaign = await world.campaign(sender, **columns)
    emails = await world.emails(sender, campaign, 10, due_in=timedelta(hours=1))
    for email in emails[:4]:
        await world.execute(SENT, email)
    return campaign


async def state_of(world: World, campaign: uuid.UUID) -> str:
    return str(await world.fetchval("SELECT state FROM campaigns WHERE id = $1", campaign))


async def test_the_list_shows_each_campaign_with_its_progress(
    page: httpx2.AsyncClient, world: World
) -> None:
    await ten_emails(world, name="Spring sale")
    text = words((await page.get("/campaigns")).text)
    assert "Spring sale" in text
    assert "4 of 10 sent" in text
    assert "Running" in text


async def test_without_a_campaign_the_list_says_what_one_is(page: httpx2.AsyncClient) -> None:
    assert "No campaign yet" in (await page.get("/campaigns")).text


async def test_the_page_shows_progress_bars_and_the_rest(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    html = (await page.get(f"/campaigns/{campaign}")).text
    text = words(html)
    assert "40 %" in text
    assert "4 of 10 sent" in text
    assert "6 to go" in text
    assert "<bar-chart" in html
    assert "reader9@example.org" in html


async def test_the_live_answer_brings_everything_that_moves(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    html = (await page.get(f"/campaigns/{campaign}/rows", headers=FRAGMENT)).text
    for target in ("#tabs", "#campaign-head", "#progress", "#throughput"):
        assert f'hx-target="{target}"' in html
    assert "min_delay" not in html  # whoever is typing a new pace is left in peace


async def test_a_campaign_is_paused_and_resumed(page: httpx2.AsyncClient, world: World) -> None:
    campaign = await ten_emails(world)
    await page.post(f"/campaigns/{campaign}/pause")
    assert await state_of(world, campaign) == "paused"
    text = words((await page.get(f"/campaigns/{campaign}")).text)
    assert "Nothing goes out until it is resumed." in text
    assert "Resume" in text
    await page.post(f"/campaigns/{campaign}/resume")
    assert await state_of(world, campaign) == "active"


async def test_a_cancelled_campaign_can_only_be_looked_at(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    await page.post(f"/campaigns/{campaign}/cancel")
    assert await state_of(world, campaign) == "cancelled"
    html = (await page.get(f"/campaigns/{campaign}")).text
    assert "40 % 4 of 10 sent · 6 cancelled" in words(html)
    assert "4 of 10 sent · 6 cancelled" in words((await page.get("/campaigns")).text)
    for command in ("pause", "resume", "cancel", "launch"):
        assert f"/campaigns/{campaign}/{command}" not in html
    again = await page.post(f"/campaigns/{campaign}/resume")
    assert again.status_code == 409
    assert "Cannot resume a campaign that is cancelled." in words(again.text)


async def test_the_pace_is_changed_while_it_runs(page: httpx2.AsyncClient, world: World) -> None:
    campaign = await ten_emails(world)
    form = {"min_delay": "1.5", "hourly_limit": "40"}
    response = await page.post(f"/campaigns/{campaign}/limits", data=form)
    assert response.headers["Location"] == f"/campaigns/{campaign}"
    [row] = await world.fetch(
        "SELECT min_delay_ms, hourly_limit FROM campaigns WHERE id = $1", campaign
    )
    assert row == {"min_delay_ms": 1500, "hourly_limit": 40}


async def test_a_pace_that_makes_no_sense_is_refused_next_to_its_field(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    form = {"min_delay": "soon", "hourly_limit": "0"}
    response = await page.post(f"/campaigns/{campaign}/limits", data=form)
    assert response.status_code == 422
    assert 'value="soon" id="min_delay" name="min_delay"' in response.text
    assert response.text.count("Must be a number of seconds") == 1
    assert '<a class="pl-link" href="#min_delay">Delay</a>' in response.text
    assert "Must be 1 to 1,000,000; leave it empty (null) for no limit." in response.text


async def test_a_broken_sender_is_named_as_the_reason(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    await world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    text = words((await page.get(f"/campaigns/{campaign}")).text)
    assert "Nothing goes out until its sender is mended and verified." in text
    assert "Look at the sender" in text


async def test_nobody_commands_the_campaign_of_somebody_else(
    other_page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    assert (await other_page.get(f"/campaigns/{campaign}")).status_code == 404
    for command in ("launch", "pause", "resume", "cancel", "limits"):
        response = await other_page.post(
            f"/campaigns/{campaign}/{command}", data={"min_delay": "1"}
        )
        assert response.status_code == 404
    assert await state_of(world, campaign) == "active"
