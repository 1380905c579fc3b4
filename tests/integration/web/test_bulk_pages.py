"""Lists of emails as a whole: many changed at once, and the list as CSV."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import unquote

import httpx2
import pytest

from paceline.domain import short_lists
from paceline.persistence.stores import whole_lists
from tests.integration.web.conftest import words
from tests.integration.web.test_dashboard import FAILED, IN_DOUBT, SENT
from tests.world import World


def said(response: httpx2.Response) -> str:
    return unquote(response.headers["set-cookie"])


async def test_what_is_ticked_is_cancelled_and_the_list_says_what_was_not(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    emails = await world.emails(sender, await world.campaign(sender), 3)
    await world.execute(SENT, emails[1])
    shown = (await page.get("/emails")).text
    assert f'value="{emails[0]}"' in shown
    form = {"tab": "scheduled", "action": "cancel", "selected": [str(e) for e in emails[:2]]}
    response = await page.post("/emails/bulk", data=form)
    assert response.headers["Location"] == "/emails?tab=scheduled"
    assert "1 email cancelled. 1 was not: 1 sent already." in said(response)
    assert await world.states(emails) == ["cancelled", "sent", "scheduled"]


async def test_what_is_ticked_is_rescheduled_in_the_readers_zone_and_never_without_a_time(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    emails = await world.emails(sender, await world.campaign(sender), 2)
    form = {"tab": "scheduled", "size": "50", "action": "reschedule", "selected": str(emails[0])}
    response = await page.post("/emails/bulk", data={**form, "at": ""})
    assert "Not moved: choose a date and a time." in said(response)
    response = await page.post("/emails/bulk", data={**form, "at": "2031-06-01T09:30"})
    assert response.headers["Location"] == "/emails?tab=scheduled&size=50"
    assert "1 email moved." in said(response)
    due = await world.fetchval("SELECT due_at FROM email_jobs WHERE email_id = $1", emails[0])
    assert f"{due:%Y-%m-%dT%H:%M}" == "2031-06-01T07:30"


async def test_what_came_after_the_page_was_made_is_not_among_all_that_match(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    shown = await world.emails(sender, campaign, 30)
    html = (await page.get("/emails?q=reader")).text
    seen = re.search(r'name="seen" value="([^"]+)"', html)
    assert seen is not None
    later = await world.emails(sender, campaign, ["reader99@example.org"])
    form = {"tab": "scheduled", "q": "reader", "action": "cancel", "everything": "yes"}
    answer = await page.post("/emails/bulk", data={**form, "seen": seen[1]})
    assert "30 emails cancelled." in said(answer)
    assert set(await world.states(shown)) == {"cancelled"}
    assert await world.states(later) == ["scheduled"]


async def test_an_import_that_was_under_way_when_the_page_was_made_is_not_among_all_that_match(
    page: httpx2.AsyncClient, world: World
) -> None:
    """Its emails are made before the page, and stored behind it."""
    sender = await world.sender()
    campaign = await world.campaign(sender)
    shown = await world.emails(sender, campaign, 30)
    async with world.together():
        coming = await world.emails(sender, campaign, ["reader98@example.org"])
        html = (await page.get("/emails?q=reader")).text
    seen = re.search(r'name="seen" value="([^"]+)"', html)
    assert seen is not None
    form = {"tab": "scheduled", "q": "reader", "action": "cancel", "everything": "yes"}
    answer = await page.post("/emails/bulk", data={**form, "seen": seen[1]})
    assert "30 emails cancelled." in said(answer)
    assert set(await world.states(shown)) == {"cancelled"}
    assert await world.states(coming) == ["scheduled"]
    for made_up in ("x", "5:1:", "1:5:9", "9" * 30 + ":1:"):
        answer = await page.post("/emails/bulk", data={**form, "seen": made_up})
        assert answer.status_code == 422


async def test_what_is_chosen_as_all_that_match_is_what_the_filters_say(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    emails = await world.emails(sender, await world.campaign(sender), 30)
    await world.emails(sender, await world.campaign(sender), ["ada@example.org"])
    assert 'data-total="30"' in (await page.get("/emails?q=reader")).text
    form = {"tab": "scheduled", "q": "reader", "action": "cancel", "everything": "yes"}
    assert "30 emails cancelled." in said(await page.post("/emails/bulk", data=form))
    assert set(await world.states(emails)) == {"cancelled"}
    assert await world.fetchval("SELECT count(*) FROM email_jobs WHERE state = 'scheduled'") == 1


async def test_a_list_that_is_not_counted_to_its_end_says_so_and_sorts_by_time_alone(
    page: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = await world.sender()
    await world.emails(sender, await world.campaign(sender), 30)
    address = f"/emails?sender={sender}&from=2020-01-01&sort=recipient"
    counted = (await page.get(address)).text
    assert 'data-total="30"' in counted
    assert "30 emails" in words(counted)
    assert counted.count('aria-sort="ascending"') == 1
    monkeypatch.setattr(whole_lists, "MAX_COUNTED", 20)
    monkeypatch.setattr(short_lists, "MAX_SORTED", 10)
    html = (await page.get(address)).text
    assert "data-more" in html
    assert "25+ emails" in words(html)
    assert "Sorted by time: up to" in words(html)
    assert "sort=-recipient" not in html


async def test_all_that_match_are_tried_again_from_the_campaigns_page(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    emails = await world.emails(sender, campaign, 3)
    others = await world.emails(sender, await world.campaign(sender), 1)
    for email in [*emails, *others]:
        await world.execute(FAILED, email)
    form = {"tab": "failed", "page": "campaign", "campaign": str(campaign)}
    response = await page.post(
        "/emails/bulk", data={**form, "action": "retry", "everything": "yes"}
    )
    assert response.headers["Location"] == f"/campaigns/{campaign}?tab=failed"
    assert "3 emails will be tried again." in said(response)
    assert set(await world.states(emails)) == {"scheduled"}
    assert await world.states(others) == ["failed"]


async def test_doubts_are_settled_together_and_nothing_selected_changes_nothing(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    emails = await world.emails(sender, await world.campaign(sender), 2)
    for email in emails:
        await world.execute(IN_DOUBT, email)
    assert "Mark as sent" in words((await page.get("/emails", params={"tab": "in_doubt"})).text)
    form = {"tab": "in_doubt", "action": "mark_sent"}
    assert "Nothing was selected." in said(await page.post("/emails/bulk", data=form))
    response = await page.post("/emails/bulk", data={**form, "everything": "yes"})
    assert "2 emails marked as sent." in said(response)
    assert await world.states(emails) == ["sent", "sent"]


async def test_the_list_that_is_shown_is_downloaded_as_csv(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    people = ["ada@example.org", "grace@example.org"]
    await world.emails(sender, await world.campaign(sender), people)
    assert 'href="/emails/export?tab=scheduled&amp;q=ada"' in (await page.get("/emails?q=ada")).text
    response = await page.get("/emails/export?tab=scheduled&q=ada")
    assert 'filename="scheduled.csv"' in response.headers["Content-Disposition"]
    assert [row["to"] for row in csv.DictReader(io.StringIO(response.text))] == people[:1]
    assert len((await other_page.get("/emails/export")).text.splitlines()) == 1
