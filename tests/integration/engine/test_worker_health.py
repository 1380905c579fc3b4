"""A worker says by itself whether it lives, and whether what it stands on answers."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paceline.bootstrap.worker_health import health_check
from paceline.errors import Conflict
from paceline.settings import Settings
from tests.ports import free_port
from tests.world import settings_for


def with_port(settings: Settings) -> tuple[Settings, int]:
    port = free_port()
    return replace(settings, worker=replace(settings.worker, health_port=port)), port


async def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: worker\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def test_a_worker_that_lives_and_can_work_says_both(settings: Settings) -> None:
    settings, port = with_port(settings)
    async with health_check(settings):
        assert await ask(port, "/healthz") == (200, {"status": "ok"})
        status, said = await ask(port, "/readyz")
        assert (status, said["checks"]) == (200, {"postgresql": "ok", "redis": "ok"})
        assert (await ask(port, "/elsewhere"))[0] == 404


async def test_a_worker_without_its_servers_lives_and_is_not_ready(settings: Settings) -> None:
    nowhere = settings_for("postgresql://ada@127.0.0.1:1/mail", "redis://127.0.0.1:1/0")
    nowhere, port = with_port(nowhere)
    async with health_check(nowhere):
        assert (await ask(port, "/healthz"))[0] == 200
        status, said = await ask(port, "/readyz")
    assert status == 503
    assert set(said["checks"]) == {"postgresql", "redis"}
    assert "127.0.0.1" not in json.dumps(said)


async def read(port: int, headers: str = "Host: localhost") -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /metrics HTTP/1.1\r\n{headers}\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split()[1]), answer


async def test_a_worker_tells_its_figures_to_this_machine_alone(settings: Settings) -> None:
    settings, port = with_port(settings)
    async with health_check(settings):
        status, told = await read(port)
        assert status == 200
        assert "paceline_lateness_seconds_count 0.0" in told
        assert 'paceline_server_up{server="redis"} 1.0' in told
        assert (await read(port, "Host: elsewhere.example"))[0] == 404
        assert (await read(port, "Accept: */*"))[0] == 404


async def test_a_worker_with_a_token_tells_its_figures_to_whoever_brings_it(
    settings: Settings,
) -> None:
    settings, port = with_port(settings)
    settings = replace(settings, api=replace(settings.api, metrics_token="t" * 16))
    async with health_check(settings):
        assert (await read(port))[0] == 401
        assert (await read(port, f"authorization: Bearer {'t' * 16}"))[0] == 200


async def test_a_port_that_is_taken_is_told_by_the_name_of_its_setting(settings: Settings) -> None:
    settings, _ = with_port(settings)
    async with health_check(settings):
        with pytest.raises(Conflict, match="PACELINE_HEALTH_PORT: cannot listen on"):
            async with health_check(settings):
                pass


async def test_what_is_no_request_is_hung_up_on(settings: Settings) -> None:
    settings, port = with_port(settings)
    async with health_check(settings):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):  # it may hang up before it was told everything
            writer.write(b"x" * 100_000)
            assert await reader.read() == b""
        writer.close()
        assert (await ask(port, "/healthz"))[0] == 200


async def test_a_worker_that_waits_for_its_database_says_that_it_lives(tmp_path: Path) -> None:
    settings, port = with_port(settings_for("", ""))
    env = {
        "DATABASE_URL": "postgresql://ada@127.0.0.1:1/mail",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PACELINE_SECRET_KEY": base64.b64encode(settings.secrets.key).decode(),
        "PACELINE_HOME": str(tmp_path),
        "PACELINE_HEALTH_PORT": str(port),
        "PACELINE_ENV_FILE": "",
    }
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "paceline", "worker"),
        env={**os.environ, **env},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert worker.stderr is not None
        while b"health checks are answered" not in (line := await worker.stderr.readline()):
            assert line, "it ended"
        assert (await ask(port, "/healthz"))[0] == 200
        assert (await ask(port, "/readyz"))[0] == 503
        worker.terminate()
        _, said = await worker.communicate()
        assert worker.returncode == 0
        assert b"Traceback" not in said
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
