"""Trying failed emails again from their campaign's page, and one from its own."""

from __future__ import annotations

import re
import uuid

import httpx2

from tests.integration.web.conftest import words
from tests.world import World


async def failed(world: World, *, hard: int = 0, soft: int = 0) -> uuid.UUID:
    """A campaign, complete, of which so many failed; those that bounced hard are suppressed."""
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, hard + soft)
    for reason, code, some in (
        ("hard_bounce", "5.1.1", ids[:hard]),
        ("rejected", None, ids[hard:]),
    ):
        await world.execute(
            "UPDATE email_jobs SET state = 'failed', attempt = 1, failure_reason = $2, "
            "reply_code = 550, reply_enhanced = $3, reply_text = '<b>no</b> thanks' "
            "WHERE email_id = ANY ($1)",
            some,
            reason,
            code,
        )
        if reason == "hard_bounce":
            await world.execute(
                "INSERT INTO suppressions (owner_id, address_key, reason) "
                "SELECT owner_id, address_key, 'hard_bounce' FROM emails WHERE id = ANY ($1)",
                some,
            )
    await world.execute("UPDATE campaigns SET state = 'completed', finished_at = now()")
    return campaign


async def test_the_page_tells_why_emails_failed_and_how_many_would_be_tried_again(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await failed(world, hard=2, soft=3)
    html = (await page.get(f"/campaigns/{campaign}")).text
    text = words(html)
    assert "3 The server refused this email. 550 &lt;b&gt;no&lt;/b&gt; thanks" in text
    assert "Try 3 emails again?" in text
    assert "2 The address does not exist, or refuses all mail." in text
    assert "On your suppression list: they stay out" in text
    assert html.count("Try these again") == 1


async def test_the_button_tries_them_again_once_and_says_so(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await failed(world, hard=1, soft=3)
    html = (await page.get(f"/campaigns/{campaign}")).text
    form = re.search(r'<form method="post" action="[^"]+/retry".*?</form>', html, re.DOTALL)
    assert form is not None
    given = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    assert (given["reason"], given["reply"]) == ("rejected", "550 none")
    done = await page.post(f"/campaigns/{campaign}/retry", data=given)
    assert done.status_code == 303
    assert "3 emails will be tried again." in words((await page.get(done.headers["Location"])).text)
    await world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected', reply_code = 550"
    )
    assert (await page.post(f"/campaigns/{campaign}/retry", data=given)).status_code == 303
    assert await world.fetchval("SELECT count(*) FROM attempts WHERE outcome = 'retried'") == 3


async def test_what_the_address_bar_says_of_numbers_is_not_believed_as_markup(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await failed(world, soft=1)
    for number in ("<b>", "-1", "9" * 20, "١"):
        shown = await page.get(f"/campaigns/{campaign}", params={"retried": number})
        assert shown.status_code == 200
        assert "will be tried again" not in shown.text


async def test_one_email_is_tried_again_and_its_history_says_so(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await failed(world, soft=1)
    (email,) = [row["id"] for row in await world.fetch("SELECT id FROM emails")]
    assert "Try again" in words((await page.get(f"/emails/{email}")).text)
    assert (await page.post(f"/emails/{email}/retry")).status_code == 303
    assert "To be tried again" in words((await page.get(f"/emails/{email}")).text)
    state = await world.fetchval("SELECT state FROM campaigns WHERE id = $1", campaign)
    assert (await world.states([email]), state) == (["scheduled"], "active")
    assert (await page.post(f"/emails/{email}/retry")).status_code == 409


async def test_an_address_is_taken_off_the_list_only_where_that_is_asked(
    page: httpx2.AsyncClient, world: World
) -> None:
    await failed(world, hard=1)
    (email,) = [row["id"] for row in await world.fetch("SELECT id FROM emails")]
    html = (await page.get(f"/emails/{email}")).text
    assert "Take it off the list and try again" in html
    assert (await page.post(f"/emails/{email}/retry")).status_code == 409
    assert await world.states([email]) == ["failed"]
    assert (await page.post(f"/emails/{email}/retry", data={"release": "yes"})).status_code == 303
    assert await world.states([email]) == ["scheduled"]
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_nobody_tries_what_is_anothers(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await failed(world, soft=1)
    (email,) = [row["id"] for row in await world.fetch("SELECT id FROM emails")]
    assert (await other_page.post(f"/campaigns/{campaign}/retry")).status_code == 404
    assert (await other_page.post(f"/emails/{email}/retry")).status_code == 404
    assert await world.states([email]) == ["failed"]
