"""What open dashboards cost: many tabs that ask as a browser does, while nothing or much happens.

`python -m bench.tabs --home DIR` measures a home that `bench.seed` made. Each tab does exactly what
frontend/js/live.js does on the dashboard: its parts ask again and again, and say what they have.
"While emails are sent": this many a second go through what a worker writes; they are put back.
"Of as many owners": each tab is somebody else's, who has a campaign that waits; they are removed.
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
from paceline.auth.sessions import Sessions
from paceline.auth.users import Users
from paceline.persistence.database import Database
from paceline.web.access import cookie_name

TABS = 100
SECONDS = 20.0
OPENED_WITHIN = 20.0  # seconds, at most: nobody opens a hundred at once
SENT_A_SECOND = 20
_TURNS_A_SECOND = 5
# (address, seconds between two questions), as `templates/dashboard.html` says.
PARTS = (("/dashboard/now", 2.5), ("/dashboard/day", 30.0))
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
_OWN = """
    WITH sender AS (
        INSERT INTO senders (id, owner_id, name, from_address, smtp_host, smtp_port, smtp_security)
        VALUES (uuidv7(), $1, 'Own', 'own@example.com', '127.0.0.1', 1025, 'none') RETURNING id),
    lane AS (INSERT INTO lanes (sender_id) SELECT id FROM sender),
    campaign AS (
        INSERT INTO campaigns (id, owner_id, sender_id, name, subject, text_body, time_zone, state,
                               start_at, launched_at)
        SELECT uuidv7(), $1, id, 'Own', 'Hello', 'Hello', 'UTC', 'active',
               now() + interval '2 days', now() FROM sender
        RETURNING id, sender_id),
    email AS (
        INSERT INTO emails (id, owner_id, campaign_id, sender_id, address, address_key, message_id)
        SELECT uuidv7(), $1, c.id, c.sender_id, a, a, '<' || a || '>'
          FROM campaign c, generate_series(1, 20) n, concat('own', n, '@example.org') a
        RETURNING id, campaign_id, sender_id)
    INSERT INTO email_jobs (email_id, owner_id, campaign_id, sender_id, scheduled_at, due_at)
    SELECT id, $1, campaign_id, sender_id, t, t
      FROM email, (SELECT now() + interval '2 days' AS t) due
"""
_OF_OWNERS = (
    "DELETE FROM emails WHERE owner_id = ANY ($1)",
    "DELETE FROM campaigns WHERE owner_id = ANY ($1)",
    "DELETE FROM senders WHERE owner_id = ANY ($1)",
    "DELETE FROM sessions WHERE user_id = ANY ($1)",
    "DELETE FROM users WHERE id = ANY ($1)",
)
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

    def __init__(
        self, client: httpx2.AsyncClient, cookie: str | None = None, *, opened_within: float = 0.0
    ) -> None:
        """`cookie`: of another sign-in than the client's."""
        self._opened_within = opened_within
        self._client = client
        self._headers = FRAGMENT if cookie is None else FRAGMENT | {"Cookie": cookie}
        self.asked = 0
        self.not_modified = 0

    async def open(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as parts:
            for path, every in PARTS:
                parts.create_task(self._keep_asking(path, every))

    async def _keep_asking(self, path: str, every: float) -> None:
        await asyncio.sleep(random.random() * (self._opened_within or every))
        tag = '"none"'
        while True:
            begun = time.perf_counter()
            answer = await self._answer(path, self._headers | {"If-None-Match": tag})
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
    """All tabs of one sign-in: while nothing happens, then while emails are sent; then each of
    somebody else."""
    found = []
    driver = await asyncpg.connect(servers.database_url)
    try:
        async with signed_in(servers, owner) as (client, api):
            for name, meanwhile in (("nothing happens", _nothing), ("emails are sent", _sending)):
                async with meanwhile(driver, owner):
                    opened = [Tab(client) for _ in range(tabs)]
                    found.append(await _cost(name, servers, api, opened, seconds))
            name = cookie_name(str(client.base_url))
            async with _owners(driver, servers, tabs, name) as cookies:
                opened = [
                    Tab(client, cookie, opened_within=_opening(seconds)) for cookie in cookies
                ]
                found.append(await _cost("of as many owners", servers, api, opened, seconds))
    finally:
        await driver.close()
    return found


async def _cost(
    name: str,
    servers: Servers,
    api: psutil.Process,
    tabs: Sequence[Tab],
    seconds: float,
) -> Cost:
    """Without what PostgreSQL does for others."""
    others = Shares(servers.postgres)
    await asyncio.sleep(seconds / 4)
    (not_theirs,) = others.percent()
    running = [asyncio.create_task(tab.open()) for tab in tabs]
    try:
        await _while_they_run(running, _opening(seconds))
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
        f"{len(tabs)} tabs, {name}",
        api_percent,
        max(0.0, postgres_percent - not_theirs),
        asked / took,
        not_modified / max(1, asked),
    )


def _opening(seconds: float) -> float:
    """How long they take to be opened, where they are measured for so long."""
    return min(OPENED_WITHIN, seconds)


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


@asynccontextmanager
async def _owners(
    driver: asyncpg.Connection[asyncpg.Record], servers: Servers, count: int, name: str
) -> AsyncIterator[list[str]]:
    """So many people who are signed in, by cookies of this name; removed at the end."""
    database = Database(servers.database_url)
    made: list[uuid.UUID] = []
    try:
        for number in range(count):
            made.append((await Users(database).added(f"tab{number}@example.com")).user_id)
            await driver.execute(_OWN, made[-1])
        sessions = Sessions(database)
        yield [f"{name}={(await sessions.start(each))[0]}" for each in made]
    finally:
        for statement in _OF_OWNERS:
            await driver.execute(statement, made)
        await database.close()


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
