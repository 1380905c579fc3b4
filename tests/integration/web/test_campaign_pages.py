"""A campaign's page: progress, commands, pace, and why nothing moves."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import httpx2

from paceline import clock
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


async def test_the_list_is_searched_by_name_and_subject_and_narrowed_by_state(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    await world.campaign(sender, name="Spring sale", subject="For you")
    await world.campaign(sender, name="Autumn", subject="The sale of 100%", state="paused")
    await world.campaign(sender, name="Winter", subject="Snow")
    for asked, found in (
        ({"q": "SALE"}, {"Spring sale", "Autumn"}),
        ({"q": "sale", "state": "paused"}, {"Autumn"}),
        ({"q": "sale spring"}, {"Spring sale"}),
        ({"q": "0%"}, {"Autumn"}),
        ({"q": "_"}, set()),
        ({"state": "made up"}, {"Spring sale", "Autumn", "Winter"}),
    ):
        for path in ("/campaigns", "/campaigns/rows"):
            text = words((await page.get(path, params=asked)).text)
            shown = {name for name in ("Spring sale", "Autumn", "Winter") if f" {name} " in text}
            assert shown == found, asked
            assert ("Nothing matches" in text) == (not found)
            if found:
                assert f"{len(found)} campaign" in text


async def test_a_long_list_has_pages(page: httpx2.AsyncClient, world: World) -> None:
    sender = await world.sender()
    for n in range(26):
        await world.campaign(sender, name=f"Number {n}")
    html = (await page.get("/campaigns")).text
    assert "26 campaigns" in words(html)
    assert "Number 0<" not in html
    [more] = re.findall(r'href="([^"]+cursor=[^"]+)"', html)
    assert "Number 0<" in (await page.get(more.replace("&amp;", "&"))).text
    assert "Number 0<" in (await page.get("/campaigns", params={"size": "50"})).text


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


async def test_a_broken_sender_is_named_as_the_reason_once(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    await world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    text = words((await page.get(f"/campaigns/{campaign}")).text)
    assert "The log-in of news@example.com is refused" in text
    assert "Open the sender" in text
    assert "Nothing goes out until its sender is mended" not in text


async def test_the_launch_of_a_draft_is_asked_about_with_its_figures(
    page: httpx2.AsyncClient, world: World
) -> None:
    later = clock.now() + timedelta(hours=2)
    draft = await ten_emails(world, state="draft", launched_at=None, start_at=later)
    html = (await page.get(f"/campaigns/{draft}")).text
    assert "Launch this campaign? 6 emails go out from news@example.com, starting" in words(html)
    asked = html.index("Launch this campaign?")
    assert asked < html.index(f'action="/campaigns/{draft}/launch"'), "nothing but the question"
    await world.execute("UPDATE campaigns SET start_at = now() - interval '1 hour'")
    text = words((await page.get(f"/campaigns/{draft}")).text)
    assert "6 emails go out from news@example.com, starting right away." in text


async def test_a_campaign_that_was_cancelled_before_its_start_does_not_say_that_it_starts(
    page: httpx2.AsyncClient, world: World
) -> None:
    later = clock.now() + timedelta(hours=2)
    campaign = await ten_emails(world, start_at=later, launched_at=clock.now())
    assert "· starts " in words((await page.get(f"/campaigns/{campaign}")).text)
    await world.execute("UPDATE campaigns SET state = 'cancelled', finished_at = now()")
    text = words((await page.get(f"/campaigns/{campaign}")).text)
    assert "· was to start " in text
    assert "· starts " not in text


async def test_nobody_commands_the_campaign_of_somebody_else(
    other_page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await ten_emails(world)
    for page in ("", "/rows", "/change", "/edit"):
        assert (await other_page.get(f"/campaigns/{campaign}{page}")).status_code == 404
    for command in ("launch", "pause", "resume", "cancel", "change", "edit", "duplicate"):
        response = await other_page.post(
            f"/campaigns/{campaign}/{command}", data={"min_delay": "1"}
        )
        assert response.status_code == 404
    assert await state_of(world, campaign) == "active"


async def test_what_is_left_of_drafts_that_were_thrown_away_is_told_until_it_is_gone(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender, state="draft")
    await world.emails(sender, campaign, 3)
    assert "thrown away" not in (await page.get("/campaigns")).text
    await world.execute("UPDATE campaigns SET discarded_at = now() WHERE id = $1", campaign)
    for path in ("/campaigns", "/campaigns/rows"):
        html = (await page.get(path)).text
        assert "thrown away 3 emails are still to be removed" in words(html)
        assert str(campaign) not in html
