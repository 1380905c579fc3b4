"""What is shown in a frame takes its turn like anything else, and says there what went wrong."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from paceline.limits import Buckets
from paceline.services.request_rates import RequestRates
from paceline.services.turnstile import Turnstile
from paceline.settings.shares import ShareSettings
from paceline.web import Parts
from tests.integration.web.composing import Draft, file, form, new_draft
from tests.integration.web.conftest import browser, sign_in, words
from tests.world import World

WRITTEN = {"subject": "Hi", "body": "Hello"}
A_MINUTE = 4  # requests


@pytest.fixture
async def counted(parts: Parts, redis_url: str, world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in where few requests may be made."""
    buckets = Buckets(redis_url)
    few = RequestRates(buckets, ShareSettings(requests_per_minute=A_MINUTE))
    async with browser(few_parts := replace(parts, rates=few)) as client:
        await sign_in(client, few_parts, world)
        yield client
    await buckets.close()


def in_a_frame(answer: httpx2.Response) -> str:
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert "sandbox" in policy
    return words(answer.text)


async def test_previews_count_and_too_many_are_told_in_their_frame(
    counted: httpx2.AsyncClient,
) -> None:
    answers = [await counted.post("/compose/preview", data=WRITTEN) for _ in range(2 * A_MINUTE)]
    assert answers[0].status_code == 200
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert f"at most {A_MINUTE} in a minute. Try again in" in in_a_frame(refused)
    assert int(refused.headers["Retry-After"]) > 0


async def test_a_preview_takes_its_owners_turn(parts: Parts, world: World) -> None:
    one = replace(parts, turnstile=Turnstile(most=1))
    async with browser(one) as page, one.turnstile.turn(world.owner_id):
        await sign_in(page, one, world)
        refused = await page.post("/compose/preview", data=WRITTEN)
    assert refused.status_code == 429
    assert "1 of your requests are at work already" in in_a_frame(refused)


async def test_a_form_that_is_sent_again_counts_each_time(
    page: httpx2.AsyncClient, counted: httpx2.AsyncClient, world: World
) -> None:
    draft: Draft = new_draft(page)
    assert (await draft.save(await form(world), file())).status_code == 303
    path, sent = f"{draft.path}/schedule", await draft.reviewed()
    again = [counted.post(path, data=sent) for _ in range(2 * A_MINUTE)]
    statuses = {answer.status_code for answer in await asyncio.gather(*again)}
    assert statuses == {303, 429}


async def test_whoever_was_signed_out_reads_so_in_the_frame(stranger: httpx2.AsyncClient) -> None:
    told = await stranger.post("/compose/preview", data=WRITTEN)
    assert told.status_code == 401
    assert "What you typed is kept." in in_a_frame(told)


@pytest.mark.parametrize(
    ("headers", "status", "told"),
    [
        ({"Content-Length": str(1 << 30)}, 413, "nothing was changed: send less."),
        ({"Content-Encoding": "gzip"}, 415, "without Content-Encoding"),
    ],
)
async def test_what_is_refused_before_its_route_is_told_in_the_frame_that_asked_for_it(
    headers: dict[str, str], status: int, told: str, page: httpx2.AsyncClient
) -> None:
    asked = {**headers, "Sec-Fetch-Dest": "iframe"}
    refused = await page.post("/compose/preview", content=b"body=x", headers=asked)
    assert refused.status_code == status
    assert told in in_a_frame(refused)
    elsewhere = await page.post("/compose/preview", content=b"body=x", headers=headers)
    assert "frame-ancestors 'none'" in elsewhere.headers["Content-Security-Policy"]


async def test_what_is_not_there_is_told_in_the_frame(admin_page: httpx2.AsyncClient) -> None:
    nowhere = uuid.uuid4()
    for path in (
        f"/compose/{nowhere}/message",
        f"/emails/{nowhere}/body",
        f"/inbox/{nowhere}/body",
    ):
        answer = await admin_page.get(path)
        assert answer.status_code == 404
        assert "There is nothing at this address" in in_a_frame(answer)
