"""A process is killed while it holds an idempotency key: the key is free at once, on any host."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from sqlalchemy import text

from paceline.persistence.database import Database
from tests.integration.api.conftest import SENDER, Client
from tests.world import SECRET_KEY, World

START_TIMEOUT_SECONDS = 30


@asynccontextmanager
async def api_process(database_url: str, redis_url: str) -> AsyncIterator[tuple[int, str]]:
    """`paceline api` as in production; its id and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
        "ALLOW_PRIVATE_HOSTS": "yes",
        "PORT": str(port),
        "PACELINE_HOST": "127.0.0.1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "paceline", "api", env=env
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(START_TIMEOUT_SECONDS), httpx2.AsyncClient() as client:
            while not await _answers(client, f"{url}/healthz"):
                assert process.returncode is None, "the API did not start"
                await asyncio.sleep(0.05)
        yield process.pid, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx2.TransportError:
        return False


async def test_the_key_of_a_killed_process_is_free_at_once(
    ann: Client, world: World, database: Database, database_url: str, redis_url: str
) -> None:
    headers = {"Idempotency-Key": "k1"}
    async with api_process(database_url, redis_url) as (pid, url), httpx2.AsyncClient() as client:
        async with database.transaction() as session:
            await session.execute(text("LOCK TABLE senders"))
            request = client.post(
                f"{url}/api/v1/senders",
                json=SENDER,
                headers={**headers, "Authorization": f"Bearer {ann.key}"},
            )
            asked = asyncio.create_task(request)
            await world.until_blocked(1)
            taken = await ann.post("/senders", SENDER, headers=headers)
            assert (taken.status_code, taken.headers["Retry-After"]) == (409, "1")
            os.kill(pid, signal.SIGKILL)
            (lost,) = await asyncio.gather(asked, return_exceptions=True)
            assert isinstance(lost, httpx2.TransportError)
        again = await ann.post("/senders", SENDER, headers=headers)
        assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, False)
    assert await world.fetchval("SELECT count(*) FROM senders") == 1
