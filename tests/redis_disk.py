"""A Redis that cannot keep what it holds, and so refuses writes, as on a full disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import redis.asyncio

from tests.faults.processes import until


@asynccontextmanager
async def refusing_writes(redis_url: str) -> AsyncIterator[None]:
    """With a folder where its file has to be, it fails to write that, and says MISCONF."""
    async with redis.asyncio.from_url(redis_url, decode_responses=True) as connection:
        folder = (await connection.config_get("dir"))["dir"]  # Redis 6 takes one name at a time
        in_the_way = Path(folder) / (await connection.config_get("dbfilename"))["dbfilename"]

        async def has_failed() -> bool:
            found = await connection.info("persistence")
            return bool(found["rdb_last_bgsave_status"] == "err")

        in_the_way.mkdir()
        try:
            await connection.config_set("save", "3600 1")
            await connection.bgsave()
            await until(has_failed, within=60, what="Redis to fail to save")
            yield
        finally:
            await connection.config_set("save", "")
            in_the_way.rmdir()
