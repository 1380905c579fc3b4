"""The dashboard: five counts, what holds things up, what goes next, this hour's limits, the day."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import redis

from paceline import clock
from paceline.domain.pacing import HOUR, hour_of
from tests.integration.web.conftest import FRAGMENT, words
from tests.integration.web.test_dashboard import CANCELLED, FAILED, IN_DOUBT, SENT
from tests.world import World


def part(html: str, name: str) -> str:
    """The words from the element with this id on."""
    return words(html[html.index(f'id="{name}"') :])


async def test_five_counts_each_lead_to_their_list(page: httpx2.AsyncClient, world: World) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, await world.campaign(sender), 6)
    for email, change in zip(ids[2:], (SENT, FAILED, IN_DOUBT, CANCELLED), strict=True):
        await world.execute(change, email)
    html = (await page.get("/")).text
    assert "<title>Dashboard" in html
    shown = part(html, "cards")
    assert "Scheduled 2 going out now" in shown
    for label in ("Sent", "Failed", "In doubt", "Cancelled"):
        assert f"{label} 1 1 in 24 h" in shown
    assert html.count("<polyline") == 4
    for tab in ("scheduled", "sent", "failed", "in_doubt", "cancelled"):
        assert (await page.get(f"/emails?tab={tab}")).status_code == 200
        assert f'href="/emails?tab={tab}"' in html


async def test_addresses_of_lists_that_once_were_here_lead_to_them(
    page: httpx2.AsyncClient,
) -> None:
    response = await page.get("/?tab=sent&q=ada")
    assert response.headers["Location"] == "/emails?tab=sent&q=ada"
    assert (await page.get("/?open=/emails/5")).status_code == 200


async def test_a_newcomer_is_told_the_first_two_steps(page: httpx2.AsyncClient) -> None:
    html = (await page.get("/")).text
    assert "Two steps to the first email" in html
    assert "Nothing waits" in html
    assert "Nothing was planned, and nothing sent." in html


async def test_the_steps_stay_with_the_sample_alone_and_go_once_a_campaign_of_ones_own_is_launched(
    page: httpx2.AsyncClient, world: World
) -> None:
    inbox = await world.sender(port=1025)
    await world.campaign(inbox, launched_at=clock.now())
    html = (await page.get("/")).text
    assert "Two steps" in html
    assert "lead to the dev inbox, and to nobody" in html
    own = await world.sender()
    await world.campaign(own, state="draft")
    assert "(done)" in (await page.get("/")).text
    await world.campaign(own, launched_at=clock.now())
    assert "Two steps" not in (await page.get("/")).text


async def test_what_goes_next_stands_before_what_somebody_holds(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    held = await world.campaign(sender, state="paused", name="Held")
    await world.emails(sender, held, 8, due_in=timedelta(hours=-2))
    later = await world.campaign(sender, name="Later", launched_at=clock.now())
    await world.emails(sender, later, ["grace@example.org"], due_in=timedelta(hours=3))
    await world.emails(sender, None, ["ada@example.org"], due_in=timedelta(hours=2))
    shown = part((await page.get("/")).text, "next")
    assert shown.index("ada@example.org" if "ada@example.org" in shown else "ada") < shown.index(
        "grace"
    )
    assert shown.index("grace") < shown.index("reader0")
    assert shown.count("campaign paused") == 3
    assert shown.count("not yet due") == 2


async def test_this_hours_limits_show_what_is_used_of_each(
    page: httpx2.AsyncClient, world: World, redis_url: str
) -> None:
    sender = await world.sender(hourly_limit=40)
    campaign = await world.campaign(sender, name="Autumn", hourly_limit=9)
    await world.emails(sender, campaign, 1)
    with redis.Redis.from_url(redis_url) as counters:
        for hour in (clock.now(), clock.now() + HOUR):  # it may turn meanwhile
            counters.set(f"email_rate:{sender}:{hour:%Y%m%d%H}", 12)
            counters.set(f"campaign_rate:{campaign}:{hour:%Y%m%d%H}", 8)
    html = (await page.get("/")).text
    shown = part(html, "limits")
    assert "Campaign Autumn 8 of 9" in shown
    assert "Sender news@example.com 12 of 40" in shown
    assert shown.index("Autumn") < shown.index("news@example.com")
    assert "They begin anew at" in shown
    assert re.search(r'<progress [^>]*max="40" value="12"', html)


async def test_the_last_day_is_told_hour_by_hour_sent_against_planned(
    page: httpx2.AsyncClient, world: World
) -> None:
    begun = hour_of(clock.now()) - 3 * HOUR
    sender = await world.sender()
    campaign = await world.campaign(sender, launched_at=begun, min_delay_ms=1_800_000)
    ids = await world.emails(sender, campaign, 3)
    await world.execute(SENT, ids[0])
    await world.execute("UPDATE email_jobs SET sent_at = $1 WHERE email_id = $2", begun, ids[0])
    assert "1 in 24 h" in part((await page.get("/")).text, "cards")
    await world.execute(SENT, ids[1])
    html = (await page.get("/")).text
    assert "2 in 24 h" in part(html, "cards")
    assert 'data-form="against"' in html
    rows = re.findall(
        r"<tr><td>.*?</td><td>(\d+)</td><td>(\d+)</td></tr>", html[html.index("day-table") :]
    )
    assert len(rows) == 24
    told = [(int(planned), int(sent)) for planned, sent in rows]
    assert sum(planned for planned, _ in told) == 3
    assert (2, 1) in told  # the hour that it began in
    assert told[0] == (0, 1)  # the present hour


async def test_what_moves_comes_without_the_page_and_for_oneself_alone(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender(hourly_limit=5)
    await world.emails(sender, await world.campaign(sender), ["ada@example.org"])
    for path in ("/dashboard/now", "/dashboard/day"):
        mine = (await page.get(path, headers=FRAGMENT)).text
        assert "<html" not in mine
    assert "news@example.com" in (await page.get("/dashboard/now", headers=FRAGMENT)).text
    theirs = (await other_page.get("/dashboard/now", headers=FRAGMENT)).text
    assert "ada" not in theirs
    assert "news@example.com" not in theirs


async def test_what_is_in_drafts_is_told_apart_from_what_is_scheduled(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender, state="draft")
    await world.emails(sender, campaign, 2)
    assert "2 in drafts" in words((await page.get("/")).text)
    await world.execute("UPDATE campaigns SET state = 'active' WHERE id = $1", campaign)
    assert "in drafts" not in words((await page.get("/")).text)
