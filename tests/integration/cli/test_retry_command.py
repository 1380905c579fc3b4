"""`paceline retry` against a server on a real port."""

from __future__ import annotations

import uuid

import pytest

from paceline.errors import PacelineError
from tests.integration.cli.serving import Paceline
from tests.world import World


async def failed(world: World) -> uuid.UUID:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 3)
    await world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected', attempt = 1, "
        "reply_code = 550, reply_text = 'not today'"
    )
    return campaign


async def test_failed_emails_are_counted_first_and_then_tried_again(
    paceline: Paceline, world: World
) -> None:
    campaign = await failed(world)
    counted = await paceline("retry", str(campaign), "--dry-run")
    assert (counted.code, counted.out.strip()) == (0, "3 emails would be tried again")
    assert "3  rejected  550 none  not today" in counted.err
    page = f"http://localhost:3001/campaigns/{campaign}"
    done = await paceline("retry", page, "--reason", "rejected", "--reply", "550")
    assert (done.code, done.out.strip()) == (0, "3 emails will be tried again")
    assert await world.fetchval("SELECT count(*) FROM email_jobs WHERE state = 'scheduled'") == 3
    again = await paceline("retry", str(campaign))
    assert again.out.strip() == "nothing to try again"


async def test_one_email_is_tried_again_by_its_address_its_id_or_its_page(
    paceline: Paceline, world: World
) -> None:
    campaign = await failed(world)
    rows = await world.fetch("SELECT id, address FROM emails ORDER BY id")
    page = f"http://localhost:3001/emails/{rows[2]['id']}"
    for given in (
        [campaign, "--to", f" {rows[0]['address'].upper()}"],
        [rows[1]["id"]],
        [page],
    ):
        done = await paceline("retry", *given)
        assert (done.code, done.out.strip()) == (0, "1 email will be tried again")
    assert await world.fetchval("SELECT count(*) FROM email_jobs WHERE state = 'scheduled'") == 3
    for given, told in (
        ([page], "has not failed"),
        ([campaign, "--to", "nobody@example.com"], "nobody@example.com is not among"),
        ([uuid.uuid4()], "no such campaign or email"),
        ([page, "--reply", "550"], "--reply"),
    ):
        refused = await paceline("retry", *given)
        assert isinstance(refused.error, PacelineError)
        assert told in str(refused.error)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["spring sale"], "give its id"),
        (["{campaign}", "--reply", "no"], "reply: must be a reply code"),
        (["{campaign}", "--reason", "no"], "reason"),
    ],
)
async def test_what_cannot_be_meant_is_one_clear_line(
    paceline: Paceline, world: World, given: list[str], told: str
) -> None:
    campaign = await failed(world)
    refused = await paceline("retry", *(text.format(campaign=campaign) for text in given))
    assert refused.code != 0
    assert isinstance(refused.error, PacelineError)
    assert told in str(refused.error)
