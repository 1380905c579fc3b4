"""What a real worker keeps of a conversation, and that it sends an email as it was changed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from paceline import clock
from paceline.services.email_changes import EmailPatch
from paceline.services.emails import Emails
from tests.api import QUOTAS, SilentBell
from tests.integration.engine.sink import Sink
from tests.world import World

pytestmark = pytest.mark.usefixtures("worker")


async def test_of_two_emails_the_one_that_is_put_off_has_its_dialogue_kept(
    world: World, sink: Sink
) -> None:
    sink.at_rcpt = lambda to: "451 4.7.1 come back later" if "reader1@" in to else None
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 2)
    await world.signal(sender)
    await world.until_all_are(ids[:1], "sent")
    await world.until_all_are(ids[1:], "deferred")
    async with asyncio.timeout(60):  # it follows the record, and nothing tells of it
        while not await world.fetchval("SELECT count(*) FROM attempt_dialogues"):
            await asyncio.sleep(0)
    (kept,) = await world.fetch("SELECT * FROM attempt_dialogues")
    assert (kept["email_id"], kept["attempt"]) == (ids[1], 1)
    said = kept["said"].splitlines()
    assert said[said.index("> RCPT TO:<reader1@example.org>") + 1] == "< 451 4.7.1 come back later"
    assert "Dear" not in kept["said"]


async def test_an_email_that_was_changed_while_it_waited_goes_out_as_it_is_now(
    world: World, sink: Sink
) -> None:
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender, text_body="In {{ city }}")
    (email,) = await world.emails(sender, campaign, ["typo@example.org"], due_in=timedelta(hours=1))
    await world.signal(sender)
    emails = Emails(world.database, SilentBell(), QUOTAS)
    changes = EmailPatch(to="right@example.org", fields={"city": "Oslo"}, scheduled_at=clock.now())
    await emails.patch(world.owner_id, email, changes)
    (taken,) = await sink.wait_for(1)
    assert taken.rcpt_to == "right@example.org"
    assert taken.message["To"] == "typo <right@example.org>"
    assert b"In Oslo" in taken.raw
