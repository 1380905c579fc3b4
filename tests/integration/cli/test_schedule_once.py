"""`paceline schedule` over a network that loses answers, and run again by a person who saw none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from paceline import clock
from paceline.auth.api_keys import ApiKeys
from paceline.cli import patience
from paceline.cli.app import app
from paceline.cli.client import Answer, ApiClient
from paceline.cli.once import scheduled
from paceline.cli.order import Order, Start
from paceline.cli.reading import LeadList
from paceline.cli.zone import local_zone
from paceline.errors import DomainError, OperationalError
from tests.integration.cli.serving import serving
from tests.lossy import Fate, LossyProxy, turned_away
from tests.world import World, settings_for

MESSAGE = ("--subject", "Hello", "--text", "Dear reader")


@dataclass
class Desk:
    """A person at a terminal, a network between, and the server."""

    proxy: LossyProxy
    world: World
    key: str
    leads: Path

    async def run(self, *options: object, leads: Path | None = None) -> Result:
        command = ["schedule", str(leads or self.leads), *MESSAGE, *map(str, options)]
        command += ["--url", self.proxy.url, "--api-key", self.key]
        return await asyncio.to_thread(CliRunner().invoke, app, command)

    async def campaigns(self) -> list[dict[str, Any]]:
        return await self.world.fetch("SELECT * FROM campaigns ORDER BY id")

    async def forget(self) -> None:
        await self.world.execute("TRUNCATE campaigns, idempotency_keys CASCADE")

    async def only_campaign(self, *, state: str = "active", emails: int = 2) -> dict[str, Any]:
        (campaign,) = await self.campaigns()
        assert (campaign["state"], campaign["total"]) == (state, emails)
        return campaign


@pytest.fixture
async def desk(
    database_url: str,
    redis_url: str,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Desk]:
    monkeypatch.setattr(patience, "DELAYS", (0.0, 0.0, 0.0))
    key = await ApiKeys(world.database).create("ann@owner.test", "test")
    world.owner_id = await world.fetchval("SELECT id FROM users WHERE email = 'ann@owner.test'")
    await world.sender()
    leads = tmp_path / "leads.csv"
    leads.write_text("email\nada@example.com\ngrace@example.com\n")
    settings = settings_for(database_url, redis_url)
    async with serving(settings) as port, LossyProxy(port) as proxy:
        yield Desk(proxy, world, key, leads)


def ids_in(text: str) -> list[str]:
    return re.findall(r"campaign ([0-9a-f-]{36})", text)


async def test_whichever_answer_is_lost_it_is_scheduled_once(desk: Desk, tmp_path: Path) -> None:
    desk.proxy.lose_once_each()
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    ran = await desk.run("--attach", tmp_path / "a.pdf", "--start", "in 2 hours")
    assert (ran.exit_code, ran.exception) == (0, None)
    campaign = await desk.only_campaign()
    assert ids_in(ran.output) == [str(campaign["id"])]
    assert await desk.world.fetchval("SELECT count(*) FROM campaign_attachments") == 1
    for ending in ("/campaigns", "/attachments", "/recipients", "/launch"):
        asked = [m for m, p in desk.proxy.seen if p.partition("?")[0].endswith(ending)]
        assert asked.count("POST") == 2, ending


async def test_a_request_that_never_got_there_is_sent_again(desk: Desk) -> None:
    desk.proxy.lose_once_each(Fate.REQUEST_LOST)
    ran = await desk.run()
    assert (ran.exit_code, ran.exception) == (0, None)
    await desk.only_campaign()


async def test_a_run_that_gave_up_says_what_is_known_and_the_next_one_goes_on(desk: Desk) -> None:
    ways = product(("/campaigns", "/recipients", "/launch"), (Fate.ANSWER_LOST, Fate.REQUEST_LOST))
    for hours, (step, fate) in enumerate(ways, start=2):
        start = ("--start", f"in {hours} hours")
        desk.proxy.cut_off(step, fate)
        ran = await desk.run(*start)
        assert isinstance(ran.exception, OperationalError)
        said = str(ran.exception)
        assert "Running the same command again is safe" in said
        assert ("may have been scheduled" in said) == (step == "/launch")
        desk.proxy.let_all_pass()
        again = await desk.run(*start)
        assert (again.exit_code, again.exception) == (0, None)
        campaign = await desk.only_campaign()
        assert str(campaign["id"]) in again.output
        was_there = step == "/launch" and fate is Fate.ANSWER_LOST
        assert ("already scheduled" in again.output) == was_there
        await desk.forget()


async def test_a_launch_whose_answers_are_lost_is_looked_up(desk: Desk) -> None:
    desk.proxy.lose("/launch")
    for options in ((), ("--again",)):
        ran = await desk.run(*options)
        assert (ran.exit_code, ran.exception) == (0, None)
    assert [c["state"] for c in await desk.campaigns()] == ["active"] * 2


@pytest.mark.parametrize("status", [401, 429])
async def test_who_is_turned_away_after_a_lost_answer_was_not_refused(
    desk: Desk, status: int
) -> None:
    desk.proxy.lose("/recipients", Fate.REQUEST_LOST, turned_away(status))
    ran = await desk.run()
    assert "a draft is kept" in str(ran.exception)
    desk.proxy.cut_off("/launch", Fate.ANSWER_LOST, turned_away(status))
    ran = await desk.run()
    assert isinstance(ran.exception, OperationalError)
    assert "turned away" in str(ran.exception)
    assert "It may have been scheduled" in str(ran.exception)
    await desk.only_campaign()


async def test_a_draft_that_another_run_is_filling_is_not_thrown_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MAX_SECONDS_UNDER_WAY", 0.0)
    desk.proxy.lose("/recipients", turned_away(409, "Retry-After: 1"))
    ran = await desk.run()
    assert isinstance(ran.exception, OperationalError)
    assert "a draft is kept" in str(ran.exception)
    assert [c["state"] for c in await desk.campaigns()] == ["draft"]


async def test_that_nothing_else_could_be_looked_up_does_not_hide_what_was_scheduled(
    desk: Desk,
) -> None:
    desk.proxy.lose("/campaigns", method="GET")
    ran = await desk.run()
    assert (ran.exit_code, ran.exception) == (0, None)
    assert ids_in(ran.stdout) == [str((await desk.only_campaign())["id"])]


async def test_the_start_of_what_is_taken_up_stays_the_first_ones_until_it_passes(
    desk: Desk,
) -> None:
    desk.proxy.lose("/recipients", Fate.REQUEST_LOST)
    await desk.run("--start", "in 2 hours")
    (draft,) = await desk.campaigns()
    await desk.run("--start", "in 2  HOURS")
    assert (await desk.campaigns())[0]["start_at"] == draft["start_at"]
    await desk.world.execute("UPDATE campaigns SET start_at = now() - interval '1 hour'")
    desk.proxy.let_all_pass()
    ran = await desk.run("--start", "in 2 hours")
    assert ran.exit_code == 0
    assert (await desk.only_campaign())["start_at"] > draft["start_at"]


async def test_a_run_does_not_move_what_another_has_launched_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, typed = clock.now() + timedelta(hours=2), await _as_typed(desk)
    first, second = (
        Order(
            campaign=typed,
            start=Start(words="in 2 hours", at=at + timedelta(seconds=later)),
            leads=LeadList(file=desk.leads, chosen={}),
            files=[],
        )
        for later in (0, 30)
    )
    set_start = ApiClient.set_start

    def overtaken(client: ApiClient, seen: Answer, start_at: str | None) -> dict[str, Any]:
        """The first launches it between the second's look and its change."""
        with monkeypatch.context() as patch, ApiClient(desk.proxy.url, desk.key) as other:
            patch.setattr(ApiClient, "set_start", set_start)
            scheduled(other, first, tell=lambda report: None)
        return set_start(client, seen, start_at)

    monkeypatch.setattr(ApiClient, "set_start", overtaken)
    with ApiClient(desk.proxy.url, desk.key) as client:
        await asyncio.to_thread(scheduled, client, second, tell=lambda report: None)
    assert (await desk.only_campaign())["start_at"] == at


async def test_a_retry_whose_answer_was_lost_is_asked_for_again(desk: Desk) -> None:
    ran = await desk.run()
    await desk.world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected', attempt = 1"
    )
    desk.proxy.lose_once_each()
    command = ["retry", *ids_in(ran.stdout), "--url", desk.proxy.url, "--api-key", desk.key]
    again = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert (again.exit_code, again.stdout.strip()) == (0, "2 emails will be tried again")


async def test_a_command_whose_answer_was_lost_for_good_says_that_it_may_have_been_done(
    desk: Desk,
) -> None:
    ran = await desk.run()
    await desk.world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected', attempt = 1"
    )
    (campaign,) = ids_in(ran.stdout)
    for ending, *words in (
        ("/retry", "retry", campaign),
        ("/pause", "pause", campaign),
        ("/suppressions", "suppressions", "add", "ada@example.com"),
    ):
        desk.proxy.lose(ending)
        command = [*words, "--url", desk.proxy.url, "--api-key", desk.key]
        lost = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert lost.exit_code == 1
        assert "It may have been done all the same." in str(lost.exception)
        desk.proxy.let_all_pass()
        again = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert again.exit_code == 0


async def test_a_sender_whose_answer_was_lost_for_good_is_looked_for_before_it_is_added_again(
    desk: Desk,
) -> None:
    desk.proxy.lose("/senders")
    command = ["sender", "add", "ada@example.com", "--smtp-host", "mail.example.com"]
    command += ["--smtp-port", "25", "--smtp-security", "none", "--url", desk.proxy.url]
    lost = await asyncio.to_thread(CliRunner().invoke, app, [*command, "--api-key", desk.key])
    assert lost.exit_code == 1
    assert "See `paceline sender list` before you run it again." in str(lost.exception)
    senders = await desk.world.fetch("SELECT from_address FROM senders ORDER BY from_address")
    assert [s["from_address"] for s in senders] == ["ada@example.com", "news@example.com"]


async def test_the_same_command_again_says_that_it_was_done(desk: Desk) -> None:
    first = await desk.run()
    again = await desk.run()
    assert (first.exit_code, again.exit_code) == (0, 0)
    campaign = await desk.only_campaign()
    assert "already scheduled at" in again.stderr
    assert "--again" in again.stderr
    assert again.stdout.startswith(f"campaign {campaign['id']} from news@example.com, starting ")


async def test_again_means_once_more(desk: Desk) -> None:
    await desk.run()
    for count in (2, 3):
        ran = await desk.run("--again")
        assert ran.exit_code == 0
        assert [c["state"] for c in await desk.campaigns()] == ["active"] * count


async def test_again_finishes_what_an_earlier_again_has_begun(desk: Desk) -> None:
    await desk.run()
    desk.proxy.lose("/launch", Fate.REQUEST_LOST)
    await desk.run("--again")
    desk.proxy.let_all_pass()
    await desk.run("--again")
    assert [c["state"] for c in await desk.campaigns()] == ["active", "active"]


async def test_a_lost_launch_of_an_again_is_not_called_safe_to_run_again(desk: Desk) -> None:
    await desk.run()
    desk.proxy.cut_off("/launch", Fate.ANSWER_LOST)
    said = str((await desk.run("--again")).exception)
    assert "It may have been scheduled: see " in said
    assert "If that page shows a draft, press Launch there" in said
    assert "that would mail everybody again" in said
    assert "safe" not in said
    assert "Nothing is sent twice" not in said


async def test_the_file_may_lie_elsewhere_by_now(desk: Desk, tmp_path: Path) -> None:
    await desk.run()
    (tmp_path / "elsewhere").mkdir()
    moved = desk.leads.rename(tmp_path / "elsewhere" / "leads.csv")
    ran = await desk.run(leads=moved)
    assert "already scheduled at" in ran.stderr
    await desk.only_campaign()


async def test_what_is_run_daily_is_scheduled_daily(desk: Desk) -> None:
    await desk.run()
    for table in ("campaigns", "idempotency_keys"):
        await desk.world.execute(f"UPDATE {table} SET created_at = now() - interval '23h 30min'")
    await desk.world.execute("UPDATE campaigns SET start_at = now() - interval '23h 30min'")
    ran = await desk.run()
    assert ran.exit_code == 0
    assert "already" not in ran.stderr
    assert len(await desk.campaigns()) == 2


async def test_one_that_was_cancelled_is_not_called_scheduled(desk: Desk) -> None:
    await desk.run()
    await desk.world.execute("UPDATE campaigns SET state = 'cancelled'")
    ran = await desk.run()
    assert isinstance(ran.exception, DomainError)
    assert "was cancelled since; --again" in str(ran.exception)


async def test_a_start_that_has_passed_is_no_mistake_when_it_was_scheduled_before(
    desk: Desk,
) -> None:
    start = "2000-01-01T09:00:00+01:00"
    refused = await desk.run("--start", start)
    assert "has passed" in str(refused.exception)
    assert await desk.campaigns() == []
    # As if the first run had been in good time: the same words, an instant that lay ahead.
    order = Order(
        campaign=await _as_typed(desk),
        start=Start(words=start),
        leads=LeadList(file=desk.leads, chosen={}),
        files=[],
    )
    with ApiClient(desk.proxy.url, desk.key) as client:
        await asyncio.to_thread(scheduled, client, order, tell=lambda report: None)
    ran = await desk.run("--start", start)
    assert (ran.exit_code, ran.exception) == (0, None)
    assert "already scheduled at" in ran.stderr


async def test_what_was_refused_leaves_no_draft_and_may_be_run_again(desk: Desk) -> None:
    await desk.world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason)"
        " SELECT $1, address, 'manual' FROM unnest($2::text[]) AS address",
        desk.world.owner_id,
        ["ada@example.com", "grace@example.com"],
    )
    refused = await desk.run()
    assert "no recipient to accept" in str(refused.exception)
    assert await desk.campaigns() == []
    await desk.world.execute("DELETE FROM suppressions")
    assert (await desk.run()).exit_code == 0
    await desk.only_campaign()


async def test_two_runs_at_one_moment_are_one_campaign(desk: Desk) -> None:
    order = Order(
        campaign=await _as_typed(desk),
        start=Start(words="now"),
        leads=LeadList(file=desk.leads, chosen={}),
        files=[desk.leads],
    )

    def run() -> str:
        with ApiClient(desk.proxy.url, desk.key) as client:
            return str(scheduled(client, order, tell=lambda report: None).campaign["id"])

    desk.proxy.lose_once_each()
    ids = await asyncio.gather(*(asyncio.to_thread(run) for _ in range(3)))
    assert set(ids) == {str((await desk.only_campaign())["id"])}


async def test_a_server_that_is_not_there_is_not_waited_for(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "DELAYS", (3600.0,))
    command = ["schedule", str(desk.leads), *MESSAGE]
    command += ["--url", "http://127.0.0.1:1", "--api-key", desk.key]
    ran = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert isinstance(ran.exception, OperationalError)
    assert "does not answer" in str(ran.exception)


async def test_a_watch_goes_on_over_a_restart_of_the_server(desk: Desk) -> None:
    running = asyncio.create_task(desk.run("--watch"))

    async def launched() -> bool:
        return bool(await desk.world.fetchval("SELECT count(launched_at) FROM campaigns"))

    await desk.world.until(launched)
    desk.proxy.lose_once_each(Fate.REQUEST_LOST)
    await desk.world.execute("UPDATE email_jobs SET state = 'sent', sent_at = now()")
    ran = await running
    assert (ran.exit_code, ran.exception) == (0, None)
    assert "2 sent" in ran.output


async def _as_typed(desk: Desk) -> dict[str, object]:
    """The campaign as the command puts it to the API."""
    sender = await desk.world.fetchval("SELECT id::text FROM senders")
    return {
        "name": "leads",
        "subject": "Hello",
        "text": "Dear reader",
        "time_zone": str(local_zone()),
        "min_delay_ms": 0,
        "sender_id": sender,
    }
