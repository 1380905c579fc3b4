"""A process that is asked to stop lets what is under way end, or says when to come back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from paceline.bootstrap.local import create_api_key
from tests.integration.platform.refusing import KEY, PATIENCE_SECONDS
from tests.ports import free_port
from tests.world import settings_for

HALF = b"email,name\n" + b"ada@example.com,Ada\n" * 10
REST = b"grace@example.com,Grace\n"


@asynccontextmanager
async def api(
    database_url: str, redis_url: str, home: Path, *, grace: int
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """`paceline api`, once it is ready, and its port."""
    port = free_port()
    with (home / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "paceline", "api", "--port", str(port)),
            env={
                **os.environ,
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "PACELINE_HOME": str(home),
                "PACELINE_ENV_FILE": "",
                "PACELINE_SECRET_KEY": KEY,
                "PACELINE_STOP_SECONDS": str(grace),
            },
            stderr=log,
        )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await asyncio.to_thread(is_ready, port):
                assert process.returncode is None, (home / "log").read_text()
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def begin(port: int, key: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An upload of which one half is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /api/v1/recipients/preview HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
        % (key.encode(), len(HALF + REST))
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")  # it is read now
    writer.write(HALF)
    await writer.drain()
    return reader, writer


async def stop(process: asyncio.subprocess.Process, port: int) -> None:
    """Returns when it takes no more connections."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            writer.close()


@pytest.fixture
async def key(database_url: str, redis_url: str) -> str:
    return await create_api_key(settings_for(database_url, redis_url), None)


async def test_an_upload_that_is_under_way_ends_within_the_time_that_is_set(
    key: str, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with api(database_url, redis_url, tmp_path, grace=60) as (process, port):
        reader, writer = await begin(port, key)
        await stop(process, port)
        writer.write(REST)
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert await process.wait() == 0


async def test_an_upload_that_takes_longer_is_told_when_to_come_back(
    key: str, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with api(database_url, redis_url, tmp_path, grace=1) as (process, port):
        reader, writer = await begin(port, key)
        await stop(process, port)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503"), head
        assert b"retry-after: 2\r\n" in head.lower()
        assert b"being stopped or restarted" in await reader.read()
        writer.close()
        assert await process.wait() == 0
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    assert "told to come back" in said
