"""What was said is kept behind the evidence of an attempt that came to nothing, and only there."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from paceline.domain.lifecycle import JobState
from paceline.persistence.database import Database
from paceline.persistence.ledger import Attempt, Ledger, Outcome
from paceline.persistence.statements import statement
from paceline.persistence.stores.attempts import MAX_DIALOGUES
from paceline.services.email_queries import EmailQueries
from tests.integration.services.conftest import FixedMeter
from tests.world import World

SAID = "> RCPT TO:<ada@example.org>\n< 450 4.2.1 busy"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=30))


async def claimed(world: World, ledger: Ledger, count: int = 1) -> list[Attempt]:
    sender = await world.sender()
    await world.emails(sender, None, count)
    return [
        c.attempt
        for c in (
            await ledger.claim(sender, of_campaigns={}, single=count, account_version=1)
        ).claims
    ]


def deferred(attempt: Attempt, said: str = SAID) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.DEFERRED,
        evidence="rejected",
        phase="rcpt",
        reply_code=450,
        retry_in=timedelta(0),
        is_deferral=True,
        dialogue=said,
    )


async def test_it_is_read_back_beside_its_attempt(
    world: World, database: Database, ledger: Ledger
) -> None:
    first, second = await claimed(world, ledger, 2)
    taken = Outcome(attempt=second, state=JobState.SENT, evidence="sent", reply_code=250)
    assert await ledger.record([deferred(first), taken]) == [True, True]
    assert await ledger.record([deferred(first), taken]) == [True, True]  # safe to run again
    email_queries = EmailQueries(database, FixedMeter())
    (attempt,) = (await email_queries.email(world.owner_id, first.email_id)).attempts
    assert attempt.dialogue == tuple(SAID.splitlines())
    (attempt,) = (await email_queries.email(world.owner_id, second.email_id)).attempts
    assert attempt.dialogue == ()
    assert await world.fetchval("SELECT count(*) FROM attempt_dialogues") == 1


async def test_what_was_kept_once_is_not_written_over(world: World, ledger: Ledger) -> None:
    (attempt,) = await claimed(world, ledger)
    await ledger.record([deferred(attempt)])
    await ledger.record([deferred(attempt, "another")])
    assert await world.fetchval("SELECT said FROM attempt_dialogues") == SAID


async def test_what_was_said_many_attempts_ago_goes(world: World, ledger: Ledger) -> None:
    (first, other) = await claimed(world, ledger, 2)
    await ledger.record([deferred(first), deferred(other)])
    for number in (MAX_DIALOGUES, MAX_DIALOGUES + 1):
        await world.execute(
            "INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome, ended_at) "
            "SELECT email_id, $2, sender_id, worker_run, outcome, ended_at FROM attempts "
            "WHERE email_id = $1 AND attempt = 1",
            first.email_id,
            number,
        )
        await ledger.record([deferred(first._replace(number=number))])
        kept = await world.fetch(
            "SELECT attempt FROM attempt_dialogues WHERE email_id = $1 ORDER BY attempt",
            first.email_id,
        )
        assert [row["attempt"] for row in kept][-1] == number
        assert (kept[0]["attempt"] == 1) == (number == MAX_DIALOGUES)
    assert await world.fetchval("SELECT count(*) FROM attempt_dialogues") == 3


async def test_without_evidence_or_against_a_250_nothing_is_kept(
    world: World, ledger: Ledger
) -> None:
    gone, sent = await claimed(world, ledger, 2)
    await ledger.record([Outcome(attempt=sent, state=JobState.SENT, evidence="sent")])
    await world.execute("DELETE FROM emails WHERE id = $1", gone.email_id)
    late = replace(deferred(sent), state=JobState.IN_DOUBT, evidence="in_doubt")
    await ledger.record([deferred(gone), late])
    assert await world.fetchval("SELECT count(*) FROM attempt_dialogues") == 0


async def test_its_commit_alone_waits_for_no_disk(
    world: World, database: Database, ledger: Ledger
) -> None:
    """Outcomes go over the same connection, before it and after it."""
    (attempt,) = await claimed(world, ledger)
    await ledger.record([deferred(attempt)])
    await world.execute("DELETE FROM attempt_dialogues")
    said = [attempt.email_id], [attempt.number], [SAID], MAX_DIALOGUES
    async with database.driver() as driver:
        else_it_is = await driver.fetchval("SHOW synchronous_commit")
        async with driver.transaction():
            await driver.execute(statement("dialogues"), *said)
            assert await driver.fetchval("SHOW synchronous_commit") == "off"
        assert await driver.fetchval("SHOW synchronous_commit") == else_it_is
        await driver.execute(statement("dialogues"), *said)
        assert await driver.fetchval("SHOW synchronous_commit") == else_it_is
    assert await world.fetchval("SELECT said FROM attempt_dialogues") == SAID


async def test_it_goes_with_its_email(world: World, ledger: Ledger) -> None:
    (attempt,) = await claimed(world, ledger)
    await ledger.record([deferred(attempt)])
    await world.execute("DELETE FROM emails")
    assert await world.fetchval("SELECT count(*) FROM attempt_dialogues") == 0
