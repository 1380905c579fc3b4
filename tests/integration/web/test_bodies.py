"""How much of a form is read, and of whose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote_plus, urlencode

import httpx2
import pytest
from starlette.requests import Request
from starlette.types import Message

from paceline.services.turnstile import MAX_REQUESTS
from paceline.web.bodies import (
    MAX_FORM_OCTETS,
    MAX_REQUEST_OCTETS,
    MAX_SIGN_IN_OCTETS,
    most_octets,
)
from paceline.web.form_reading import PIECE_OCTETS, read_form

KIB, MIB = 1024, 1024 * 1024
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Sent:
    """A body of 50 MiB that knows how much of it was taken."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(50 * KIB):
            self.taken += KIB
            yield b"%41" * 341 + b"="


@pytest.mark.parametrize("path", ["/auth/link", "/auth/link?token=x", "/sign-out"])
async def test_a_sign_in_reads_no_more_than_a_token_takes(
    stranger: httpx2.AsyncClient, path: str
) -> None:
    sent = Sent()
    answer = await stranger.post(path, content=sent, headers=FORM)
    assert answer.status_code in (413, 303)
    assert sent.taken <= MAX_SIGN_IN_OCTETS + KIB


@pytest.mark.parametrize(
    "path", ["/compose/x/autosave", "/senders", "/suppressions", "/emails/bulk"]
)
async def test_nothing_is_read_of_whoever_is_not_signed_in(
    stranger: httpx2.AsyncClient, path: str
) -> None:
    sent = Sent()
    answer = await stranger.post(path, content=sent, headers=FORM)
    assert answer.headers["Location"].startswith("/login")
    assert sent.taken <= KIB


async def test_a_form_that_is_filled_in_by_hand_has_a_bound_of_its_own(
    page: httpx2.AsyncClient,
) -> None:
    sent = Sent()
    answer = await page.post("/senders", content=sent, headers=FORM)
    assert answer.status_code == 413
    assert "256 KB" in answer.text
    assert sent.taken <= MAX_FORM_OCTETS + KIB


@pytest.mark.parametrize(
    "path",
    [
        "/compose/x",
        "/compose/preview",
        "/campaigns/x/edit",
        "/campaigns/x/change",
        "/emails/x/edit",
    ],
)
def test_what_takes_a_message_has_room_for_the_largest_one(path: str) -> None:
    assert most_octets(path) == MAX_REQUEST_OCTETS


async def test_a_form_of_very_many_fields_is_refused(page: httpx2.AsyncClient) -> None:
    answer = await page.post("/senders", content=b"a&" * 100_000, headers=FORM)
    assert answer.status_code == 422
    assert "2,000 fields" in answer.text


@pytest.mark.parametrize("shift", range(4))
async def test_long_fields_are_decoded_as_they_were_meant(shift: int) -> None:
    value = "x" * shift + "a b+c&d=é%41%" * (PIECE_OCTETS // 8)
    body = urlencode([("html", value), ("empty", ""), ("html", "2")]) + f"&x={quote_plus('ü')}"

    async def receive() -> Message:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    headers = [(b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")]
    form = await read_form(Request({"type": "http", "headers": headers}, receive))
    assert form.multi_items() == [("html", value), ("empty", ""), ("html", "2"), ("x", "ü")]


async def test_forms_that_are_still_arriving_keep_no_page_of_their_sender_waiting(
    page: httpx2.AsyncClient,
) -> None:
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"name="
        begun.release()
        await go_on.wait()
        yield b"News"

    sending = [
        asyncio.create_task(page.post("/settings", content=slow(), headers=FORM))
        for _ in range(MAX_REQUESTS)
    ]
    for _ in sending:
        await begun.acquire()
    async with asyncio.timeout(60):
        assert (await page.get("/campaigns")).status_code == 200
    go_on.set()
    assert all(answer.status_code < 500 for answer in await asyncio.gather(*sending))
