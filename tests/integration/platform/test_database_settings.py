"""A PostgreSQL that is not as it has to be, asked by commands as an operator starts them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from paceline.bootstrap.preflight.findings import Finding, Weight
from paceline.bootstrap.preflight.looking import Part, preflight
from tests.integration.platform.passing_on import listening
from tests.integration.platform.refusing import paceline
from tests.world import settings_for

AN_OLD_VERSION = """
    CREATE FUNCTION shadow.current_setting(text) RETURNS text LANGUAGE sql AS $$
        SELECT CASE $1 WHEN 'server_version_num' THEN '130014' WHEN 'server_version' THEN '13.14'
               ELSE pg_catalog.current_setting($1) END
    $$
"""
A_CLOCK_BEHIND = """
    CREATE FUNCTION shadow.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
        SELECT pg_catalog.clock_timestamp() - interval '1 hour'
    $$
"""


async def change(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def shadowed(url: str, function: str) -> None:
    """From now on the server answers with this function in place of its own."""
    name = urlsplit(url).path[1:]
    path = "SET search_path = shadow, pg_catalog, public"
    await change(url, "CREATE SCHEMA shadow", function, f'ALTER DATABASE "{name}" {path}')


@asynccontextmanager
async def as_clerk(url: str, *grants: str) -> AsyncIterator[str]:
    """The same database, for a role that owns nothing there and has these rights."""
    await change(url, "CREATE ROLE clerk LOGIN", *(f"GRANT {grant} TO clerk" for grant in grants))
    try:
        yield url.replace("postgresql://paceline@", "postgresql://clerk@")
    finally:
        await change(url, "DROP OWNED BY clerk", "DROP ROLE clerk")


def heavy(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.weight > Weight.REMARK]


@pytest.mark.parametrize("command", ["worker", "api", "migrate"])
async def test_one_that_is_too_old_ends_every_command_with_one_line_and_78(
    command: str, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await shadowed(database_url, AN_OLD_VERSION)
    code, said = await paceline(
        command, home=tmp_path, DATABASE_URL=database_url, REDIS_URL=redis_url, PACELINE_LOG="text"
    )
    assert (code, said) == (
        78,
        [
            "paceline: PostgreSQL: is version 13.14; upgrade it to 15 or newer "
            "(DATABASE_URL is set in the environment)"
        ],
    )


async def test_a_clock_that_is_an_hour_behind_is_told_and_stops_nothing(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await shadowed(database_url, A_CLOCK_BEHIND)
    code, said = await paceline(
        "doctor", "-q", home=tmp_path, DATABASE_URL=database_url, REDIS_URL=redis_url
    )
    (told,) = [line for line in said if "Clock" in line]
    assert code == 0
    assert told.startswith("note  Clock: PostgreSQL's is 3600 s apart from this machine's; let ")


async def test_a_role_that_may_make_no_tables_cannot_migrate_and_is_told_who_can(
    empty_database_url: str, tmp_path: Path
) -> None:
    async with as_clerk(empty_database_url) as url:
        code, said = await paceline("migrate", home=tmp_path, DATABASE_URL=url, PACELINE_LOG="text")
    assert code == 78
    assert said[-1] == (
        "paceline: Schema: cannot be brought up to date: permission denied for schema public; "
        "migrate as the role that owns the database and its tables "
        "(DATABASE_URL is set in the environment)"
    )
    assert "Traceback" not in " ".join(said)


@pytest.mark.parametrize(
    "grant", ["SELECT ON alembic_version", "SELECT ON ALL TABLES IN SCHEMA public"]
)
async def test_a_role_that_may_not_write_the_tables_ends_a_worker_with_one_line_and_78(
    grant: str, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with as_clerk(database_url, grant) as url:
        code, [line] = await paceline(
            "worker", home=tmp_path, DATABASE_URL=url, REDIS_URL=redis_url, PACELINE_LOG="text"
        )
    assert code == 78
    assert "PostgreSQL: clerk may not read and write api_keys and " in line
    assert 'GRANT ALL ON ALL TABLES IN SCHEMA public TO "clerk"' in line


async def test_a_role_with_the_rights_that_are_named_is_let_in(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with as_clerk(database_url, "ALL ON ALL TABLES IN SCHEMA public") as url:
        found = await preflight(settings_for(url, redis_url), Part.WORKER, home=tmp_path)
    assert heavy(found) == []


async def test_a_database_that_refuses_to_write_is_waited_for_and_told(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    url = f"{database_url}&options=-c%20default_transaction_read_only%3Don"
    found = await preflight(settings_for(url, redis_url), Part.WORKER, home=tmp_path)
    (told,) = heavy(found)
    assert told.weight is Weight.AWAY
    assert "refuses all that is to be written" in told.line()


async def test_one_without_tls_that_is_asked_for_it_is_wrong_and_not_away(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    parts = urlsplit(database_url)
    (folder,) = parse_qs(parts.query)["host"]
    async with listening(f"{folder}/.s.PGSQL.5432") as place:
        url = f"postgresql://paceline@{place}{parts.path}?sslmode="
        found = await preflight(
            settings_for(url + "require", redis_url), Part.WORKER, home=tmp_path
        )
        plain = await preflight(
            settings_for(url + "prefer", redis_url), Part.MIGRATE, home=tmp_path
        )
    (told,) = heavy(found)
    assert told.weight is Weight.WRONG
    assert "refuses us: it offers no TLS, which sslmode asks for, or is" in told.line()
    assert heavy(plain) == []


@pytest.mark.parametrize(
    "command", [("api-key", "list"), ("sign-in-link",), ("backup", "kept.pl"), ("held", "release")]
)
async def test_a_command_that_finds_no_database_says_which_and_where_it_is_set(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    url = "postgresql://app:s3cret@127.0.0.1:1/app"
    code, said = await paceline(*command, home=tmp_path, DATABASE_URL=url)
    assert (code, said[-1]) == (
        1,
        "paceline: PostgreSQL: app@127.0.0.1:1/app does not answer: nothing listens there; start"
        " it, or correct the address (DATABASE_URL is set in the environment)",
    )


async def test_a_command_that_finds_no_schema_says_what_makes_one(
    empty_database_url: str, tmp_path: Path
) -> None:
    for command in (("sign-in-link",), ("api-key", "list"), ("reseal",), ("backup", "kept.pl")):
        code, said = await paceline(*command, home=tmp_path, DATABASE_URL=empty_database_url)
        (line,) = said
        assert code == 1
        assert line.startswith("paceline: Schema: paceline@")
        assert "; run `paceline migrate` (DATABASE_URL is set in the environment)" in line


async def test_a_command_that_is_not_let_in_says_where_it_was_sent(
    database_url: str, tmp_path: Path
) -> None:
    name = urlsplit(database_url).path
    url = database_url.replace(f"{name}?", "/none_such?")
    code, said = await paceline("api-key", "list", home=tmp_path, DATABASE_URL=url)
    assert code == 78
    assert "/none_such refuses us: " in said[-1]
    assert said[-1].endswith("(DATABASE_URL is set in the environment)")
