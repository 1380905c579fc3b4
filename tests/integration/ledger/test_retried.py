"""A failed email that was tried again, and those who still write about its older attempts."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from paceline.domain.lifecycle import FailureReason, JobState
from paceline.domain.retrying import FailedFilter
from paceline.persistence.database import Database
from paceline.persistence.ledger import Attempt, Claim, Ledger, Outcome
from paceline.services.retrying import Retrying
from tests.api import SilentBell
from tests.world import World, leaving

REFUSED = Outcome(
    attempt=Attempt(email_id=uuid.UUID(int=0), number=0),
    state=JobState.FAILED,
    evidence="rejected",
    phase="rcpt",
    reply_code=550,
    reply_text="no",
    failure_reason=FailureReason.REJECTED,
)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=60))


async def retried(world: World, ledger: Ledger) -> tuple[uuid.UUID, uuid.UUID, Attempt]:
    """Sender and campaign of one email that failed and waits again, and its first attempt."""
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 1)
    (claim,) = (
        await ledger.claim(sender, of_campaigns={campaign: 1}, single=0, account_version=1)
    ).claims
    await ledger.record([replace(REFUSED, attempt=claim.attempt)])
    report = await Retrying(world.database, SilentBell()).campaign(
        world.owner_id, campaign, FailedFilter()
    )
    assert report.retried == 1
    return sender, campaign, claim.attempt


async def test_a_250_of_an_older_attempt_that_comes_late_wins(world: World, ledger: Ledger) -> None:
    sender, campaign, first = await retried(world, ledger)
    (claim,) = (
        await ledger.claim(sender, of_campaigns={campaign: 1}, single=0, account_version=1)
    ).claims
    late = Outcome(attempt=first, state=JobState.SENT, evidence="sent", phase="dot", reply_code=250)
    await world.execute("UPDATE attempts SET outcome = 'sending' WHERE attempt = 1")
    await ledger.record([late])
    assert await world.states([first.email_id]) == ["sent"]
    assert await ledger.write_ahead(leaving(claim.attempt)) == [False]


async def test_a_refusal_that_is_recorded_again_does_not_undo_the_retry(
    world: World, ledger: Ledger
) -> None:
    _, _, first = await retried(world, ledger)
    await ledger.record([replace(REFUSED, attempt=first)])
    assert await world.states([first.email_id]) == ["scheduled"]


async def test_the_date_and_the_tries_begin_anew_under_the_next_number(
    world: World, ledger: Ledger
) -> None:
    sender, campaign, first = await retried(world, ledger)
    (claim,) = (
        await ledger.claim(sender, of_campaigns={campaign: 1}, single=0, account_version=1)
    ).claims
    assert claim.attempt.number == first.number + 2  # the retry has one of its own
    assert claim.deferrals == 0
    assert claim.age < timedelta(seconds=60)
    (row,) = await world.fetch("SELECT failed, sent, total FROM campaigns")
    assert row == {"failed": 0, "sent": 0, "total": 1}


async def test_tries_are_what_a_server_said_since_the_retry_and_not_how_often_it_was_claimed(
    world: World, ledger: Ledger
) -> None:
    sender, campaign, _ = await retried(world, ledger)  # which was refused once, before

    async def claim() -> Claim:
        return (
            await ledger.claim(sender, of_campaigns={campaign: 1}, single=0, account_version=1)
        ).claims[0]

    async def ended(evidence: str | None, phase: str | None) -> int:
        attempt = (await claim()).attempt
        await ledger.record(
            [Outcome(attempt=attempt, state=JobState.SCHEDULED, evidence=evidence, phase=phase)]
        )
        again = await claim()
        await ledger.record([Outcome(attempt=again.attempt, state=JobState.SCHEDULED)])
        return again.tries

    assert await ended(None, None) == 0  # handed back, since its sender rests
    assert await ended("not_sent", "connect") == 0  # its server was away
    assert await ended("rejected", "mail") == 1
    assert await ended("fenced", "body") == 1
    assert await ended("not_sent", "rcpt") == 2
