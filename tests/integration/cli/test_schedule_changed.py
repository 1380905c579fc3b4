"""`paceline schedule` again with something changed: who has got it is not mailed again unasked."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from click.testing import Result

from paceline.cli.client import ApiClient
from paceline.cli.once import Scheduled, scheduled
from paceline.cli.order import Order, Start
from paceline.cli.reading import LeadList
from paceline.cli.zone import local_zone
from paceline.errors import DomainError
from tests.integration.cli.test_schedule_once import Desk, desk, ids_in
from tests.lossy import Fate

__all__ = ["desk"]


def assert_told(ran: Result, *words: str) -> None:
    assert ran.exit_code == 1
    assert isinstance(ran.exception, DomainError)
    for word in (*words, "--again"):
        assert word in str(ran.exception)


async def forget(desk: Desk) -> None:
    await desk.world.execute("DELETE FROM campaigns")
    await desk.world.execute("DELETE FROM idempotency_keys")


async def test_whatever_else_is_asked_for_nobody_is_mailed_again_unasked(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (tmp_path / "page.html").write_text("<p>Dear reader</p>")
    (tmp_path / "other.csv").write_bytes(desk.leads.read_bytes())
    await desk.run()
    first = await desk.only_campaign()
    for options, differs in [
        (("--text", "Dear all"), "the text"),
        (("--html-file", tmp_path / "page.html"), "the HTML"),
        (("--name", "Other"), "the name (“leads” then)"),
        (("--min-delay", "3s"), "the delay"),
        (("--hourly-limit", "100"), "the hourly limit"),
        (("--attach", tmp_path / "a.pdf"), "the attachments"),
        (("--address-column", "email"), "how the list is read"),
        (("--header-line", "1"), "how the list is read"),
        (("--encoding", "utf-8"), "how the list is read"),
        (("--include-opted-out",), "how the list is read"),
    ]:
        assert_told(await desk.run(*options), str(first["id"]), f"What differs: {differs}")
    assert_told(await desk.run(leads=tmp_path / "other.csv"), "the name (“leads” then)")
    await desk.only_campaign()


async def test_again_means_the_changed_one_and_it_is_recognised_from_then_on(desk: Desk) -> None:
    await desk.run()
    changed = ("--text", "Dear all")
    meant = await desk.run(*changed, "--again")
    assert meant.exit_code == 0
    for options, was in (((), 0), (changed, 1)):
        ran = await desk.run(*options)
        assert ran.exit_code == 0
        assert "already scheduled at" in ran.stderr
        assert ids_in(ran.stdout) == [str((await desk.campaigns())[was]["id"])]
    assert [c["text_body"] for c in await desk.campaigns()] == ["Dear reader", "Dear all"]


@pytest.mark.parametrize("step", ["/recipients", "/launch"])
async def test_what_never_got_to_a_launch_goes_through_as_it_was_changed(
    desk: Desk, step: str
) -> None:
    desk.proxy.lose(step, Fate.REQUEST_LOST)
    await desk.run()
    (draft,) = await desk.campaigns()
    desk.proxy.let_all_pass()
    ran = await desk.run("--text", "Dear all")
    assert (ran.exit_code, ran.exception) == (0, None)
    campaign = await desk.only_campaign()
    assert campaign["text_body"] == "Dear all"
    with ApiClient(desk.proxy.url, desk.key) as client, pytest.raises(DomainError):
        await asyncio.to_thread(client.launch, str(draft["id"]), key="the first one, late")
    late = await desk.run()
    assert_told(late, str(campaign["id"]), "the text")
    await desk.only_campaign()


async def test_a_launch_that_may_have_happened_is_looked_at_first(desk: Desk) -> None:
    desk.proxy.lose("/launch", Fate.ANSWER_LOST)
    await desk.run()
    desk.proxy.let_all_pass()
    assert_told(await desk.run("--text", "Dear all"), "What differs: the text")
    await desk.only_campaign()


async def test_what_was_refused_may_be_put_right_by_an_option(desk: Desk) -> None:
    desk.leads.write_text("work,home\nada@example.com,ada@home.test\n")
    refused = await desk.run()
    assert isinstance(refused.exception, DomainError)
    ran = await desk.run("--address-column", "home")
    assert (ran.exit_code, ran.exception) == (0, None)
    await desk.only_campaign(emails=1)


async def test_one_that_was_cancelled_is_asked_about_as_well(desk: Desk) -> None:
    await desk.run()
    await desk.world.execute("UPDATE campaigns SET state = 'cancelled'")
    assert_told(await desk.run("--text", "Dear all"), "was cancelled since", "the text")


async def test_the_same_people_in_another_file_are_not_mailed_again_unasked(desk: Desk) -> None:
    await desk.run()
    first = await desk.only_campaign()
    for table, count in [
        ("﻿email\nada@example.com\ngrace@example.com\n", 2),
        ("email\r\nada@example.com\r\ngrace@example.com\r\n", 2),
        ("email;city\ngrace@example.com;Arlington\nADA@Example.com;London\n", 2),
        ("email\nada@example.com\ngrace@example.com\nalan@example.com\n", 2),
        ("email\nada@example.com\nalan@example.com\n", 1),
    ]:
        desk.leads.write_bytes(table.encode())
        told = f"{count} of these recipients get"
        assert_told(await desk.run(), told, str(first["id"]))
    assert_told(await desk.run("--start", "in 3 hours"), "1 of these recipients gets")
    await desk.only_campaign()
    assert (await desk.run("--again")).exit_code == 0
    assert len(await desk.campaigns()) == 2


async def test_others_another_subject_another_day_or_whom_it_failed_for_are_no_repeat(
    desk: Desk,
) -> None:
    await desk.run()
    same = desk.leads.read_text()
    desk.leads.write_text("email\nalan@example.com\n")
    assert (await desk.run()).exit_code == 0
    desk.leads.write_text(same + "\n")
    assert (await desk.run("--subject", "Good bye")).exit_code == 0
    assert (await desk.run("--start", "in 2 days")).exit_code == 0
    await desk.world.execute("UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected'")
    assert (await desk.run()).exit_code == 0
    assert len(await desk.campaigns()) == 5


@pytest.mark.parametrize("answer", ["y\n", "\n"])
@pytest.mark.parametrize("is_file_changed", [True, False])
async def test_at_a_terminal_it_is_asked_and_enter_means_no(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, is_file_changed: bool
) -> None:
    await desk.run()
    if is_file_changed:
        desk.leads.write_text(desk.leads.read_text() + "\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    if answer == "y\n":
        assert not (await _at_a_terminal(desk)).was_there
        assert [c["state"] for c in await desk.campaigns()] == ["active"] * 2
    else:
        with pytest.raises(DomainError, match="nothing was scheduled"):
            await _at_a_terminal(desk)
        await desk.only_campaign()


async def _at_a_terminal(desk: Desk) -> Scheduled:
    sender = await desk.world.fetchval("SELECT id::text FROM senders")
    order = Order(
        campaign={
            "name": "Of another name",
            "subject": "Hello",
            "text": "Dear reader",
            "time_zone": str(local_zone()),
            "min_delay_ms": 0,
            "sender_id": sender,
        },
        start=Start(words="now"),
        leads=LeadList(file=desk.leads, chosen={}, asks=True),
        files=[],
    )
    with ApiClient(desk.proxy.url, desk.key) as client:
        return await asyncio.to_thread(scheduled, client, order, tell=lambda report: None)
