"""`paceline migrate` says what it will do, what it did, and for whom it waits."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from paceline.persistence.condition import revisions
from paceline.persistence.migrate import NAME, upgrade
from tests.integration.platform.refusing import paceline

HEAD = revisions()[1]
AT = "SELECT version_num FROM alembic_version"
LOCK = 0x70616365
WAITS = f"""
    SELECT EXISTS (SELECT FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name LIKE '{NAME}%'
                      AND wait_event_type = 'Lock' AND wait_event = 'advisory')
"""

Command = Callable[..., Awaitable[tuple[int, list[str]]]]


@pytest.fixture
def migrate(empty_database_url: str, tmp_path: Path) -> Command:
    async def run(*options: str) -> tuple[int, list[str]]:
        code, said = await paceline(
            *("migrate", *options),
            home=tmp_path,
            DATABASE_URL=empty_database_url,
            PACELINE_LOG="text",
        )
        # The tests' server never waits for its disk.
        return code, [line for line in said if "fsync is off" not in line]

    return run


async def at(url: str) -> str | None:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(AT)
    finally:
        await connection.close()


async def test_the_plan_says_what_each_step_does_to_tables_in_use_and_changes_nothing(
    migrate: Command, empty_database_url: str
) -> None:
    await asyncio.to_thread(upgrade, empty_database_url, revision="0025")
    code, said = await migrate("--plan")
    assert code == 0
    assert re.fullmatch(rf"the schema is at 0025: \d+ migrations to come, to {HEAD}", said[0])
    assert said[1:9] == [
        "0027  What was done to one campaign, for the stories of its emails: found by what an act "
        "is about",
        "      audit_log: all its rows are read; nobody writes it meanwhile (SHARE lock)",
        "      older code goes on beside it",
        "0028  Tell a test of a message from a campaign: it is in no list of campaigns, and in no "
        "count of them",
        "      campaigns: some of its rows are written; nobody reads or writes it meanwhile "
        "(ACCESS EXCLUSIVE lock)",
        "      older code goes on beside it",
        "0029  How far this database has come, so that one that has gone back is known for it",
        "      nobody waits: it makes only what is new",
    ]
    assert await at(empty_database_url) == "0025"


async def test_the_plan_warns_of_what_older_code_cannot_go_on_beside(
    migrate: Command, empty_database_url: str
) -> None:
    await asyncio.to_thread(upgrade, empty_database_url, revision="0015")
    _, said = await migrate("--plan")
    assert "      stop older code first: it takes away emails.subject_values" in said
    _, [line] = await migrate("--plan", "--json")
    plan = json.loads(line)
    first = plan["migrations"][0]
    assert (plan["at"], plan["to"], first["number"]) == ("0015", HEAD, "0016")
    assert first["locks"]["emails"] == "ACCESS EXCLUSIVE"
    assert first["reads"] == ["email_jobs"]
    assert first["older_code_goes_on"] is False
    assert plan["migrations"][-1]["older_code_goes_on"] is True


async def test_it_says_what_it_did_and_then_that_nothing_is_to_do(
    migrate: Command, empty_database_url: str
) -> None:
    _, said = await migrate("--plan")
    assert said[0].startswith("there is no schema yet: ")
    assert said[1] == "0001  The first schema"
    before = f"{int(HEAD) - 1:04}"
    await asyncio.to_thread(upgrade, empty_database_url, revision=before)
    code, said = await migrate()
    assert code == 0
    assert f"migration {HEAD} (" in said[-2]
    assert "is applied after " in said[-2]
    assert f"the schema is at {HEAD}: 1 migration in " in said[-1]
    code, said = await migrate()
    assert (code, len(said)) == (0, 1)
    assert said[0].endswith(f"nothing to do: the schema is at {HEAD}")
    assert (await migrate("--plan"))[1] == [f"nothing to do: the schema is at {HEAD}"]


@pytest.mark.parametrize("options", [(), ("--plan",)])
async def test_a_newer_schema_is_refused_in_one_line(
    options: tuple[str, ...], migrate: Command, empty_database_url: str
) -> None:
    await asyncio.to_thread(upgrade, empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    code, said = await migrate(*options)
    assert code == 78
    [line] = said
    assert "is at 9999, which this version knows nothing of; migrate with the newer" in line


async def test_one_that_waits_says_for_whom_and_sees_what_the_other_did(
    migrate: Command, empty_database_url: str
) -> None:
    """The other is of a newer version: its schema is none that this one may touch."""
    await asyncio.to_thread(upgrade, empty_database_url, revision="0028")
    other = await asyncpg.connect(
        empty_database_url, server_settings={"application_name": f"{NAME}, process 7 on db1"}
    )
    await other.execute("SELECT pg_advisory_lock($1)", LOCK)
    waiting = asyncio.create_task(migrate())
    async with asyncio.timeout(60):
        while not await other.fetchval(WAITS):
            assert not waiting.done(), waiting
    await other.execute("UPDATE alembic_version SET version_num = '9999'")
    pid = other.get_server_pid()
    await other.close()
    code, said = await waiting
    assert code == 78
    waits, refused = said
    assert f"waits for another one that migrates: {NAME}, process 7 on db1" in waits
    assert f"PostgreSQL's process {pid}, since " in waits
    assert "Schema: is at 9999, which this version knows nothing of" in refused


async def test_each_is_told_by_its_process_and_machine(
    migrate: Command, empty_database_url: str
) -> None:
    """What another one that waits reads."""
    watching = await asyncpg.connect(empty_database_url)
    await watching.execute("SELECT pg_advisory_lock($1)", LOCK)
    migrating = asyncio.create_task(migrate())
    name = "SELECT max(application_name) FROM pg_stat_activity WHERE application_name LIKE $1"
    async with asyncio.timeout(60):
        while not (found := await watching.fetchval(name, f"{NAME}, process%")):
            assert not migrating.done(), migrating
    assert found.partition(" on ")[2] in os.uname().nodename
    await watching.close()
    assert (await migrating)[0] == 0


async def test_json_goes_with_the_plan(migrate: Command) -> None:
    code, said = await migrate("--json")
    assert code == 2
    assert said == ["paceline: --json: goes with --plan"]
