"""An email that is deleted takes its attempts along, whoever writes of it at that moment."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from paceline.domain.lifecycle import JobState
from paceline.persistence.database import Database
from paceline.persistence.ledger import Attempt, Claim, Ledger, Outcome
from paceline.persistence.statements import statement
from tests.world import World, leaving

WAITS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
ATTEMPTS = "SELECT count(*) FROM attempts"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=30))


async def claimed(world: World, ledger: Ledger, count: int) -> Sequence[Claim]:
    sender = await world.sender()
    await world.emails(sender, None, count)
    claims = await ledger.claim(sender, of_campaigns={}, single=count, account_version=1)
    assert len(claims.claims) == count
    return claims.claims


def not_sent(attempt: Attempt) -> Outcome:
    return Outcome(attempt=attempt, state=JobState.SCHEDULED, evidence="not_sent", phase="connect")


async def somebody_waits(world: World, task: asyncio.Future[Any]) -> None:
    async with asyncio.timeout(20):
        while not await world.fetchval(WAITS):
            assert not task.done()


async def test_the_attempts_of_an_email_go_with_it_and_no_others(
    world: World, ledger: Ledger
) -> None:
    attempts = [claim.attempt for claim in await claimed(world, ledger, 3)]
    assert await ledger.write_ahead(leaving(*attempts)) == [True] * 3
    await world.execute(
        "INSERT INTO attempt_dialogues SELECT email_id, attempt, '> QUIT' FROM attempts"
    )
    gone = [attempt.email_id for attempt in attempts[:2]]
    await world.execute("DELETE FROM emails WHERE id = ANY ($1)", gone)
    left = await world.fetch(
        "SELECT a.email_id FROM attempts a JOIN attempt_dialogues d USING (email_id, attempt)"
    )
    assert [row["email_id"] for row in left] == [attempts[2].email_id]
    assert await world.fetchval(ATTEMPTS) == 1


async def test_a_write_ahead_that_was_first_goes_with_the_email(
    world: World, ledger: Ledger, database: Database
) -> None:
    [claim] = await claimed(world, ledger, 1)
    run = await world.fetchval("SELECT worker_run FROM email_jobs")
    async with database.driver() as driver, driver.transaction():
        await write_ahead(driver, run, claim.attempt)
        deleting = asyncio.ensure_future(world.execute("DELETE FROM emails"))
        await somebody_waits(world, deleting)
    await deleting
    assert await world.fetchval(ATTEMPTS) == 0


async def test_no_email_is_locked_at_a_write_ahead(
    world: World, ledger: Ledger, database: Database
) -> None:
    [claim] = await claimed(world, ledger, 1)
    async with database.driver() as driver, driver.transaction():
        await driver.execute("SELECT FROM emails FOR UPDATE")
        assert await ledger.write_ahead(leaving(claim.attempt)) == [True]


async def test_of_an_email_that_is_being_deleted_no_evidence_stays_behind(
    world: World, ledger: Ledger, database: Database
) -> None:
    [claim] = await claimed(world, ledger, 1)
    async with database.driver() as driver, driver.transaction():
        await driver.execute("DELETE FROM emails")
        late = asyncio.ensure_future(ledger.record([not_sent(claim.attempt)]))
        await somebody_waits(world, late)
    assert await late == [False]
    assert await world.fetchval(ATTEMPTS) == 0


async def test_who_holds_a_job_and_writes_its_attempt_meets_late_evidence_in_no_ring(
    world: World, ledger: Ledger, database: Database
) -> None:
    [claim] = await claimed(world, ledger, 1)
    assert await ledger.write_ahead(leaving(claim.attempt)) == [True]
    async with database.driver() as driver, driver.transaction():
        await driver.execute("SELECT FROM email_jobs FOR NO KEY UPDATE")
        late = asyncio.ensure_future(
            ledger.record(
                [Outcome(attempt=claim.attempt, state=JobState.DEFERRED, evidence="rejected")]
            )
        )
        await somebody_waits(world, late)
        await driver.execute("UPDATE attempts SET reply_text = NULL")
    assert await late == [True]


async def write_ahead(driver: asyncpg.Connection, run: uuid.UUID, attempt: Attempt) -> None:
    none: list[object] = []
    rows = await driver.fetch(
        statement("marks"), run, none, none, none, none, none, none,
        [attempt.email_id], [attempt.number], 30.0, [1], [None],
    )  # fmt: skip
    assert len(rows) == 1
