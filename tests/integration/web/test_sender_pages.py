"""Senders: added, changed, verified, tried out; their passwords never shown."""

from __future__ import annotations

import uuid

import httpx2

from tests.integration.web.conftest import words
from tests.world import World

NEW = {
    "name": "News",
    "from_address": "news@example.com",
    "from_name": "Northwind",
    "smtp_host": "127.0.0.1",
    "smtp_port": "2525",
    "smtp_security": "none",
    "smtp_username": "me",
    "smtp_password": "hunter2-secret",
    "hourly_limit": "",
    "min_delay": "0.5",
    "max_connections": "3",
}


async def added(page: httpx2.AsyncClient, **fields: str) -> uuid.UUID:
    response = await page.post("/senders", data={**NEW, **fields})
    assert response.status_code == 303, words(response.text)
    return uuid.UUID(response.headers["Location"].removeprefix("/senders/"))


async def test_a_sender_is_added_and_listed(page: httpx2.AsyncClient, world: World) -> None:
    await added(page)
    text = words((await page.get("/senders")).text)
    assert "news@example.com" in text
    assert "no hourly limit · 500 ms apart" in text
    assert "Active" in text


async def test_a_password_is_stored_sealed_and_never_shown(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await added(page)
    html = (await page.get(f"/senders/{sender}")).text
    assert "hunter2-secret" not in html
    assert "Leave it empty to keep the one you gave" in html
    sealed = await world.fetchval("SELECT smtp_password FROM senders WHERE id = $1", sender)
    assert b"hunter2-secret" not in sealed
    form = {**NEW, "smtp_password": "", "from_name": "Southwind"}
    assert (await page.post(f"/senders/{sender}", data=form)).status_code == 303
    [row] = await world.fetch("SELECT from_name, smtp_password FROM senders WHERE id = $1", sender)
    assert row == {"from_name": "Southwind", "smtp_password": sealed}


async def test_all_that_is_wrong_is_said_at_once_and_the_password_not_sent_back(
    page: httpx2.AsyncClient, world: World
) -> None:
    form = {**NEW, "from_address": "nobody", "smtp_port": "many", "hourly_limit": "0"}
    response = await page.post("/senders", data=form)
    assert response.status_code == 422
    for field in ("smtp_port", "hourly_limit"):
        assert f'id="{field}-note" class="pl-note" data-tone="bad"' in response.text
    assert "hunter2-secret" not in response.text
    response = await page.post("/senders", data={**NEW, "from_address": "nobody"})
    assert 'id="from_address-note" class="pl-note" data-tone="bad"' in response.text
    assert await world.fetchval("SELECT count(*) FROM senders") == 0


async def test_the_dev_inbox_can_be_filled_in(page: httpx2.AsyncClient) -> None:
    html = (await page.get("/senders/new", params={"preset": "dev-inbox"})).text
    assert 'value="1025"' in html
    assert '<option value="none" selected>' in html


async def test_a_sender_is_paused_and_resumed(page: httpx2.AsyncClient, world: World) -> None:
    sender = await added(page)
    await page.post(f"/senders/{sender}/pause")
    assert "Paused" in words((await page.get("/senders")).text)
    await page.post(f"/senders/{sender}/resume")
    assert "Active" in words((await page.get("/senders")).text)


async def test_a_broken_sender_says_why_and_what_to_do(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender(state="broken", state_reason="535 5.7.8 wrong password")
    text = words((await page.get(f"/senders/{sender}")).text)
    assert "535 5.7.8 wrong password" in text
    assert "none has failed" in text


async def test_changing_only_its_name_does_not_mend_a_broken_sender(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await added(page)
    await world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    form = {**NEW, "smtp_password": "", "name": "Other"}
    await page.post(f"/senders/{sender}", data=form)
    assert await world.fetchval("SELECT state FROM senders WHERE id = $1", sender) == "broken"


async def test_a_server_that_does_not_answer_is_reported(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender(port=1)  # nobody listens there
    text = words((await page.post(f"/senders/{sender}/verify")).text)
    assert "It did not work" in text
    response = await page.post(f"/senders/{sender}/test", data={"to": "ada@example.org"})
    assert "It was not sent" in words(response.text)


async def test_a_test_needs_an_address(page: httpx2.AsyncClient, world: World) -> None:
    sender = await world.sender()
    response = await page.post(f"/senders/{sender}/test", data={"to": "nobody"})
    assert response.status_code == 422
    assert 'id="to-note"' in response.text


async def test_nobody_touches_the_sender_of_somebody_else(
    other_page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    assert (await other_page.get(f"/senders/{sender}")).status_code == 404
    for command in ("", "/pause", "/resume", "/verify", "/test"):
        response = await other_page.post(
            f"/senders/{sender}{command}", data={**NEW, "to": "a@b.example"}
        )
        assert response.status_code == 404
