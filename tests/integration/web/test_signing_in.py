"""Signing in by a one-time link, staying in, and getting out."""

from __future__ import annotations

from dataclasses import replace

import httpx2

from paceline.limits import Buckets
from paceline.services.request_rates import RequestRates
from paceline.settings.shares import ShareSettings
from paceline.web import Parts
from paceline.web.access import cookie_name
from tests.integration.web.conftest import COOKIE_DOMAIN, FRAGMENT, browser, words
from tests.world import World


async def token_of(parts: Parts, world: World) -> str:
    return await parts.links.mint(world.owner_id)


async def test_a_stranger_is_sent_to_sign_in_with_the_way_back(
    stranger: httpx2.AsyncClient,
) -> None:
    response = await stranger.get("/campaigns?cursor=x")
    assert response.status_code == 303
    assert response.headers["Location"] == "/login?next=/campaigns%3Fcursor%3Dx"


async def test_the_sign_in_page_says_how_to_get_a_link(stranger: httpx2.AsyncClient) -> None:
    response = await stranger.get("/login")
    assert response.status_code == 200
    assert "paceline sign-in-link" in response.text


async def test_looking_at_a_link_does_not_use_it_up(
    stranger: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    token = await token_of(parts, world)
    for _ in range(2):
        response = await stranger.get("/auth/link", params={"token": token})
        assert "Continue" in response.text
        assert "set-cookie" not in response.headers
    assert (await stranger.post("/auth/link", data={"token": token})).status_code == 303


async def test_a_link_signs_in_once(
    stranger: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    token = await token_of(parts, world)
    response = await stranger.post("/auth/link", data={"token": token})
    assert response.headers["Location"] == "/"
    assert (await stranger.get("/")).status_code == 200
    async with browser(parts) as another:
        again = await another.post("/auth/link", data={"token": token})
        assert again.status_code == 410
        assert "paceline sign-in-link" in again.text
        assert (await another.get("/")).status_code == 303


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    stranger: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    response = await stranger.post("/auth/link", data={"token": await token_of(parts, world)})
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("paceline-session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


async def test_over_https_the_cookie_is_tied_to_the_host(parts: Parts, world: World) -> None:
    async with browser(replace(parts, base_url="https://mail.example.com")) as visitor:
        token = await token_of(parts, world)
        response = await visitor.post("/auth/link", data={"token": token})
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith("__Host-paceline-session=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert "max-age=31536000" in response.headers["Strict-Transport-Security"]


async def test_a_session_that_was_planted_before_is_worth_nothing_after(
    page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    planted = page.cookies["paceline-session"]
    await page.post("/auth/link", data={"token": await token_of(parts, world)})
    assert page.cookies["paceline-session"] != planted
    assert await parts.sessions.resolve(planted) is None


async def test_whoever_is_signed_in_goes_on_from_the_sign_in_page(page: httpx2.AsyncClient) -> None:
    response = await page.get("/login", params={"next": "/senders"})
    assert response.headers["Location"] == "/senders"
    response = await page.get("/login", params={"next": "https://evil.test/"})
    assert response.headers["Location"] == "/"


async def test_signing_out_ends_the_session_for_good(
    page: httpx2.AsyncClient, parts: Parts
) -> None:
    cookie = page.cookies["paceline-session"]
    response = await page.post("/sign-out")
    assert response.headers["Location"] == "/login"
    assert "cache" in response.headers["Clear-Site-Data"]
    assert "paceline-session" not in page.cookies
    assert await parts.sessions.resolve(cookie) is None


async def test_a_fragment_for_somebody_signed_out_meanwhile_leads_to_the_sign_in_page(
    stranger: httpx2.AsyncClient,
) -> None:
    headers = {**FRAGMENT, "HX-Current-URL": "http://localhost:3001/campaigns?cursor=x"}
    response = await stranger.get("/campaigns", headers=headers)
    assert response.headers["HX-Redirect"] == "/login?next=/campaigns%3Fcursor%3Dx"
    assert response.text == ""


async def test_a_write_from_elsewhere_is_refused(page: httpx2.AsyncClient) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"X-CSRF-Token": "guessed"},
    ):
        response = await page.post("/sign-out", headers=headers)
        assert response.status_code == 403
        assert "text/html" in response.headers["Content-Type"]
    assert (await page.get("/")).status_code == 200


async def test_a_write_without_a_token_is_refused(page: httpx2.AsyncClient) -> None:
    del page.headers["X-CSRF-Token"]
    assert (await page.post("/sign-out")).status_code == 403


async def test_the_token_may_also_come_from_the_forms_own_field(page: httpx2.AsyncClient) -> None:
    token = page.headers.pop("X-CSRF-Token")
    assert (await page.post("/sign-out", data={"csrf": token})).status_code == 303


async def test_an_older_browser_is_judged_by_the_origin(page: httpx2.AsyncClient) -> None:
    del page.headers["Sec-Fetch-Site"]
    assert (await page.post("/sign-out")).status_code == 403
    response = await page.post("/sign-out", headers={"Origin": "http://evil.test"})
    assert response.status_code == 403
    response = await page.post("/sign-out", headers={"Origin": "http://localhost:3001"})
    assert response.status_code == 303


async def test_a_link_cannot_be_used_up_from_another_site(
    stranger: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    token = await token_of(parts, world)
    response = await stranger.post(
        "/auth/link", data={"token": token}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
    assert await parts.links.consume(token) == world.owner_id


async def test_an_address_that_tries_many_links_has_to_wait(parts: Parts, redis_url: str) -> None:
    buckets = Buckets(redis_url)
    rates = RequestRates(buckets, ShareSettings(requests_per_minute=1_000, strangers_per_minute=3))
    async with browser(replace(parts, rates=rates)) as client:
        answers = [await client.post("/auth/link", data={"token": "no"}) for _ in range(4)]
    await buckets.close()
    assert [answer.status_code for answer in answers] == [410, 410, 410, 429]
    assert "Try again in" in words(answers[-1].text)
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20


async def test_whoever_has_a_good_link_comes_in_from_an_address_that_has_to_wait(
    parts: Parts, world: World, redis_url: str
) -> None:
    buckets = Buckets(redis_url)
    rates = RequestRates(buckets, ShareSettings(requests_per_minute=1_000, strangers_per_minute=1))
    async with browser(replace(parts, rates=rates)) as client:
        bad = [await client.post("/auth/link", data={"token": "no"}) for _ in range(4)]
        token = await token_of(parts, world)
        client.cookies.set(cookie_name(parts.base_url), "old", domain=COOKIE_DOMAIN)
        assert (await client.get("/")).status_code == 429
        assert (await client.get("/login")).status_code == 200
        good = await client.post("/auth/link", data={"token": token})
    await buckets.close()
    assert bad[-1].status_code == 429
    assert (good.status_code, good.headers["Location"]) == (303, "/")
