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
    MAX_KEPT_OCTETS,
    MAX_REQUEST_OCTETS,
    MAX_SIGN_IN_OCTETS,
    most_octets,
)
from paceline.web.form_reading import PIECE_OCTETS, read_form
from tests.integration.web.conftest import words

KIB, MIB = 1024, 1024 * 1024
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Sent:
    """A body of 50 MiB that knows how much of it was taken."""

    def __init__(self, octets: int = 50 * MIB) -> None:
        self.octets = octets
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.octets // KIB):
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


async def test_a_form_past_its_bound_shows_what_was_typed(page: httpx2.AsyncClient) -> None:
    typed = {"name": "The <b>news</b>", "note": "x" * MAX_FORM_OCTETS, "smtp_password": "hunter2"}
    csrf = page.headers.pop("X-CSRF-Token")  # as without JavaScript: the form brings it
    answer = await page.post("/senders", data={**typed, "csrf": csrf})
    assert answer.status_code == 413
    assert "The &lt;b&gt;news&lt;/b&gt;" in answer.text
    assert typed["note"] in answer.text
    assert "hunter2" not in answer.text
    assert "Send it again" not in answer.text  # it would be as large as before


async def test_a_form_of_another_page_past_its_bound_is_not_shown(
    page: httpx2.AsyncClient,
) -> None:
    del page.headers["X-CSRF-Token"]
    typed = {"name": "The news", "note": "x" * MAX_FORM_OCTETS, "csrf": "somebody's"}
    answer = await page.post("/senders", data=typed)
    assert answer.status_code == 413
    assert "The news" not in answer.text


async def test_nothing_past_a_bound_is_read_of_whoever_is_not_signed_in(
    stranger: httpx2.AsyncClient,
) -> None:
    sent = Sent(MIB)
    headers = {**FORM, "Content-Length": str(MIB)}
    assert (await stranger.post("/senders", content=sent, headers=headers)).status_code == 413
    assert sent.taken == 0


@pytest.mark.parametrize("declared", [MIB, 50 * MIB])
async def test_past_its_bound_no_more_of_a_form_is_read_than_is_shown(
    page: httpx2.AsyncClient, declared: int
) -> None:
    del page.headers["X-CSRF-Token"]
    sent = Sent()
    headers = {**FORM, "Content-Length": str(declared)}
    answer = await page.post("/senders", content=sent, headers=headers)
    assert answer.status_code == 413
    assert "256 KB" in answer.text
    assert sent.taken <= (MAX_KEPT_OCTETS + KIB if declared == MIB else 0)


async def test_a_form_of_very_many_fields_past_its_bound_is_too_large(
    page: httpx2.AsyncClient,
) -> None:
    del page.headers["X-CSRF-Token"]
    answer = await page.post("/senders", content=b"a&" * 200_000, headers=FORM)
    assert answer.status_code == 413
    assert "Too large" in words(answer.text)


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
