"""What nobody expected is told in JSON where the log is JSON, without what it happened to."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.platform import crashing
from tests.integration.platform.refusing import environment
from tests.integration.platform.test_stopping import is_ready
from tests.ports import free_port

PATIENCE_SECONDS = 60
PARTS = ("api", "worker", "migrate")


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    made = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PORT": str(free_port())}
    return environment(tmp_path, **made)


async def start(place: str, part: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, crashing.__file__, place, part),
        env={"PYTHONPATH": str(Path.cwd()), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def ended(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """What it said until its end, each line as one object."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert crashing.SECRET.encode() not in said
    return [json.loads(line) for line in said.splitlines()]


def tracebacks(lines: list[dict[str, Any]]) -> list[str]:
    return [line["message"] for line in lines if "Traceback" in line.get("exception", "")]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("place", "why"),
    [("import", "ModuleNotFoundError"), ("settings", "Crash: no way to postgresql://ada:***@db")],
)
async def test_a_crash_at_the_start_is_lines_of_json(
    place: str, why: str, part: str, settings: dict[str, str]
) -> None:
    process = await start(place, part, settings)
    lines = await ended(process)
    assert process.returncode == 1
    assert lines[-1]["component"] == part
    assert lines[-1]["level"] == "critical"
    assert why in lines[-1]["exception"]


async def test_a_crash_in_words_is_a_traceback_without_a_secret(settings: dict[str, str]) -> None:
    process = await start("settings", "api", {**settings, "PACELINE_LOG": "text"})
    said, _ = await process.communicate()
    assert process.returncode == 1
    assert b"Traceback" in said
    assert b"Crash: no way to postgresql://ada:***@db" in said
    assert crashing.SECRET.encode() not in said


@pytest.mark.parametrize("part", PARTS)
async def test_a_crash_at_work_is_lines_of_json_in_a_thread_and_a_task_too(
    part: str, settings: dict[str, str]
) -> None:
    process = await start("running", part, settings)
    told = tracebacks(await ended(process))
    assert process.returncode == 1
    assert told[:2] == [
        "a thread ended by what nobody expected",
        "an error that nobody could be told",
    ]
    assert told[2].startswith("unreadable: a line of")
    if part != "migrate":
        assert told[3].startswith("Task exception was never retrieved")
    assert told[-1] == "ended by what nobody expected"


async def test_a_request_that_meets_it_is_answered_and_told_with_its_number(
    settings: dict[str, str],
) -> None:
    port = int(settings["PORT"])
    process = await start("request", "api", settings)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await asyncio.to_thread(is_ready, port):
                assert process.returncode is None
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            answer = await http.post(
                f"/sign-out?token={crashing.SECRET}", content=f"x={crashing.SECRET}"
            )
    finally:
        process.terminate()
        lines = await ended(process)
    assert answer.status_code == 500
    assert crashing.SECRET not in answer.text
    [told] = [line for line in lines if "Traceback" in line.get("exception", "")]
    assert told["request_id"] == answer.headers["X-Request-Id"]
