"""Every route of the pages, walked as nobody, as somebody else, and as somebody disabled."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

import httpx2
from fastapi.routing import APIRoute

from paceline.domain.identifiers import new_id
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
# The ways in, each by name: a new one is walked as shut until somebody adds it here.
WAYS_IN = {
    ("GET", "/login"),
    ("GET", "/auth/callback"),
    ("GET", "/auth/invitation"),
    ("GET", "/auth/link"),
    ("GET", "/auth/start"),
    ("POST", "/auth/google"),
    ("POST", "/auth/link"),
    ("POST", "/sign-out"),
}
# What the dev inbox caught is everybody's; users are an administrator's; a session is one's own.
OF_ALL = {
    ("GET", "/inbox/{message_id}"),
    ("GET", "/inbox/{message_id}/body"),
    ("GET", "/inbox/{message_id}/parts/{number}"),
    ("GET", "/inbox/{message_id}/view"),
    ("POST", "/account/sessions/{handle}/end"),
    ("POST", "/users/invitations/{handle}/revoke"),
    ("POST", "/users/{user_id}/deactivate"),
    ("POST", "/users/{user_id}/reactivate"),
    ("POST", "/users/{user_id}/sign-out"),
}
SOME = "0190a5d0-0000-7000-8000-000000000000"
# Of what is only found by way of something else that is walked.
WITHIN = {"content_id", "file_id", "handle", "message_id", "number", "report_id", "user_id"}
_NAMES = {name for _, path in ROUTES for name in re.findall(r"{(\w+)}", path)}
_OWNED = (
    *("senders", "campaigns", "emails", "drafts", "suppressions"),
    *("notification_settings", "notification_messages"),
)


async def is_shut(client: httpx2.AsyncClient, method: str, path: str) -> bool:
    """Whether whoever asks is sent to sign in, or refused."""
    answer = await client.request(method, path)
    to_sign_in = answer.headers.get("location", "").startswith("/login")
    is_refused = answer.status_code in (401, 403) or SIGNED_OUT in answer.text
    return is_refused or (answer.status_code == 303 and to_sign_in)


async def api_key_of(world: World) -> uuid.UUID:
    key_id = new_id()
    await world.execute(
        "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scope) "
        "VALUES ($1, $2, 'Only Ada''s', 'pl_ada', $3, 'admin')",
        key_id,
        world.owner_id,
        key_id.bytes * 2,
    )
    return key_id


async def stored(world: World) -> list[object]:
    return [
        await world.fetchval(
            f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t"
            " WHERE owner_id = $1",
            world.owner_id,
        )
        for table in _OWNED
    ]


async def all_things(page: httpx2.AsyncClient, world: World) -> dict[str, str]:
    """One of each that an owner may have, by the names that stand in addresses."""
    sender = await world.sender(name="Only Ada's")
    campaign = await world.campaign(sender, name="Only Ada's")
    [email] = await world.emails(sender, campaign, 1)
    draft = new_draft(page)
    await draft.save(await form(world, subject="Only Ada's"))
    # A name that is not here ends the walk: who makes the first route with it says whose it is.
    return {
        **dict.fromkeys(WITHIN, SOME),
        "key_id": str(await api_key_of(world)),
        "sender_id": str(sender),
        "campaign_id": str(campaign),
        "email_id": str(email),
        "draft_id": draft.path.rpartition("/")[2],
    }


async def test_nobody_sees_or_does_anything_but_signing_in(stranger: httpx2.AsyncClient) -> None:
    assert len(ROUTES) > 100
    for method, path in ROUTES:
        if (method, path) not in WAYS_IN:
            where = path.format(**dict.fromkeys(_NAMES, SOME))
            assert await is_shut(stranger, method, where), (method, path)


async def test_somebody_who_was_disabled_is_nobody(parts: Parts, world: World) -> None:
    rates = RequestRates(Buckets(NO_REDIS), ShareSettings(strangers_per_minute=1_000_000))
    async with browser(replace(parts, rates=rates)) as page:
        await sign_in(page, parts, world)
        await world.execute("UPDATE users SET is_admin = true, disabled_at = now()")
        for method, path in ROUTES:
            if (method, path) not in WAYS_IN:
                where = path.format(**dict.fromkeys(_NAMES, SOME))
                assert await is_shut(page, method, where), (method, path)


async def test_somebody_else_meets_and_changes_nothing_on_any_page(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    things = await all_things(page, world)
    before = await stored(world)
    for method, path in ROUTES:
        if (method, path) in WAYS_IN | OF_ALL or (method != "GET" and "{" not in path):
            continue
        answer = await other_page.request(method, path.format(**things))
        assert "only ada" not in answer.text.lower(), (method, path)
        if method == "GET" and "{" in path:
            assert answer.status_code == 404, path
    assert await stored(world) == before


async def test_no_write_is_carried_out_that_no_page_of_ours_has_sent(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    things = await all_things(admin_page, world)
    token = admin_page.headers.pop("X-CSRF-Token")
    before = await stored(world)
    forged: tuple[dict[str, str], ...] = (
        {},  # from a page of ours, without its token
        {"X-CSRF-Token": "guessed"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "none"},
    )
    for method, path in ROUTES:
        if method == "GET" or (method, path) == ("POST", "/auth/google"):  # not offered here
            continue
        for headers in forged[2:] if (method, path) in WAYS_IN else forged:
            answer = await admin_page.request(method, path.format(**things), headers=headers)
            assert answer.status_code == 403, (method, path, headers)
    assert await stored(world) == before


async def test_whoever_only_looks_changes_nothing_and_no_cache_keeps_what_they_see(
    parts: Parts, world: World
) -> None:
    rates = RequestRates(Buckets(NO_REDIS), ShareSettings(requests_per_minute=1_000_000))
    async with browser(replace(parts, rates=rates)) as page:
        await sign_in(page, parts, world)
        await world.execute("UPDATE users SET is_admin = true WHERE id = $1", world.owner_id)
        things = await all_things(page, world)
        before = await stored(world)
        for method, path in ROUTES:
            if method != "GET" or (method, path) in WAYS_IN:
                continue
            answer = await page.get(path.format(**things))
            assert answer.status_code < 500, path
            kept = answer.headers["Cache-Control"]
            assert kept == "no-store" or kept.startswith("private,"), path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert await stored(world) == before, path


def test_what_is_left_out_of_the_walk_is_there() -> None:
    assert set(ROUTES) >= WAYS_IN | OF_ALL
    assert _NAMES >= WITHIN
