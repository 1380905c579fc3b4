"""`paceline schedule --attach`: the files are with the campaign before it is launched."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from paceline.auth.api_keys import ApiKeys
from paceline.cli.app import app
from paceline.errors import DomainError
from paceline.settings import Settings
from tests.integration.cli.serving import serving
from tests.world import World

Paceline = Callable[..., Awaitable[Result]]


@pytest.fixture
async def paceline(settings: Settings, world: World) -> AsyncIterator[Paceline]:
    key = await ApiKeys(world.database).create("ann@owner.test", "test")
    world.owner_id = await world.fetchval("SELECT id FROM users WHERE email = 'ann@owner.test'")
    await world.sender()
    async with serving(settings) as port:

        async def run(*arguments: object) -> Result:
            command = [*map(str, arguments), "--url", f"http://127.0.0.1:{port}", "--api-key", key]
            return await asyncio.to_thread(CliRunner().invoke, app, command)

        yield run


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    (tmp_path / "leads.csv").write_text("email\nada@example.com\n")
    (tmp_path / "page.html").write_text('<img src="cid:logo.png">')
    return tmp_path / "leads.csv"


def written(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


async def test_files_go_along_and_the_image_that_the_html_shows_is_put_there(
    paceline: Paceline, world: World, leads: Path
) -> None:
    files = {
        "logo.png": b"\x89PNG",
        "photo.png": b"\x89PNG",
        "Größe.pdf": b"%PDF",
        "a.tar.gz": b"z",
    }
    attach = []
    for name, content in files.items():
        (leads.parent / name).write_bytes(content)
        attach += ["--attach", leads.parent / name]
    page = leads.parent / "page.html"
    ran = await paceline("schedule", leads, "--subject", "S", "--html-file", page, *attach)
    assert (ran.exit_code, ran.exception) == (0, None)
    stored = await world.fetch("SELECT * FROM campaign_attachments ORDER BY position")
    assert {row["file_name"]: row["content"] for row in stored} == files
    assert [row["content_id"] is not None for row in stored] == [True, False, False, False]
    assert [row["content_type"] for row in stored] == [
        "image/png",
        "image/png",
        "application/pdf",
        "application/octet-stream",
    ]
    assert await world.fetchval("SELECT state FROM campaigns") == "active"


async def test_watching_ends_with_who_did_not_get_it_and_why(
    paceline: Paceline, world: World, leads: Path
) -> None:
    arguments = ("--subject", "S", "--text", "T", "--watch")
    running = asyncio.create_task(paceline("schedule", leads, *arguments))

    async def there() -> bool:
        return bool(await world.fetchval("SELECT count(*) FROM email_jobs"))

    await world.until(there)
    await world.execute(
        """
        UPDATE email_jobs SET state = 'failed', failure_reason = 'hard_bounce', reply_code = 550,
               reply_enhanced = '5.1.1', reply_text = 'no such user'
        """
    )
    ran = await running
    assert ran.exit_code == 1
    assert "  ada@example.com: 550 5.1.1 no such user" in ran.output


async def test_a_file_that_is_refused_leaves_no_draft_behind(
    paceline: Paceline, world: World, leads: Path
) -> None:
    (leads.parent / "empty.pdf").touch()
    ran = await paceline(
        "schedule", leads, "--subject", "S", "--text", "T", "--attach", leads.parent / "empty.pdf"
    )
    assert isinstance(ran.exception, DomainError)
    assert "holds nothing" in str(ran.exception)
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_a_limit_is_read_as_the_form_reads_it(
    paceline: Paceline, world: World, leads: Path
) -> None:
    for number in ("1,5", "1 000", "1_000", "१०", "1e3", "0"):
        limit = ("--hourly-limit", number)
        ran = await paceline("schedule", leads, "--subject", "S", "--text", "T", *limit)
        assert isinstance(ran.exception, DomainError)
        assert "--hourly-limit: must be" in str(ran.exception)
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_a_dry_run_shows_the_list_and_the_first_email_and_schedules_nothing(
    paceline: Paceline, world: World, leads: Path
) -> None:
    table = "E-Mail,FNAME\nada@example.com,Ada\nada@example.com,Ada\ngrace@@x,Grace\n"
    written(leads, table.encode())
    message = ("--subject", "Hello {{ FNAME }}", "--text", "Dear {{ FNAME }},\n\nwelcome.")
    ran = await paceline("schedule", leads, *message, "--dry-run")
    assert ran.exit_code == 0, ran.exception
    assert "1 to be mailed, 1 duplicates, 1 refused" in ran.output
    assert "header on line 1, addresses from" in ran.output
    assert "To: Ada <ada@example.com>\nSubject: Hello Ada\n\nDear Ada,\n\nwelcome.\n" in ran.output
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0
    missing = await paceline("schedule", leads, "--subject", "S", "--text", "{{ x }}", "--dry-run")
    assert "{{ x }}, which no column provides" in str(missing.exception)


async def test_a_dry_run_tells_what_the_real_one_would_refuse(
    paceline: Paceline, leads: Path
) -> None:
    message = ("--subject", "S", "--text", "{{ points | int }} points", "--dry-run")
    written(leads, b"email,points\nada@example.com,a dozen\nbob@example.com,12\n")
    ran = await paceline("schedule", leads, *message)
    assert (ran.exit_code, ran.exception) == (0, None)
    assert "  ada@example.com: is left out: text: line 1: " in ran.stdout
    assert "To: bob@example.com" in ran.stdout
    written(leads, b"email,points\nada@example.com,a dozen\n")
    nobody = await paceline("schedule", leads, *message)
    assert isinstance(nobody.exception, DomainError)
    late = await paceline("schedule", leads, *message, "--start", "2020-01-01T10:00Z")
    assert "--start: has passed" in str(late.exception)


async def test_a_dry_run_asks_about_the_list_in_the_words_of_the_real_one(
    paceline: Paceline, world: World, leads: Path
) -> None:
    table = "Home,Work\na@home.example,a@work.example\nb@home.example,b@work.example\n"
    written(leads, table.encode())
    message = ("schedule", leads, "--subject", "S", "--text", "T")
    rehearsed = await paceline(*message, "--dry-run")
    real = await paceline(*message)
    assert str(rehearsed.exception) == str(real.exception)
    assert "Add one of these to the command:" in str(rehearsed.exception)
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_a_packed_list_and_the_choices_about_it_reach_the_reader(
    paceline: Paceline, world: World, leads: Path
) -> None:
    table = "email;город\nada@example.com;Казань\n".encode("cp1251")
    packed = written(leads.with_suffix(".csv.gz"), gzip.compress(table))
    message = ("--subject", "S", "--text", "T")
    refused = await paceline("schedule", packed, *message, "--encoding", "ebcdic")
    assert str(refused.exception).startswith("--encoding: is none that is read; there are: utf-8")
    ran = await paceline("schedule", packed, *message, "--encoding", "windows-1251")
    assert ran.exit_code == 0, ran.exception
    assert "1 accepted, 0 duplicates, 0 refused" in ran.output
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 1


async def test_a_campaign_is_listed_paused_resumed_and_cancelled_by_its_id_or_its_page(
    paceline: Paceline, world: World, leads: Path
) -> None:
    none = await paceline("campaigns")
    assert (none.exit_code, none.stdout) == (0, "")
    await paceline("schedule", leads, "--subject", "S", "--text", "T", "--start", "in 1h")
    campaign_id = str(await world.fetchval("SELECT id FROM campaigns"))
    listed = await paceline("campaigns")
    assert listed.stdout == f"{campaign_id}  active     1 to go  leads\n"
    (as_json,) = json.loads((await paceline("campaigns", "--json")).stdout)
    assert (as_json["id"], as_json["counts"]["scheduled"]) == (campaign_id, 1)
    page = f"http://localhost:3001/campaigns/{campaign_id}"
    for verb, said in (
        (("pause", campaign_id), "paused     1 to go"),
        (("resume", page), "active     1 to go"),
        (("cancel", page), "cancelled  1 cancelled"),
    ):
        ran = await paceline(*verb)
        assert ran.stdout == f"{campaign_id}  {said}  leads\n"
        once_more = await paceline(*verb)
        assert (once_more.exit_code, once_more.stdout) == (0, ran.stdout)
        assert once_more.stderr == f"it is {said.split()[0]} already\n"
    again = await paceline("resume", campaign_id)
    assert isinstance(again.exception, DomainError)
    lost = await paceline("pause", "leads")
    assert "give its id, or the address of its page" in str(lost.exception)


async def test_notes_on_the_message_are_printed_before_it_is_launched(
    paceline: Paceline, leads: Path
) -> None:
    message = ("--subject", "Hi *|FNAME|*", "--text", "{first_name}")
    stopped = await paceline("schedule", leads, *message)
    assert isinstance(stopped.exception, DomainError)
    assert "add --yes" in str(stopped.exception)
    assert (await paceline("campaigns")).output.count("leads") == 0
    ran = await paceline("schedule", leads, *message, "--yes")
    assert ran.exit_code == 0
    notes = [line for line in ran.output.splitlines() if line.startswith("note: ")]
    assert [note.partition("”")[0] for note in notes] == [
        "note: subject, line 1: “*|FNAME|*",
        "note: text, line 1: “{first_name}",
    ]
    assert ran.output.index(notes[-1]) < ran.output.index("1 accepted")
    tried = await paceline(
        "schedule", leads, "--subject", "Hi *|FNAME|*", "--text", "{first_name}", "--dry-run"
    )
    assert all(note.partition("”")[0] in tried.output for note in notes)
