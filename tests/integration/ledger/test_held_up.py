"""Somebody holds a campaign's row, as a process that is frozen before its commit does."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from paceline.bootstrap.worker import running_worker
from paceline.domain.lifecycle import FailureReason, JobState
from paceline.engine.ending import end
from paceline.persistence.database import Database
from paceline.persistence.group_commit import GroupCommit
from paceline.persistence.ledger import Attempt, Ledger, Outcome
from paceline.persistence.marks import Marks
from paceline.persistence.taking_back import recover_expired
from paceline.sending.recovery import Recovery
from tests.integration.engine.sink import Sink
from tests.world import World, leaving, settings_for

LEASE = timedelta(seconds=30)
LOCKED = "SELECT 1 FROM {table} WHERE {key} = $1 FOR NO KEY UPDATE"
WAITS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
# What an outcome needs, beside the email's job.
NEEDED = [("campaigns", "id"), ("lanes", "sender_id"), ("email_jobs", "campaign_id")]


async def claimed(
    world: World, ledger: Ledger, count: int
) -> tuple[uuid.UUID, uuid.UUID, list[Attempt]]:
    """A sender's campaign, and attempts at all of its emails."""
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, count)
    await world.signal(sender)
    claims = (
        await ledger.claim(sender, of_campaigns={campaign: count}, single=0, account_version=1)
    ).claims
    attempts = [claim.attempt for claim in claims]
    assert await ledger.write_ahead(leaving(*attempts)) == [True] * count
    return sender, campaign, attempts


def sent(attempt: Attempt) -> Outcome:
    return Outcome(attempt=attempt, state=JobState.SENT, evidence="sent", phase="dot")


def later(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.DEFERRED,
        evidence="rejected",
        phase="rcpt",
        retry_in=timedelta(minutes=5),
    )


def gone(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.FAILED,
        evidence="rejected",
        phase="rcpt",
        failure_reason=FailureReason.REJECTED,
    )


@asynccontextmanager
async def recording(ledger: Ledger) -> AsyncIterator[GroupCommit[Outcome, bool]]:
    commit = GroupCommit(ledger.record, insist=True, unhindered=ledger.unhindered)
    task = asyncio.create_task(commit.run())
    try:
        yield commit
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("table", "key"), NEEDED)
async def test_one_campaign_that_is_held_keeps_no_outcome_of_another_unrecorded(
    table: str, key: str, world: World, hasty: Database
) -> None:
    ledger = Ledger(hasty, worker_run=uuid.uuid4(), lease=LEASE)
    sender, campaign, held = await claimed(world, ledger, 3)
    _, _, others = await claimed(world, ledger, 3)
    wanted = sender if table == "lanes" else campaign
    async with recording(ledger) as commit:
        async with world.database.driver() as frozen, frozen.transaction():
            await frozen.execute(LOCKED.format(table=table, key=key), wanted)
            # What waits again needs the lane, too.
            waits = [Outcome(attempt=each, state=JobState.SCHEDULED) for each in held]
            waiting = [asyncio.ensure_future(commit.submit(outcome)) for outcome in waits]
            done = await asyncio.gather(*(commit.submit(sent(attempt)) for attempt in others))
            assert done == [True] * 3
            assert not any(task.done() for task in waiting) or table == "campaigns"
        assert await asyncio.gather(*waiting) == [True] * 3


async def test_what_is_held_is_recorded_as_soon_as_it_is_let_go(
    world: World, hasty: Database
) -> None:
    ledger = Ledger(hasty, worker_run=uuid.uuid4(), lease=LEASE)
    _, campaign, held = await claimed(world, ledger, 3)
    async with recording(ledger) as commit:
        async with world.database.driver() as frozen, frozen.transaction():
            await frozen.execute(LOCKED.format(table="campaigns", key="id"), campaign)
            waiting = [asyncio.ensure_future(commit.submit(sent(attempt))) for attempt in held]
            assert await ledger.unhindered([sent(attempt) for attempt in held]) == [False] * 3
        assert await asyncio.gather(*waiting) == [True] * 3
    assert await world.fetchval("SELECT sent FROM campaigns WHERE id = $1", campaign) == 3


async def test_a_write_ahead_leaves_behind_what_would_keep_it_waiting(
    world: World, hasty: Database
) -> None:
    ledger = Ledger(hasty, worker_run=uuid.uuid4(), lease=LEASE)
    _, campaign, held = await claimed(world, ledger, 3)
    _, _, others = await claimed(world, ledger, 3)
    marks = Marks(ledger)
    loops = [asyncio.create_task(each.run()) for each in (marks.record, marks.write_ahead)]
    async with world.database.driver() as frozen, frozen.transaction():
        await frozen.execute(LOCKED.format(table="campaigns", key="id"), campaign)
        outcomes = [marks.record.submit(sent(attempt)) for attempt in held]
        ours = [marks.write_ahead.submit(departure) for departure in leaving(*others)]
        assert await asyncio.gather(*ours) == [True] * 3
        assert not any(outcome.done() for outcome in outcomes)
    assert await asyncio.gather(*outcomes) == [True] * 3
    await end(loops)


async def test_no_write_ahead_waits_for_outcomes_that_are_being_recorded(
    world: World, database_url: str
) -> None:
    patient = Database(f"{database_url}&lock_timeout=0")
    ledger = Ledger(patient, worker_run=uuid.uuid4(), lease=LEASE)
    _, campaign, (deferred, first) = await claimed(world, ledger, 2)
    _, _, (failed, second) = await claimed(world, ledger, 2)
    _, _, next_ones = await claimed(world, ledger, 2)
    marks = Marks(ledger)
    loops = [asyncio.create_task(each.run()) for each in (marks.record, marks.write_ahead)]
    async with asyncio.timeout(60), world.database.driver() as frozen:
        async with frozen.transaction():
            await frozen.execute(LOCKED.format(table="campaigns", key="id"), campaign)
            # Waits for this campaign, then takes the other one: what travels may do it vice versa.
            outcomes = [marks.record.submit(later(deferred)), marks.record.submit(gone(failed))]
            while not await world.fetchval(WAITS):
                pass
            outcomes += [marks.record.submit(sent(each)) for each in (first, second)]
            ours = [marks.write_ahead.submit(departure) for departure in leaving(*next_ones)]
            assert await asyncio.gather(*ours) == [True] * 2
            assert not any(outcome.done() for outcome in outcomes)
        assert await asyncio.gather(*outcomes) == [True] * 4
    await end(loops)
    await patient.close()


async def test_an_email_that_is_gone_is_held_by_nobody(world: World, hasty: Database) -> None:
    ledger = Ledger(hasty, worker_run=uuid.uuid4(), lease=LEASE)
    assert await ledger.unhindered([sent(Attempt(uuid.uuid4(), 1))]) == [True]


async def test_a_lane_that_is_held_keeps_nothing_of_other_senders_from_being_taken_back(
    world: World, hasty: Database
) -> None:
    dead = Ledger(hasty, worker_run=uuid.uuid4(), lease=timedelta(0))
    sender, _, held = await claimed(world, dead, 2)
    _, _, others = await claimed(world, dead, 2)
    async with world.database.driver() as frozen, frozen.transaction():
        await frozen.execute(LOCKED.format(table="lanes", key="sender_id"), sender)
        recovered = await recover_expired(hasty)
        assert {each.email_id for each in recovered} == {each.email_id for each in others}
    recovered = await recover_expired(hasty)
    assert {each.email_id for each in recovered} == {each.email_id for each in held}


async def test_while_a_campaign_is_held_its_leases_are_renewed_and_nothing_is_sent_twice(
    world: World, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = settings_for(f"{database_url}&lock_timeout=500ms", redis_url)
    async with (
        Sink() as sink,
        running_worker(settings, black_boxes=tmp_path / "blackbox") as running,
    ):
        held, other = [await world.sender(port=sink.port) for _ in range(2)]
        campaigns = [await world.campaign(each, doubt_policy="resend") for each in (held, other)]
        ids = await world.emails(held, campaigns[0], 4)
        others = await world.emails(other, campaigns[1], 40)
        async with world.database.driver() as frozen, frozen.transaction():
            await frozen.execute(LOCKED.format(table="campaigns", key="id"), campaigns[0])
            for sender in (held, other):
                await world.signal(sender)
            await world.until_all_are(others, "sent")
            await world.until_all_are(ids, "sending")
            first = await world.fetchval("SELECT max(lease_until) FROM email_jobs")
            lease = settings.worker.lease_seconds

            async def renewed() -> bool:
                least = await world.fetchval("SELECT min(lease_until) FROM email_jobs")
                return bool(least > first + timedelta(seconds=lease))

            await world.until(renewed)  # longer than any lease that was not
            await Recovery(world.database, resend_grace=timedelta(0)).run()
            assert set(await world.states(ids)) == {"sending"}
        await world.until_all_are(ids, "sent")
        await running.stop()
    assert set(Counter(taken.message_id for taken in sink.taken).values()) == {1}
    assert len(sink.taken) == len(ids) + len(others)
    # A slow machine may have handed an email back before its dot, which is no doubt.
    outcomes = Counter(row["outcome"] for row in await world.fetch("SELECT outcome FROM attempts"))
    assert outcomes["sent"] == len(sink.taken)
    assert outcomes.keys() <= {"sent", "not_sent"}
