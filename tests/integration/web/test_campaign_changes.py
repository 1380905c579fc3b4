"""Another start or pace with the difference shown first, another message, a copy as a draft."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from paceline import clock
from paceline.domain.pacing import HOUR, hour_of
from tests.integration.web.conftest import words
from tests.world import World


async def campaign_of(world: World, emails: int = 10, **columns: object) -> uuid.UUID:
    sender = await world.sender()
    campaign = await world.campaign(sender, **columns)
    await world.emails(sender, campaign, emails)
    return campaign


def fields_of(html: str, action: str) -> dict[str, str]:
    """What the form that is sent there holds."""
    form = re.search(rf'<form method="post" action="{action}".*?</form>', html, re.DOTALL)
    assert form is not None
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))


async def pace_of(world: World, campaign: uuid.UUID) -> dict[str, object]:
    [row] = await world.fetch(
        "SELECT min_delay_ms, hourly_limit FROM campaigns WHERE id = $1", campaign
    )
    return row


async def test_the_difference_is_shown_before_anything_is_saved(
    page: httpx2.AsyncClient, world: World
) -> None:
    start = hour_of(clock.now()) + 2 * HOUR
    campaign = await campaign_of(world, 10, start_at=start, hourly_limit=10)
    path = f"/campaigns/{campaign}/change"
    assert "The difference" not in (await page.get(path)).text
    # All ten within the first hour; of five an hour, the last one goes in the second.
    asked = {"start": "2040-01-01T10:00", "min_delay": "0", "hourly_limit": "5"}
    asked["start"] = start.strftime("%Y-%m-%dT%H:%M")
    html = (await page.get(path, params=asked)).text
    text = words(html)
    assert "Finishes around" in text
    assert "1 h later" in text
    assert "Hourly limit 10 → 5" in text
    assert "Emails an hour 10 → 5" in text
    assert await pace_of(world, campaign) == {"min_delay_ms": 0, "hourly_limit": 10}
    done = await page.post(path, data=fields_of(html, path))
    assert done.headers["Location"] == f"/campaigns/{campaign}"
    assert await pace_of(world, campaign) == {"min_delay_ms": 0, "hourly_limit": 5}


async def test_what_was_promised_is_what_the_page_says_afterwards(
    page: httpx2.AsyncClient, world: World
) -> None:
    start = hour_of(clock.now()) + 30 * HOUR
    campaign = await campaign_of(world, 10, start_at=start, min_delay_ms=1_000)
    path = f"/campaigns/{campaign}/change"
    asked = {
        "start": start.strftime("%Y-%m-%dT%H:%M"),
        "min_delay": "1800",
        "hourly_limit": "",
    }
    html = (await page.get(path, params=asked)).text
    promised = re.search(
        r"Finishes around</dt>.*?<b[^>]*><time[^>]*>([^<]+)</time></b>", html, re.DOTALL
    )
    assert promised is not None
    await page.post(path, data=fields_of(html, path))
    assert f"Finishes around {promised[1]}" in words(
        (await page.get(f"/campaigns/{campaign}")).text
    )


@pytest.mark.parametrize("state", ["draft", "paused", "active"])
async def test_a_campaign_is_moved_to_another_start(
    page: httpx2.AsyncClient, world: World, state: str
) -> None:
    launched = None if state == "draft" else clock.now()
    campaign = await campaign_of(world, 3, state=state, launched_at=launched)
    path = f"/campaigns/{campaign}/change"
    asked = {"start": "2030-03-01T09:30", "min_delay": "0", "hourly_limit": ""}
    html = (await page.get(path, params=asked)).text
    assert "Start right away → Mar 1 2030, 10:30" in words(html)  # the reader is in Berlin
    assert (await page.post(path, data=fields_of(html, path))).status_code == 303
    start = datetime(2030, 3, 1, 9, 30, tzinfo=UTC)
    assert await world.fetchval("SELECT start_at FROM campaigns") == start
    if launched:
        due = await world.fetch("SELECT DISTINCT due_at FROM email_jobs")
        assert due == [{"due_at": start}]


async def test_a_start_that_is_left_alone_stays_though_it_has_passed(
    page: httpx2.AsyncClient, world: World
) -> None:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    campaign = await campaign_of(world, start_at=start, launched_at=start)
    path = f"/campaigns/{campaign}/change"
    form = {"start": "2026-01-05T09:00", "min_delay": "1.5", "hourly_limit": "40"}
    assert (await page.post(path, data=form)).status_code == 303
    assert await pace_of(world, campaign) == {"min_delay_ms": 1500, "hourly_limit": 40}
    assert await world.fetchval("SELECT start_at FROM campaigns") == start


async def test_what_is_not_sent_along_stays_as_it_is(
    page: httpx2.AsyncClient, world: World
) -> None:
    start = datetime(2030, 3, 1, 9, 30, tzinfo=UTC)
    campaign = await campaign_of(world, start_at=start, hourly_limit=7)
    path = f"/campaigns/{campaign}/change"
    assert (await page.post(path, data={"min_delay": "3"})).status_code == 303
    assert await pace_of(world, campaign) == {"min_delay_ms": 3000, "hourly_limit": 7}
    assert await world.fetchval("SELECT start_at FROM campaigns") == start


async def test_what_makes_no_sense_is_refused_next_to_its_field(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await campaign_of(world)
    path = f"/campaigns/{campaign}/change"
    form = {"start": "2020-01-01T10:00", "min_delay": "soon", "hourly_limit": "0"}
    for response in (await page.get(path, params=form), await page.post(path, data=form)):
        assert response.status_code == 422
        assert 'value="soon" id="min_delay" name="min_delay"' in response.text
        assert response.text.count("Delay must be a number of seconds") == 1
        assert '<a class="pl-link" href="#min_delay">Delay</a>' in response.text
        assert "Hourly limit must be 1 to 1,000,000; leave it empty for no limit." in response.text
        assert "Start has passed; leave it empty to begin right away." in response.text
        assert "The difference" not in response.text


async def test_nothing_is_saved_on_top_of_what_somebody_else_changed(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await campaign_of(world)
    path = f"/campaigns/{campaign}/change"
    html = (await page.get(path, params={"min_delay": "1", "hourly_limit": "7"})).text
    await world.execute("UPDATE campaigns SET hourly_limit = 99")
    late = await page.post(path, data=fields_of(html, path))
    assert late.status_code == 409
    assert "It was changed meanwhile. Nothing was saved" in words(late.text)
    assert "Hourly limit 99 → 7" in words(late.text)
    assert await pace_of(world, campaign) == {"min_delay_ms": 0, "hourly_limit": 99}
    assert (await page.post(path, data=fields_of(late.text, path))).status_code == 303
    assert await pace_of(world, campaign) == {"min_delay_ms": 1000, "hourly_limit": 7}


async def test_what_is_over_is_not_changed(page: httpx2.AsyncClient, world: World) -> None:
    campaign = await campaign_of(world, state="cancelled")
    path = f"/campaigns/{campaign}/change"
    assert "cannot be changed any more" in words((await page.get(path)).text)
    form = {"min_delay": "1", "hourly_limit": "7"}
    assert (await page.post(path, data=form)).status_code == 409
    assert path not in (await page.get(f"/campaigns/{campaign}")).text


async def test_a_draft_gets_another_message_and_what_is_running_only_a_name(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = await campaign_of(world, 1, state="draft")
    path = f"/campaigns/{draft}/edit"
    form = fields_of((await page.get(path)).text, path)
    form |= {"name": "Better", "subject": "Hi {{ name }}", "format": "rich", "body": "<p>New</p>"}
    assert (await page.post(path, data=form)).status_code == 303
    [row] = await world.fetch("SELECT name, subject, html_body, text_body FROM campaigns")
    assert row == {
        "name": "Better",
        "subject": "Hi {{ name }}",
        "html_body": "<p>New</p>",
        "text_body": None,
    }
    await world.execute("UPDATE campaigns SET state = 'active', launched_at = now()")
    html = (await page.get(path)).text
    assert 'name="subject"' not in html
    assert "Its message stands since it was launched" in words(html)
    form = fields_of(html, path) | {"name": "Best"}
    assert (await page.post(path, data=form)).status_code == 303
    assert await world.fetchval("SELECT name FROM campaigns") == "Best"
    late = await page.post(path, data={"name": "Best", "subject": "Other"})
    assert late.status_code == 409


async def test_a_message_that_does_not_suit_is_refused_with_what_was_typed(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = await campaign_of(world, 1, state="draft")
    form = {"name": "", "subject": "Hi", "body": "Dear {{ nickname }} <b>", "format": "text"}
    response = await page.post(f"/campaigns/{draft}/edit", data=form)
    assert response.status_code == 422
    assert "Dear {{ nickname }} &lt;b&gt;" in response.text
    assert await world.fetchval("SELECT subject FROM campaigns") == "Hello {{ name }}"


@pytest.mark.parametrize(
    ("was", "typed", "stored"),
    [
        ({}, {"format": "html", "body": "<b>Hi</b>"}, ("<b>Hi</b>", None)),
        ({}, {"format": "rich", "body": "no tag at all"}, (None, "no tag at all")),
        ({}, {"format": "html", "body": "<b>Hi</b>", "text": "Own"}, ("<b>Hi</b>", "Own")),
        ({"html_body": "<p>A</p>"}, {"format": "text", "body": "A", "text": "B"}, (None, "A")),
        ({"html_body": "<p>A</p>"}, {"text": ""}, ("<p>A</p>", None)),
    ],
)
async def test_a_message_is_kept_in_the_format_that_it_was_written_in(
    page: httpx2.AsyncClient,
    world: World,
    was: dict[str, str],
    typed: dict[str, str],
    stored: tuple[str | None, str | None],
) -> None:
    draft = await campaign_of(world, 1, state="draft", **was)
    path = f"/campaigns/{draft}/edit"
    opened = (await page.get(path)).text
    expected = "rich" if was else "text"
    assert re.search(rf'name="format" value="{expected}" checked', opened)
    assert (await page.post(path, data=typed)).status_code == 303
    [row] = await world.fetch("SELECT html_body, text_body FROM campaigns")
    assert (row["html_body"], row["text_body"]) == stored


async def test_a_copy_is_a_new_draft_that_sends_nothing(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await campaign_of(
        world, 3, name="Spring", html_body="<p>Hi</p>", min_delay_ms=1500, hourly_limit=40
    )
    html = (await page.get(f"/campaigns/{campaign}")).text
    form = fields_of(html, f"/campaigns/{campaign}/duplicate")
    made = {(await page.post(f"/campaigns/{campaign}/duplicate", data=form)).headers["Location"]}
    made.add((await page.post(f"/campaigns/{campaign}/duplicate", data=form)).headers["Location"])
    [path] = made
    composed = (await page.get(path)).text
    assert 'value="Copy of Spring"' in composed
    assert "&lt;p&gt;Hi&lt;/p&gt;" in composed
    [row] = await world.fetch('SELECT subject, format, min_delay, hourly_limit, "when" FROM drafts')
    assert row == {
        "subject": "Hello {{ name }}",
        "format": "rich",
        "min_delay": "1.5",
        "hourly_limit": "40",
        "when": "now",
    }
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 1


async def test_the_last_full_hour_is_told_beside_what_the_limits_allow(
    page: httpx2.AsyncClient, world: World
) -> None:
    start = clock.now() - timedelta(hours=5)
    campaign = await campaign_of(world, 10, start_at=start, launched_at=start, hourly_limit=40)
    text = words((await page.get(f"/campaigns/{campaign}")).text)
    assert "Last full hour: 0 sent; the limits allow 40." in text
