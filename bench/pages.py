"""Pages and searches over a seeded database, through the real server, as a signed-in person.

`python -m bench.pages --home DIR` measures a home that `bench.seed` made. Each page is asked for a
few times first; then come the median and the 95th percentile on the wall, and the CPU time that
the API's and PostgreSQL's processes spent on one.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
import psutil

from bench.page_paths import paths_of
from bench.processes import cpu_seconds
from bench.servers import Servers, child_in
from paceline.auth.sessions import Sessions
from paceline.cli import ports
from paceline.embedded import Postgres, Redis, running
from paceline.home import Home
from paceline.persistence.database import Database
from paceline.persistence.migrate import upgrade
from paceline.web.access import cookie_name

WARM_UP = 3
REQUESTS = 20
READY_SECONDS = 30
# As many connections as tabs have; given up before the server gives up one that is not used (5 s).
LIMITS = httpx2.Limits(keepalive_expiry=3)


@dataclass(frozen=True)
class Timing:
    """One page: milliseconds each."""

    name: str
    walls: Sequence[float]
    api_cpu: float
    postgres_cpu: float
    rows: int

    @property
    def median(self) -> float:
        return statistics.median(self.walls)

    @property
    def p95(self) -> float:
        return sorted(self.walls)[max(0, round(len(self.walls) * 0.95) - 1)]


class Api:
    """`paceline api`, as users run it."""

    def __init__(self, servers: Servers, port: int) -> None:
        self.url = f"http://localhost:{port}"
        env = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "PORT": str(port),
            "BASE_URL": self.url,
            "PACELINE_SECRET_KEY": base64.b64encode(b"k" * 32).decode(),
            "PACELINE_LOG_LEVEL": "error",
        }
        self._process = subprocess.Popen([sys.executable, "-m", "paceline", "api"], env=env)
        self.info = psutil.Process(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


async def measured(
    servers: Servers, owner: uuid.UUID, *, requests: int = REQUESTS, only: str = ""
) -> list[Timing]:
    """Every page and search of this owner."""
    paths = await paths_of(servers.database_url, owner)
    async with signed_in(servers, owner) as (client, api):
        await _once(client, "/")
        return [
            await _timed(client, name, path, api, servers.postgres, requests)
            for name, path in paths.items()
            if only in name
        ]


@asynccontextmanager
async def signed_in(
    servers: Servers, owner: uuid.UUID
) -> AsyncIterator[tuple[httpx2.AsyncClient, psutil.Process]]:
    api = Api(servers, ports.free_port("127.0.0.1", preferred=3977))
    try:
        database = Database(servers.database_url)
        cookie, _ = await Sessions(database).start(owner)
        await database.close()
        headers = {"Cookie": f"{cookie_name(api.url)}={cookie}"}
        async with httpx2.AsyncClient(
            base_url=api.url, headers=headers, timeout=60, limits=LIMITS
        ) as client:
            await _until_ready(client)
            yield client, api.info
    finally:
        api.stop()


async def _until_ready(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                if (await client.get("/readyz")).status_code == httpx2.codes.OK:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)


async def _once(client: httpx2.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == httpx2.codes.OK, (path, answer.status_code)
    return answer.text


async def _timed(
    client: httpx2.AsyncClient,
    name: str,
    path: str,
    api: psutil.Process,
    postgres: psutil.Process,
    requests: int,
) -> Timing:
    for _ in range(min(WARM_UP, requests)):
        text = await _once(client, path)
    before = cpu_seconds(api), cpu_seconds(postgres)
    walls = []
    for _ in range(requests):
        begun = time.perf_counter()
        text = await _once(client, path)
        walls.append((time.perf_counter() - begun) * 1e3)
    return Timing(
        name,
        walls,
        (cpu_seconds(api) - before[0]) / requests * 1e3,
        (cpu_seconds(postgres) - before[1]) / requests * 1e3,
        text.count("<tr") - text.count("<thead"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="made by bench.seed, not in use")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--only", default="", help="those whose name contains this")
    given = parser.parse_args()
    with in_home(given.home) as servers:
        timings = asyncio.run(_of_local_owner(servers, given.requests, given.only))
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds: median, p95, CPU of API and PostgreSQL")
    for timing in timings:
        figures = (timing.median, timing.p95, timing.api_cpu, timing.postgres_cpu)
        print(f"{timing.name:<48}{''.join(f'{f:8.1f}' for f in figures)}{timing.rows:5} rows")


@contextmanager
def in_home(directory: Path) -> Iterator[Servers]:
    """A home's own servers, as long as nobody else uses it."""
    home = Home.at(directory, {})
    postgres, redis = Postgres(home.postgres), Redis(home.redis)
    with (
        home.lock(),
        running(postgres, log=home.logs / "postgres.log"),
        running(redis, log=home.logs / "redis.log"),
    ):
        upgrade(postgres.url)
        yield Servers(
            postgres.url, redis.url, child_in(postgres.directory), child_in(redis.directory)
        )


async def _of_local_owner(servers: Servers, requests: int, only: str) -> list[Timing]:
    owner = await local_owner(servers.database_url)
    return await measured(servers, owner, requests=requests, only=only)


async def local_owner(database_url: str) -> uuid.UUID:
    """The owner of a home."""
    driver = await asyncpg.connect(database_url)
    try:
        owner: uuid.UUID = await driver.fetchval(
            "SELECT id FROM users WHERE issuer = 'local' AND subject = 'owner'"
        )
    finally:
        await driver.close()
    return owner


if __name__ == "__main__":
    main()
