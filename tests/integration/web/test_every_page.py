"""Every route of the pages, walked as nobody, as somebody else, and as somebody disabled."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx2
from fastapi.routing import APIRoute

from paceline.limits import Buckets
from paceline.services.request_rates import RequestRates
from paceline.settings.shares import ShareSettings
from paceline.web import Parts
from paceline.web.app import _SCREENS
from paceline.web.routes.compose import SIGNED_OUT
from tests.api import NO_REDIS
from tests.integration.web.composing import form, new_draft
from tests.integration.web.conftest import browser, sign_in
from tests.world import World

ROUTES = sorted(
    (method, route.path)
    for module in _SCREENS
    for route in module.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods - {"HEAD"}
)
# The ways in. What the dev inbox caught is everybody's; users are an administrator's.
WAYS_IN = {"/login", "/sign-out"}
OF_ALL = ("/inbox", "/users", "/account")
SOME = "0190a5d0-0000-7000-8000-000000000000"
_NAMES = {name for _, path in ROUTES for name in re.findall(r"{(\w+)}", path)}
_OWNED = ("senders", "campaigns", "emails", "drafts", "suppressions")


def is_way_in(path: str) -> bool:
    return path in WAYS_IN or path.startswith("/auth/")


async def is_shut(client: httpx2.AsyncClient, method: str, path: str) -> bool:
    """Whether whoever asks is sent to sign in, or refused."""
    answer = await client.request(method, path)
    to_sign_in = answer.headers.get("location", "").startswith("/login")
    is_refused = answer.status_code in (401, 403) or SIGNED_OUT in answer.text
    return is_refused or (answer.status_code == 303 and to_sign_in)


async def stored(world: World) -> list[object]:
    return [
        await world.fetchval(
            f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t"
            " WHERE owner_id = $1",
            world.owner_id,
        )
        for table in _OWNED
    ]


async def test_nobody_sees_or_does_anything_but_signing_in(stranger: httpx2.AsyncClient) -> None:
    assert len(ROUTES) > 100
    for method, path in ROUTES:
        if not is_way_in(path):
            where = path.format(**dict.fromkeys(_NAMES, SOME))
            assert await is_shut(stranger, method, where), (method, path)


async def test_somebody_who_was_disabled_is_nobody(parts: Parts, world: World) -> None:
    rates = RequestRates(Buckets(NO_REDIS), ShareSettings(strangers_per_minute=1_000_000))
    async with browser(replace(parts, rates=rates)) as page:
        await sign_in(page, parts, world)
        await world.execute("UPDATE users SET is_admin = true, disabled_at = now()")
        for method, path in ROUTES:
            if not is_way_in(path):
                where = path.format(**dict.fromkeys(_NAMES, SOME))
                assert await is_shut(page, method, where), (method, path)


async def test_somebody_else_meets_and_changes_nothing_on_any_page(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender(name="Only Ada's")
    campaign = await world.campaign(sender, name="Only Ada's")
    [email] = await world.emails(sender, campaign, 1)
    draft = new_draft(page)
    await draft.save(await form(world, subject="Only Ada's"))
    things = {
        **dict.fromkeys(_NAMES, SOME),
        "sender_id": str(sender),
        "campaign_id": str(campaign),
        "email_id": str(email),
        "draft_id": draft.path.rpartition("/")[2],
    }
    before = await stored(world)
    for method, path in ROUTES:
        if is_way_in(path) or path.startswith(OF_ALL) or "{" not in path:
            continue
        answer = await other_page.request(method, path.format(**things))
        assert "only ada" not in answer.text.lower(), (method, path)
        if method == "GET":
            assert answer.status_code == 404, path
    assert await stored(world) == before
