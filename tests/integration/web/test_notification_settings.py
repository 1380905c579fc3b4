"""Notifications on the settings page: chosen, kept, tried, and each person's own."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from tests.hook_receiver import HookReceiver
from tests.integration.web.conftest import words
from tests.world import World

ALL = {
    f"notify_{kind}": "yes"
    for kind in ("campaign_done", "limit_reached", "sender_broken", "doubts", "nothing_goes")
}


async def save(page: httpx2.AsyncClient, **form: str) -> httpx2.Response:
    return await page.post("/settings/notifications", data={**ALL, **form})


async def test_a_hook_is_kept_masked_and_says_what_came_back(
    page: httpx2.AsyncClient, receiver: HookReceiver
) -> None:
    assert "Send a test" not in (await page.get("/settings")).text
    assert (await save(page, hook_url=receiver.url)).headers["Location"] == "/settings"
    html = (await page.get("/settings")).text
    assert "Saved." in words(html)
    assert "127.0.0.1/…hush" in html
    assert receiver.url not in html
    receiver.answer(200, 410, 302)
    for says in (
        "Web hook: It answered 200 OK.",
        "Web hook: It answered 410 Gone: that web hook is no longer there.",
        "Web hook: It answered 302 Found: redirects are not followed.",
    ):
        await page.post("/settings/notifications/test")
        assert says in words((await page.get("/settings")).text)
    assert len(receiver.texts) == 3
    await save(page, drops_hook="yes")
    assert "hush" not in (await page.get("/settings")).text


async def test_an_address_takes_a_sender_of_ones_own(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender(name="Office")
    missing = await save(page, email_to="ops@example.org")
    assert missing.status_code == 422
    assert "Choose the sender that it goes by." in words(missing.text)
    assert 'value="ops@example.org"' in missing.text
    wrong = await save(page, email_to="ops", email_sender_id=str(sender))
    assert wrong.status_code == 422
    await save(page, email_to="ops@example.org", email_sender_id=str(sender))
    await page.post("/settings/notifications/test")
    told = words((await page.get("/settings")).text)
    assert "Email: It is on its way to ops@example.org." in told
    assert await world.fetchval("SELECT count(*) FROM emails WHERE address = 'ops@example.org'")
    await page.post("/suppressions", data={"addresses": "ops@example.org"})
    await page.post("/settings/notifications/test")
    told = words((await page.get("/settings")).text)
    assert "Email: Its address is on your suppression list." in told


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"hook_url": "javascript:alert(1)"}, "Web hook must begin with https://"),
        ({"hook_url": "ftp://x", "email_to": "nobody"}, "3 fields need another look."),
        (
            {"hook_url": "https://me:pass@hooks.example/x"},
            "Web hook must not hold a user and a password",
        ),
        (
            {"email_to": "a@example.org", "email_sender_id": "x"},
            "The sender is none of your senders",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused(
    page: httpx2.AsyncClient, form: dict[str, str], says: str
) -> None:
    answer = await save(page, **form)
    assert answer.status_code == 422
    assert says in words(answer.text)


async def test_they_are_each_persons_own(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, receiver: HookReceiver, world: World
) -> None:
    await save(page, hook_url=receiver.url)
    assert "hush" not in (await other_page.get("/settings")).text
    await other_page.post("/settings/notifications/test")
    assert "Nothing was sent" in words((await other_page.get("/settings")).text)
    assert receiver.texts == []
    sender = await world.sender()
    foreign = await save(other_page, email_to="a@example.org", email_sender_id=str(sender))
    assert foreign.status_code == 422


async def test_one_test_of_theirs_is_under_way_at_a_time(
    page: httpx2.AsyncClient, receiver: HookReceiver
) -> None:
    """It posts wherever its owner likes: many at once would be somebody else's trouble."""
    await save(page, hook_url=receiver.url)
    receiver.answers.append(None)
    first = asyncio.create_task(page.post("/settings/notifications/test"))
    await receiver.asked.wait()
    second = await page.post("/settings/notifications/test")
    assert (second.status_code, second.headers["Retry-After"]) == (429, "10")
    assert len(receiver.texts) == 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_what_was_not_taken_is_said(page: httpx2.AsyncClient, world: World) -> None:
    await save(page, hook_url="http://127.0.0.1:1/hush")
    await world.execute(
        "INSERT INTO notification_messages (id, owner_id, channel, body, last_error, given_up_at)"
        " VALUES (gen_random_uuid(), $1, 'hook', 'x', 'It answered 410 Gone.', now())",
        world.owner_id,
    )
    told = words((await page.get("/settings")).text)
    assert "The last message by web hook was not taken: It answered 410 Gone. It was given up." in (
        told
    )
