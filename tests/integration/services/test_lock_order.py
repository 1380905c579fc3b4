"""Whoever changes emails, their lane and their campaign locks them in this order, as record.sql.

The other way round, a command and a worker that records an outcome wait for each other.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from paceline import clock
from paceline.domain.recipients import RawRecipient
from paceline.domain.retrying import FailedFilter
from paceline.services.campaigns import CampaignPatch
from paceline.services.email_changes import EmailPatch
from paceline.services.emails import Resolution
from paceline.services.retrying import Retrying
from tests.integration.services.conftest import Desk

Command = Callable[[Desk, uuid.UUID, uuid.UUID], Awaitable[object]]

COMMANDS: dict[str, tuple[str, Command]] = {
    "resume": ("scheduled", lambda desk, it, _: desk.campaigns.resume(desk.owner, it)),
    "launch": ("scheduled", lambda desk, it, _: desk.campaigns.launch(desk.owner, it)),
    "patch": (
        "scheduled",
        lambda desk, it, _: desk.campaigns.patch(
            desk.owner, it, CampaignPatch(start_at=clock.now() + timedelta(hours=1))
        ),
    ),
    "upload": ("sending", lambda desk, it, _: desk.upload(it, "email\nnew@example.com\n")),
    "cancel_one": ("scheduled", lambda desk, _, email: desk.emails.cancel(desk.owner, email)),
    "change_one": (
        "scheduled",
        lambda desk, _, email: desk.emails.patch(
            desk.owner, email, EmailPatch(to="bob@example.com")
        ),
    ),
    "resolve_as_sent": (
        "in_doubt",
        lambda desk, _, email: desk.emails.resolve(desk.owner, email, Resolution.SENT),
    ),
    "resolve_as_unsent": (
        "in_doubt",
        lambda desk, _, email: desk.emails.resolve(desk.owner, email, Resolution.RESEND),
    ),
    "retry": (
        "failed",
        lambda desk, it, _: Retrying(desk.database, desk.bell).campaign(
            desk.owner, it, FailedFilter()
        ),
    ),
    "retry_one": (
        "failed",
        lambda desk, _, email: Retrying(desk.database, desk.bell).one(desk.owner, email),
    ),
}
_BECOMES = """
    UPDATE email_jobs
       SET state = $1,
           lease_until = CASE $1 WHEN 'sending' THEN now() + interval '1 min' END,
           in_doubt_at = CASE $1 WHEN 'in_doubt' THEN now() END,
           failure_reason = CASE $1 WHEN 'failed' THEN 'rejected' END
"""
_STATES = {"resume": "paused", "launch": "draft"}


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_that_waits_for_the_lane_does_not_hold_the_campaign(
    desk: Desk, name: str
) -> None:
    state_of_email, command = COMMANDS[name]
    draft = await desk.draft(recipients=[RawRecipient(email="ada@example.com")])
    await desk.campaigns.launch(desk.owner, draft.id)
    email = await desk.world.fetchval("SELECT id FROM emails")
    await desk.world.execute(_BECOMES, state_of_email)
    await desk.world.execute("UPDATE campaigns SET state = $1", _STATES.get(name, "active"))
    async with desk.database.driver() as recording, recording.transaction():
        await recording.execute("UPDATE lanes SET signal_seq = signal_seq + 1")
        commanded = asyncio.ensure_future(command(desk, draft.id, email))
        await desk.world.until_blocked(1)
        await recording.execute("SELECT 1 FROM campaigns FOR NO KEY UPDATE NOWAIT")
    await commanded
