"""What open dashboards cost: many tabs that ask as a browser does, while nothing or much happens.

`python -m bench.tabs --home DIR` measures a home that `bench.seed` made. Each tab does exactly what
frontend/js/live.js does on the dashboard: its parts ask again and again, and say what they have.
"While emails are sent": this many a second go through what a worker writes; they are put back.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
import psutil

from bench.pages import in_home, local_owner, signed_in
from bench.processes import cpu_seconds
from bench.servers import Servers

TABS = 100
SECONDS = 20.0
SENT_A_SECOND = 20
_TURNS_A_SECOND = 5
# (address, seconds between two questions), as `templates/dashboard.html` says.
PARTS = (("/dashboard/now", 2.0), ("/dashboard/day", 30.0))
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept-Encoding": "gzip"}

_CLAIM = """
    UPDATE email_jobs SET state = 'claimed', attempt = attempt + 1, updated_at = now(),
                          lease_until = now() + interval '1 minute'
     WHERE email_id IN (
           SELECT email_id FROM email_jobs
            WHERE owner_id = $1 AND state = 'scheduled' AND campaign_id IN (
                  SELECT id FROM campaigns WHERE owner_id = $1 AND state = 'active')
            ORDER BY due_at, email_id LIMIT $2)
    RETURNING email_id
"""
_RECORD = """
    UPDATE email_jobs SET state = 'sent', sent_at = now(), updated_at = now(), lease_until = NULL
     WHERE email_id = ANY ($1)
"""
_PUT_BACK = """
    UPDATE email_jobs SET state = 'scheduled', sent_at = NULL, lease_until = NULL,
                          attempt = attempt - 1
     WHERE email_id = ANY ($1)
"""


@dataclass(frozen=True)
class Cost:
    """Of all tabs together: shares of one core in percent, and what was asked and answered."""

    name: str
    api_percent: float
    postgres_percent: float
    asked_a_second: float
    not_modified: float


class Tab:
    """One page that is open and visible."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.asked = 0
        self.not_modified = 0

    async def open(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as parts:
            for path, every in PARTS:
                parts.create_task(self._keep_asking(path, every))

    async def _keep_asking(self, path: str, every: float) -> None:
        await asyncio.sleep(random.random() * every)
        tag = '"none"'
        while True:
            begun = time.perf_counter()
            answer = await self._answer(path, FRAGMENT | {"If-None-Match": tag})
            assert answer.status_code in (httpx2.codes.OK, httpx2.codes.NOT_MODIFIED), answer
            self.asked += 1
            self.not_modified += answer.status_code == httpx2.codes.NOT_MODIFIED
            tag = answer.headers.get("ETag", tag)
            await asyncio.sleep(max(0.0, every - (time.perf_counter() - begun)))

    async def _answer(self, path: str, headers: dict[str, str]) -> httpx2.Response:
        try:
            return await self._client.get(path, headers=headers)
        except httpx2.RemoteProtocolError:  # the connection was just given up; browsers do the same
            return await self._client.get(path, headers=headers)


async def measured(
    servers: Servers, owner: uuid.UUID, *, tabs: int = TABS, seconds: float = SECONDS
) -> list[Cost]:
    """All tabs of one sign-in: while nothing happens, then while emails are sent."""
    found = []
    driver = await asyncpg.connect(servers.database_url)
    try:
        async with signed_in(servers, owner) as (client, api):
            for name, meanwhile in (("nothing happens", _nothing), ("emails are sent", _sending)):
                async with meanwhile(driver, owner):
                    found.append(await _cost(name, servers, api, client, tabs, seconds))
    finally:
        await driver.close()
    return found


async def _cost(
    name: str,
    servers: Servers,
    api: psutil.Process,
    client: httpx2.AsyncClient,
    count: int,
    seconds: float,
) -> Cost:
    """Without what PostgreSQL does for others."""
    others = Shares(servers.postgres)
    await asyncio.sleep(seconds / 4)
    (not_theirs,) = others.percent()
    tabs = [Tab(client) for _ in range(count)]
    running = [asyncio.create_task(tab.open()) for tab in tabs]
    try:
        await _while_they_run(running, seconds / 5)
        begun, asked, not_modified = time.perf_counter(), *_sums(tabs)
        shares = Shares(api, servers.postgres)
        await _while_they_run(running, seconds)
        api_percent, postgres_percent = shares.percent()
        took = time.perf_counter() - begun
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    asked, not_modified = (
        now - then for now, then in zip(_sums(tabs), (asked, not_modified), strict=True)
    )
    return Cost(
        f"{count} tabs, {name}",
        api_percent,
        max(0.0, postgres_percent - not_theirs),
        asked / took,
        not_modified / max(1, asked),
    )


async def _while_they_run(running: Sequence[asyncio.Task[None]], seconds: float) -> None:
    done, _ = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for failed in done:
        failed.result()


class Shares:
    """What processes take of one core, between `__init__` and `percent`."""

    def __init__(self, *processes: psutil.Process) -> None:
        self._processes = processes
        self._begun = time.perf_counter()
        self._before = [cpu_seconds(process) for process in processes]

    def percent(self) -> list[float]:
        """Of each."""
        took = time.perf_counter() - self._begun
        spent = zip(self._processes, self._before, strict=True)
        return [(cpu_seconds(process) - before) / took * 100 for process, before in spent]


def _sums(tabs: Sequence[Tab]) -> tuple[int, int]:
    return sum(tab.asked for tab in tabs), sum(tab.not_modified for tab in tabs)


@asynccontextmanager
async def _nothing(_driver: object, _owner: uuid.UUID) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _sending(
    driver: asyncpg.Connection[asyncpg.Record], owner: uuid.UUID
) -> AsyncIterator[None]:
    """What a worker writes about emails of active campaigns; undone at the end."""
    sent: list[uuid.UUID] = []

    async def send() -> None:
        while True:
            rows = await driver.fetch(_CLAIM, owner, SENT_A_SECOND // _TURNS_A_SECOND)
            sent.extend(row["email_id"] for row in rows)
            await asyncio.sleep(0.5 / _TURNS_A_SECOND)
            await driver.execute(_RECORD, [row["email_id"] for row in rows])
            await asyncio.sleep(0.5 / _TURNS_A_SECOND)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.execute(_PUT_BACK, sent)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.tabs", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="made by bench.seed, not in use")
    parser.add_argument("--tabs", type=int, default=TABS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    with in_home(given.home) as servers:
        costs = asyncio.run(_of_local_owner(servers, given.tabs, given.seconds))
    print(f"load {os.getloadavg()[0]:.1f}; percent of a core: API, PostgreSQL; questions a second")
    for cost in costs:
        figures = (cost.api_percent, cost.postgres_percent, cost.asked_a_second)
        shown = "".join(f"{figure:8.1f}" for figure in figures)
        print(f"{cost.name:<48}{shown}{cost.not_modified:8.0%} unchanged")


async def _of_local_owner(servers: Servers, tabs: int, seconds: float) -> list[Cost]:
    owner = await local_owner(servers.database_url)
    return await measured(servers, owner, tabs=tabs, seconds=seconds)


if __name__ == "__main__":
    main()
