"""One's own account: where one is signed in."""

from __future__ import annotations

import re
import uuid

import httpx2

from paceline.auth.sessions import Origin
from paceline.web import Parts
from tests.integration.web.conftest import words
from tests.world import World

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605 Version/19 Safari/604"


async def test_the_page_lists_where_one_is_signed_in(
    page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    origin = Origin(method="accounts.google.com", address="203.0.113.5", user_agent=PHONE)
    await parts.sessions.start(world.owner_id, origin=origin)
    shown = words((await page.get("/account")).text)
    assert "Safari on iPhone" in shown
    assert "203.0.113.5 · by Google" in shown
    assert shown.count("This one") == 1


async def test_one_sign_in_is_ended_and_the_others_stay(
    page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    cookie, _ = await parts.sessions.start(world.owner_id)
    handle = re.search(r"/account/sessions/([0-9a-f-]+)/end", (await page.get("/account")).text)
    assert handle
    assert (await page.post(handle[0])).headers["Location"] == "/account"
    assert await parts.sessions.resolve(cookie) is None
    assert (await page.get("/account")).status_code == 200
    assert (await page.post(handle[0])).status_code == 404


async def test_a_sign_in_of_somebody_else_is_not_there_to_be_ended(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    cookie, _ = await parts.sessions.start(world.owner_id)
    listed = await parts.sessions.list(world.owner_id, cookie=cookie)
    for handle in (listed[0].handle, uuid.uuid4()):
        assert (await other_page.post(f"/account/sessions/{handle}/end")).status_code == 404
    assert await parts.sessions.resolve(cookie) is not None


async def test_signing_out_everywhere_ends_all_of_ones_own_and_nobody_elses(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    cookie, _ = await parts.sessions.start(world.owner_id)
    done = await page.post("/account/sign-out-everywhere")
    assert done.headers["Location"] == "/login"
    assert await parts.sessions.resolve(cookie) is None
    assert (await page.get("/account")).status_code == 303
    assert (await other_page.get("/account")).status_code == 200
