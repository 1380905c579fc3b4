"""A browser that meets the other of two API processes with each request: nothing is kept in one."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.integration.platform.refusing import environment
from tests.integration.web.composing import file, form, new_draft
from tests.integration.web.conftest import BASE_URL, COOKIE_DOMAIN
from tests.integration.web.test_once import new_sender
from tests.integration.web.test_signing_in_by_provider import answer_of, is_in
from tests.ports import free_port
from tests.providers import CLIENT_ID, CLIENT_SECRET, Provider
from tests.world import World

PATIENCE_SECONDS = 180  # the machine may have much else to do


class Alternating(httpx2.AsyncBaseTransport):
    """A proxy that sends each request to the next process."""

    def __init__(self, ports: list[int]) -> None:
        self._next = cycle(ports)
        self._inner = httpx2.AsyncHTTPTransport()
        self.went: dict[str, int] = {}  # by path, the last time

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        port = next(self._next)
        self.went[request.url.path] = port
        passed_on = httpx2.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1", port=port),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(passed_on)

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.fixture
def ports(
    database_url: str, redis_url: str, provider: Provider, tmp_path: Path
) -> Iterator[list[int]]:
    """Those of two processes, which share nothing but the servers and the secret key."""
    found, processes = [free_port(), free_port()], []
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BASE_URL": BASE_URL,
        "OIDC_ISSUER": provider.url,
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "ALLOW_PRIVATE_HOSTS": "yes",
    }
    for port in found:
        env = environment(tmp_path / str(port), PORT=str(port), **settings)
        command = [sys.executable, "-m", "paceline", "api"]
        with (tmp_path / f"{port}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
    yield found
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(PATIENCE_SECONDS)


@pytest.fixture
async def proxy(ports: list[int]) -> Alternating:
    async with httpx2.AsyncClient() as client, asyncio.timeout(PATIENCE_SECONDS):
        for port in ports:
            while True:
                with suppress(httpx2.TransportError):
                    await client.get(f"http://127.0.0.1:{port}/healthz")
                    break
                await asyncio.sleep(0.05)
    return Alternating(ports)


@pytest.fixture
async def page(proxy: Alternating) -> AsyncIterator[httpx2.AsyncClient]:
    """Nobody's browser yet."""
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(transport=proxy, base_url=BASE_URL, headers=headers) as client:
        yield client


async def test_signing_in_drafts_and_forms_need_no_process_twice(
    page: httpx2.AsyncClient, proxy: Alternating, world: World
) -> None:
    # What the provider was asked for by one process, the other one is answered.
    done = await page.get(await answer_of(page))
    assert done.status_code == 303, done.text
    assert proxy.went["/auth/start"] != proxy.went["/auth/callback"]
    assert [await is_in(page) for _ in range(2)] == [True, True]
    token = re.search(r'name="csrf-token" content="([^"]+)"', (await page.get("/account")).text)
    assert token
    page.headers["X-CSRF-Token"] = token[1]

    # A form that was shown by one is sent to both, and carried out once.
    fields = await new_sender(page)
    added = [await page.post("/senders", data=fields) for _ in range(2)]
    (sender,) = {urlsplit(answer.headers["location"]).path for answer in added}
    sender = sender.rpartition("/")[2]

    # A draft is written by one and reviewed by the other; both are told to schedule it.
    draft = new_draft(page)
    written = {**await form(world), "sender_id": sender}
    assert (await draft.save(written, file())).status_code == 303
    for _ in range(2):
        assert "Hello {{ name }}" in (await page.get(draft.path)).text
    sent = await draft.reviewed()
    both = await asyncio.gather(draft.schedule(sent), draft.schedule(sent))
    assert len({answer.headers["location"] for answer in both}) == 1
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 1

    # Signed out at one is signed out at both, for whoever has kept the cookie, too.
    kept = page.cookies["paceline-session"]
    assert (await page.post("/sign-out")).headers["location"] == "/login"
    page.cookies.set("paceline-session", kept, domain=COOKIE_DOMAIN)
    assert [await is_in(page) for _ in range(2)] == [False, False]
