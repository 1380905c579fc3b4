"""A process is killed while it holds an idempotency key: the key is free at once, on any host."""

from __future__ import annotations

import asyncio
import os
import signal

import httpx2
from sqlalchemy import text

from paceline.persistence.database import Database
from tests.api import api_process
from tests.integration.api.conftest import SENDER, Client
from tests.world import World


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
