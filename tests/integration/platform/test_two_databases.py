"""DATABASE_URL and DATABASE_DIRECT_URL: one database, by two ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paceline.bootstrap.preflight.findings import Weight
from paceline.bootstrap.preflight.looking import Part, preflight
from paceline.settings import DatabaseSettings
from tests.databases import Databases
from tests.integration.platform.refusing import paceline
from tests.world import settings_for


async def test_the_same_database_by_two_ways_is_fine(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    both = DatabaseSettings(url=database_url, direct_url=f"{database_url}&application_name=direct")
    settings = replace(settings_for(database_url, redis_url), given_database=both)
    found = await preflight(settings, Part.WORKER, home=tmp_path)
    assert [finding for finding in found if finding.weight > Weight.REMARK] == []


@pytest.mark.parametrize("command", ["worker", "api", "migrate", "devinbox"])
async def test_two_databases_end_every_command_with_one_line_and_78(
    command: str, database_url: str, redis_url: str, databases: Databases, tmp_path: Path
) -> None:
    """Also where the other one is a copy, and says the same of itself."""
    with databases.fresh(template=database_url.partition("?")[0].rpartition("/")[2]) as copy:
        code, said = await paceline(
            command,
            home=tmp_path,
            DATABASE_URL=database_url,
            DATABASE_DIRECT_URL=copy,
            REDIS_URL=redis_url,
            PORT="39918",
            PACELINE_LOG="text",
        )
    assert code == 78
    assert said == [
        "paceline: PostgreSQL: DATABASE_URL and DATABASE_DIRECT_URL lead to two databases; name "
        "the same one in both, through the pooler and past it (DATABASE_URL is set in the "
        "environment; DATABASE_DIRECT_URL is set in the environment)"
    ]
