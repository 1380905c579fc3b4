"""`paceline backup`, `restore` and `held`, as somebody types them beside a database that is set."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from paceline.cli.app import app
from paceline.persistence.database import Database
from paceline.persistence.witness import hold_back
from tests.integration.cli.serving import Ran
from tests.world import World


@pytest.fixture(autouse=True)
def set_up(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PACELINE_HOME", str(tmp_path / "home"))


async def typed(*arguments: object) -> Ran:
    result = await asyncio.to_thread(CliRunner().invoke, app, [*map(str, arguments)])
    return Ran(result.exit_code, result.stdout, result.stderr, result.exception)


async def test_from_a_backup_to_what_is_dropped(world: World, tmp_path: Path) -> None:
    sender_id = await world.sender()
    ids = await world.emails(sender_id, await world.campaign(sender_id, name="Autumn"), 3)
    file = tmp_path / "monday.backup"
    made = await typed("backup", file)
    assert made.code == 0, made
    assert "3 emails, 1 campaigns" in made.out
    assert (await typed("held")).out == "nothing is held\n"
    refused = await typed("restore", file)
    assert "--replace" in str(refused.error)
    restored = await typed("restore", file, "--replace")
    assert restored.code == 0, restored
    assert "3 of them may have been sent since and are held" in restored.out
    assert "Autumn (news@example.com)" in (await typed("held")).out
    log = tmp_path / "mail.log"
    log.write_text(f"cleanup: message-id=<{ids[1]}@example.com>\n")
    settled = await typed("held", "settle", log)
    assert settled.out == "1 emails were sent, by what it tells; 2 are still held\n"
    assert "--yes" in str((await typed("held", "drop")).error)
    assert (await typed("held", "drop", "--yes")).out == "2 emails are dropped\n"
    assert await world.states(ids) == ["failed", "sent", "failed"]


async def test_a_list_of_addresses_counts_where_it_is_of_and_after_a_yes(
    database: Database, world: World, tmp_path: Path
) -> None:
    sender_id = await world.sender()
    campaign_id = await world.campaign(sender_id, name="Autumn")
    ids = await world.emails(sender_id, campaign_id, ["ada@example.org", "b@example.org"])
    later = await world.campaign(sender_id, name="Winter")
    await world.emails(sender_id, later, 1, due_in=timedelta(days=1))
    await hold_back(database, known=5)
    told = (await typed("held")).out
    assert "not held, for it is due later." in told
    assert "Winter (news@example.com), from " in told
    file = tmp_path / "list.csv"
    file.write_text("ada@example.org\n")
    settle = ("held", "settle", file, "--addresses")
    assert "needs --campaign or --sender" in str((await typed(*settle)).error)
    asked = await typed(*settle, "--campaign", campaign_id)
    assert f"1  {campaign_id} Autumn (news@example.com)" in asked.err
    assert "--yes" in str(asked.error)
    assert await world.states(ids) == ["in_doubt", "in_doubt"]
    done = await typed(*settle, "--sender", "news@example.com", "--yes")
    assert done.out == "1 emails were sent, by what it tells; 1 are still held\n"


async def test_what_is_no_id_and_no_file_is_told(tmp_path: Path) -> None:
    assert "--campaign: is no id" in str((await typed("held", "drop", "--campaign", "x")).error)
    assert "cannot be read" in str((await typed("held", "settle", tmp_path / "no.log")).error)
    assert "no backup" in str((await typed("restore", Path(__file__))).error)
