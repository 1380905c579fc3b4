"""How often an owner, a key and an address may ask: told on every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from paceline.api import ApiParts
from paceline.limits import Buckets
from paceline.services.request_rates import RequestRates
from paceline.settings.shares import ShareSettings
from tests.api import http_to
from tests.integration.api.conftest import Client


@pytest.fixture
async def http(parts: ApiParts, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    buckets = Buckets(redis_url)
    rates = RequestRates(buckets, ShareSettings(requests_per_minute=8, strangers_per_minute=2))
    async with http_to(replace(parts, rates=rates)) as client:
        yield client
    await buckets.close()


async def test_each_answer_says_what_is_left_and_too_many_are_refused(
    ann: Client, bob: Client
) -> None:
    first = await ann.get("/senders")
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("4", "3")
    assert 1 <= int(first.headers["RateLimit-Reset"]) <= 16
    wrong = await ann.post("/senders", {})
    assert (wrong.status_code, wrong.headers["RateLimit-Limit"]) == (422, "4")
    answers = [await ann.get("/senders") for _ in range(12)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 15
    assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Remaining"]) == (
        "4",
        "0",
    )
    assert "at most 4 in a minute" in refused.json()["detail"]
    assert (await bob.get("/senders")).status_code == 200


async def test_who_tries_keys_has_to_wait_and_who_has_one_does_not(
    ann: Client, http: httpx2.AsyncClient
) -> None:
    assert (await ann.get("/senders")).status_code == 200
    guess = {"Authorization": "Bearer pl_guess"}
    answers = [await http.get("/api/v1/senders", headers=guess) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    assert (await ann.get("/senders")).status_code == 200
