"""The servers that the other tests stand on."""

from __future__ import annotations

import asyncpg
import redis.asyncio


async def test_each_test_gets_a_migrated_database_of_its_own(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM users") == 0
    finally:
        await connection.close()


async def test_redis_is_empty_and_set_up_for_bullmq(redis_url: str) -> None:
    async with redis.asyncio.from_url(redis_url, decode_responses=True) as connection:
        assert await connection.dbsize() == 0
        found = await connection.config_get("*")
    wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes", "hz": "100", "save": ""}
    assert {name: found[name] for name in wanted} == wanted
