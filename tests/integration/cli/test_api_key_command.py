"""`paceline api-key` as it is typed in a shell on the machine that holds the home."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from paceline.auth.api_keys import ApiKeys
from paceline.auth.users import Users
from paceline.bootstrap.local import create_api_key
from paceline.cli import access
from paceline.cli.app import app
from paceline.domain.acts import Act
from paceline.domain.scopes import Scope
from paceline.errors import InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import audit, people
from tests.integration.cli.serving import Ran
from tests.world import settings_for

Run = Callable[..., Awaitable[Ran]]


@pytest.fixture
def run(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    settings = settings_for(database_url, redis_url)
    monkeypatch.setattr(access, "settings_of", lambda _home: settings)

    async def paceline(*command: str) -> Ran:
        ran = await asyncio.to_thread(CliRunner().invoke, app, ["api-key", *command])
        return Ran(ran.exit_code, ran.stdout, ran.stderr, ran.exception)

    return paceline


async def test_a_key_is_made_with_scope_and_end_listed_and_revoked(
    run: Run, database: Database
) -> None:
    made = await run("create", "--name", "report", "--scope", "read", "--expires", "90d")
    assert (made.code, made.error) == (0, None)
    key = made.out.strip()
    principal = await ApiKeys(database).authenticate(key)
    assert principal is not None
    assert principal.scope is Scope.READ
    listed = (await run("list")).out
    assert f"{key[:11]}…  read   expires 2" in listed
    assert listed.rstrip().endswith("report")
    ended = await run("revoke", key)
    assert ended.out.strip() == f"revoked {key[:11]}…  report"
    assert await ApiKeys(database).authenticate(key) is None
    assert (await run("list")).out == ""
    assert isinstance((await run("revoke", key)).error, NotFound)


async def test_a_key_made_without_options_may_do_all_and_never_ends(
    run: Run, database: Database
) -> None:
    principal = await ApiKeys(database).authenticate((await run("create")).out.strip())
    assert principal is not None
    assert principal.scope is Scope.ADMIN
    assert "admin  never expires" in (await run("list")).out


@pytest.mark.parametrize("end", ["soon", "2001-01-01", "2027-13-01"])
async def test_an_end_that_is_none_is_refused(run: Run, end: str) -> None:
    refused = await run("create", "--expires", end)
    assert isinstance(refused.error, InvalidInput)
    assert refused.error.problems[0].field == "--expires"
    assert (await run("list")).out == ""


async def test_a_key_that_would_open_nothing_is_not_made(
    database: Database, database_url: str, redis_url: str
) -> None:
    settings = settings_for(database_url, redis_url)
    rule = replace(settings.sign_in, allowed_domains=frozenset({"example.com"}))
    within = replace(settings, sign_in=rule)
    await Users(database).name_owner("owner@example.com")
    told = r"email: is outside ALLOWED_DOMAINS \(example.com\), and not in ADMINS"
    with pytest.raises(InvalidInput, match=told):
        await create_api_key(within, "stray@example.net", new_user=True)
    with pytest.raises(NotFound):
        await Users(database).known("stray@example.net")
    await Users(database).added("stray@example.net")  # before ALLOWED_DOMAINS was set
    with pytest.raises(InvalidInput, match="may not be here"):
        await create_api_key(within, "stray@example.net")
    assert await create_api_key(within, "here@example.com", new_user=True)
    assert await create_api_key(within, None)


async def test_a_slip_in_an_address_gives_it_to_nobody(run: Run, database: Database) -> None:
    refused = await run("create", "--email", "owmer@example.com")
    assert isinstance(refused.error, NotFound)
    assert (await Users(database).local_owner()).email is None
    assert (await run("create", "--email", "owner@example.com", "--owner")).code == 0
    assert (await Users(database).local_owner()).email == "owner@example.com"
    assert (await run("create", "--email", "owner@example.com")).code == 0
    for options in (("--owner",), ("--owner", "--new-user", "--email", "a@example.com")):
        assert isinstance((await run("create", *options)).error, InvalidInput)


async def test_the_audit_log_says_that_a_key_was_made_on_the_command_line(
    run: Run, database: Database
) -> None:
    await run("create", "--name", "report")
    async with database.transaction() as session:
        (owner,) = await people.names(session, limit=2)
        (entry,) = await audit.entries(session, owner[0], actions=[Act.KEY_MADE], limit=2)
    assert (entry.actor, entry.subject) == ("command line", "report")


async def test_somebody_elses_keys_are_neither_listed_nor_revoked(
    run: Run, database: Database
) -> None:
    anns = (await run("create", "--email", "ann@example.org", "--new-user")).out.strip()
    assert (await run("create", "--email", "bob@example.org", "--new-user")).code == 0
    assert anns[:11] not in (await run("list", "--email", "bob@example.org")).out
    assert anns[:11] not in (await run("list")).out
    for whose in (("--email", "bob@example.org"), ()):
        assert isinstance((await run("revoke", anns, *whose)).error, NotFound)
    assert await ApiKeys(database).authenticate(anns) is not None


async def test_a_key_for_somebody_who_was_disabled_opens_nothing(
    run: Run, database: Database
) -> None:
    before = (await run("create", "--email", "ann@example.org", "--new-user")).out.strip()
    async with database.transaction() as session:
        await session.execute(text("UPDATE users SET disabled_at = now()"))
    assert await ApiKeys(database).authenticate(before) is None
    for more in ((), ("--new-user",)):
        after = await run("create", "--email", "ANN@example.org", *more)
        assert (after.code, after.out) == (1, "")
        assert str(after.error) == "email: is a deactivated user's: reactivate them first"
