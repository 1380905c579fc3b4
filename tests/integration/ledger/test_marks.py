"""Claim, write-ahead and record: each once, each again, each too late."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest

from paceline.domain.lifecycle import FailureReason, JobState
from paceline.engine.ending import end
from paceline.persistence.database import Database, DatabaseUnavailable
from paceline.persistence.ledger import Attempt, Claim, Departure, Ledger, Outcome
from paceline.persistence.marks import Marks
from paceline.persistence.stores.emails import change_one
from paceline.persistence.taking_back import recover_expired
from paceline.sending.consequences import released
from tests.world import World, leaving

LEASE = timedelta(seconds=30)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, worker_run=uuid.uuid4(), lease=LEASE)


async def claim(
    ledger: Ledger, sender_id: uuid.UUID, campaign_id: uuid.UUID | None, count: int = 10
) -> tuple[Claim, ...]:
    of_campaigns = {} if campaign_id is None else {campaign_id: count}
    single = count if campaign_id is None else 0
    return (
        await ledger.claim(sender_id, of_campaigns=of_campaigns, single=single, account_version=1)
    ).claims


async def test_emails_are_claimed_in_the_order_they_were_made(world: World, ledger: Ledger) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 7)
    claims = await claim(ledger, sender, campaign, 5)
    assert [c.attempt.email_id for c in claims] == ids[:5]
    assert {c.attempt.number for c in claims} == {1}


async def test_two_workers_never_claim_the_same_email(world: World, database: Database) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 300)
    ledgers = [Ledger(database, worker_run=uuid.uuid4(), lease=LEASE) for _ in range(6)]
    rounds = await asyncio.gather(
        *(claim(each, sender, campaign, 20) for each in ledgers for _ in range(3))
    )
    taken = [c.attempt.email_id for claims in rounds for c in claims]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(ids)


@pytest.mark.parametrize("state", ["draft", "paused", "cancelled", "completed"])
async def test_nothing_is_claimed_of_a_campaign_that_does_not_run(
    world: World, ledger: Ledger, state: str
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender, state=state)
    await world.emails(sender, campaign, 1)
    assert await claim(ledger, sender, campaign) == ()


@pytest.mark.parametrize("state", ["paused", "broken"])
async def test_nothing_is_claimed_of_a_sender_that_does_not_send(
    world: World, ledger: Ledger, state: str
) -> None:
    sender = await world.sender(state=state)
    await world.emails(sender, None, 1)
    assert await claim(ledger, sender, None) == ()


async def test_nothing_is_claimed_before_its_time(world: World, ledger: Ledger) -> None:
    sender = await world.sender()
    await world.emails(sender, None, 1, due_in=timedelta(minutes=1))
    assert await claim(ledger, sender, None) == ()


async def test_an_address_suppressed_meanwhile_fails_at_the_claim(
    world: World, ledger: Ledger
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, ["Gone@example.org", "here@example.org"])
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason) VALUES ($1, $2, 'manual')",
        world.owner_id,
        "gone@example.org",
    )
    claimed = await ledger.claim(sender, of_campaigns={}, single=10, account_version=1)
    assert [c.attempt.email_id for c in claimed.claims] == ids[1:]
    assert claimed.suppressed == 1
    assert await world.states(ids) == ["failed", "claimed"]


async def test_a_write_ahead_run_again_answers_the_same(world: World, ledger: Ledger) -> None:
    sender = await world.sender()
    await world.emails(sender, None, 2)
    attempts = [c.attempt for c in await claim(ledger, sender, None)]
    assert await ledger.write_ahead(leaving(*attempts)) == [True, True]
    assert await ledger.write_ahead(leaving(*attempts)) == [True, True]


async def test_a_write_ahead_of_another_worker_or_attempt_is_fenced(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    await world.emails(sender, None, 1)
    (taken,) = await claim(ledger, sender, None)
    stranger = Ledger(database, worker_run=uuid.uuid4(), lease=LEASE)
    earlier = Attempt(taken.attempt.email_id, taken.attempt.number - 1)
    assert await stranger.write_ahead(leaving(taken.attempt)) == [False]
    assert await ledger.write_ahead(leaving(earlier)) == [False]


async def test_a_cancelled_claim_is_fenced_before_the_dot(world: World, ledger: Ledger) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (taken,) = await claim(ledger, sender, None)
    await world.execute(
        "UPDATE email_jobs SET state = 'cancelled', lease_until = NULL WHERE email_id = $1", ids[0]
    )
    assert await ledger.write_ahead(leaving(taken.attempt)) == [False]


def sent(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.SENT,
        evidence="sent",
        phase="dot",
        reply_code=250,
        reply_enhanced="2.0.0",
        reply_text="taken",
    )


def refused(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.DEFERRED,
        evidence="rejected",
        phase="rcpt",
        reply_code=451,
        reply_text="later",
        retry_in=timedelta(minutes=5),
        is_deferral=True,
    )


async def test_an_outcome_recorded_twice_counts_once(world: World, ledger: Ledger) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 1)
    (taken,) = await claim(ledger, sender, campaign)
    await ledger.write_ahead(leaving(taken.attempt))
    assert await ledger.record([sent(taken.attempt)]) == [True]
    assert await ledger.record([sent(taken.attempt)]) == [True]
    assert await world.fetchval("SELECT sent FROM campaigns WHERE id = $1", campaign) == 1
    assert await world.fetchval("SELECT count(*) FROM attempts") == 1


async def test_a_deferral_recorded_twice_uses_up_one_try_and_moves_the_time_once(
    world: World, ledger: Ledger
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (taken,) = await claim(ledger, sender, None)
    read = "SELECT deferrals, due_at, state FROM email_jobs WHERE email_id = $1"
    await ledger.record([refused(taken.attempt)])
    first = await world.fetch(read, ids[0])
    await ledger.record([refused(taken.attempt)])
    assert await world.fetch(read, ids[0]) == first
    assert first[0]["deferrals"] == 1


async def test_the_same_message_id_and_date_go_with_every_attempt(
    world: World, ledger: Ledger
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (first,) = await claim(ledger, sender, None)
    await ledger.record([refused(first.attempt)])
    await world.execute("UPDATE email_jobs SET due_at = now() WHERE email_id = $1", ids[0])
    (second,) = await claim(ledger, sender, None)
    assert second.attempt.number == 2
    assert (second.message_id, second.dated_at) == (first.message_id, first.dated_at)


async def expire(world: World) -> None:
    await world.execute(
        "UPDATE email_jobs SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"
    )


async def test_a_lost_claim_waits_again_and_a_lost_write_ahead_is_in_doubt(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 2)
    first, _ = await claim(ledger, sender, None)
    await ledger.write_ahead(leaving(first.attempt))
    await expire(world)
    recovered = await recover_expired(database)
    assert {r.email_id for r in recovered} == set(ids)
    assert await world.states(ids) == ["in_doubt", "scheduled"]


async def test_a_recovery_signals_the_lane(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    await world.emails(sender, None, 1)
    await world.signal(sender)
    await claim(ledger, sender, None)
    await expire(world)
    await recover_expired(database)
    assert await world.fetchval("SELECT signal_seq FROM lanes WHERE sender_id = $1", sender) == 2


async def test_late_evidence_turns_doubt_into_sent(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (taken,) = await claim(ledger, sender, None)
    await ledger.write_ahead(leaving(taken.attempt))
    await expire(world)
    await recover_expired(database)
    assert await ledger.record([sent(taken.attempt)]) == [True]
    assert await world.states(ids) == ["sent"]
    assert await world.fetchval("SELECT outcome FROM attempts") == "sent"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
async def test_late_evidence_turns_what_was_given_up_into_sent(
    world: World, ledger: Ledger, database: Database, state: str
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 1)
    (old,) = await claim(ledger, sender, campaign)
    await ledger.write_ahead(leaving(old.attempt))
    await world.execute(
        """
        UPDATE email_jobs SET state = $2, lease_until = NULL, attempt = attempt + 1,
               failure_reason = CASE WHEN $2 = 'failed' THEN 'rejected' END
         WHERE email_id = $1
        """,
        ids[0],
        state,
    )
    assert await ledger.record([sent(old.attempt)]) == [True]
    assert await world.states(ids) == ["sent"]
    counts = await world.fetch("SELECT sent, failed, cancelled FROM campaigns")
    assert [tuple(row.values()) for row in counts] == [(1, 0, 0)]


async def test_late_evidence_of_an_older_attempt_fences_the_newer_one(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (old,) = await claim(ledger, sender, None)
    await ledger.write_ahead(leaving(old.attempt))
    await expire(world)
    await recover_expired(database)
    await world.execute(
        "UPDATE email_jobs SET state = 'deferred', in_doubt_at = NULL WHERE email_id = $1", ids[0]
    )
    (new,) = await claim(ledger, sender, None)
    assert await ledger.record([sent(old.attempt)]) == [True]
    assert await world.states(ids) == ["sent"]
    assert await ledger.write_ahead(leaving(new.attempt)) == [False]


async def test_a_late_refusal_changes_nothing_that_has_moved_on(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (old,) = await claim(ledger, sender, None)
    await expire(world)
    await recover_expired(database)
    (new,) = await claim(ledger, sender, None)
    assert await ledger.record([refused(old.attempt)]) == [False]
    assert await ledger.write_ahead(leaving(new.attempt)) == [True]
    assert await world.states(ids) == ["sending"]


async def test_a_heartbeat_keeps_what_is_ours_and_names_nothing_else(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    await world.emails(sender, None, 2)
    kept, lost = await claim(ledger, sender, None)
    await world.execute(
        "UPDATE email_jobs SET lease_until = now() - interval '1 s' WHERE email_id = $1",
        lost.attempt.email_id,
    )
    await recover_expired(database)
    ours = await ledger.heartbeat([kept.attempt, lost.attempt])
    assert ours == {kept.attempt: True}


async def test_a_heartbeat_waits_for_no_row_that_is_being_written(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    await world.emails(sender, None, 2)
    free, locked = await claim(ledger, sender, None)
    async with database.driver() as driver, driver.transaction():
        await driver.execute(
            "SELECT 1 FROM email_jobs WHERE email_id = $1 FOR UPDATE", locked.attempt.email_id
        )
        async with asyncio.timeout(5):
            ours = await ledger.heartbeat([free.attempt, locked.attempt])
    assert ours == {free.attempt: True, locked.attempt: False}


def bounced(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.FAILED,
        evidence="rejected",
        phase="rcpt",
        reply_code=550,
        reply_enhanced="5.1.1",
        reply_text="no such user",
        failure_reason=FailureReason.HARD_BOUNCE,
        suppress=True,
    )


async def test_a_hard_bounce_suppresses_the_address_in_the_same_statement(
    world: World, ledger: Ledger
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, ["Nobody@example.org"])
    (taken,) = await claim(ledger, sender, None)
    await ledger.record([bounced(taken.attempt)])
    assert await world.states(ids) == ["failed"]
    assert await world.fetchval("SELECT address_key FROM suppressions") == "nobody@example.org"
    assert await world.fetchval("SELECT reply FROM suppressions") == "550 5.1.1 no such user"
    assert await world.fetchval("SELECT email_id FROM suppressions") == ids[0]


async def change_to(world: World, database: Database, email_id: uuid.UUID, address: str) -> None:
    values = {"address": address, "address_key": address}
    async with database.transaction() as session:
        assert await change_one(session, world.owner_id, email_id, values, said=address)


@pytest.mark.parametrize("claimed_again", [False, True])
async def test_a_late_hard_bounce_does_not_suppress_the_address_that_was_put_in_its_place(
    world: World, ledger: Ledger, database: Database, claimed_again: bool
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, ["ann@example.org"])
    (old,) = await claim(ledger, sender, None)
    await expire(world)
    await recover_expired(database)
    await change_to(world, database, ids[0], "bob@example.org")
    if claimed_again:
        await claim(ledger, sender, None)
    assert await ledger.record([bounced(old.attempt)]) == [False]
    assert await world.fetch("SELECT address_key FROM suppressions") == []
    assert await world.states(ids) == ["claimed" if claimed_again else "scheduled"]


async def test_a_late_hard_bounce_suppresses_an_address_that_nobody_has_changed(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    await world.emails(sender, None, ["ann@example.org"])
    (old,) = await claim(ledger, sender, None)
    await expire(world)
    await recover_expired(database)
    assert await ledger.record([bounced(old.attempt)]) == [False]
    assert await world.fetchval("SELECT address_key FROM suppressions") == "ann@example.org"


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_a_hard_bounce_suppresses_the_address_that_an_email_was_changed_to(
    world: World, ledger: Ledger, database: Database, in_doubt: bool
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, ["ann@example.org"])
    await change_to(world, database, ids[0], "bob@example.org")
    (taken,) = await claim(ledger, sender, None)
    if in_doubt:
        await ledger.write_ahead(leaving(taken.attempt))
        await expire(world)
        await recover_expired(database)
    assert await ledger.record([bounced(taken.attempt)]) == [True]
    assert await world.states(ids) == ["failed"]
    assert await world.fetchval("SELECT address_key FROM suppressions") == "bob@example.org"


async def test_what_comes_back_to_a_cancelled_campaign_is_cancelled_with_it(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 3)
    refused_one, lost, arrived = await claim(ledger, sender, campaign)
    await world.execute("UPDATE campaigns SET state = 'cancelled' WHERE id = $1", campaign)
    await ledger.record([refused(refused_one.attempt)])
    await ledger.write_ahead(leaving(arrived.attempt))
    await ledger.record([sent(arrived.attempt)])
    await expire(world)
    assert [r.email_id for r in await recover_expired(database)] == [lost.attempt.email_id]
    assert await world.states(ids) == ["cancelled", "cancelled", "sent"]


async def twice_tried(world: World, ledger: Ledger, database: Database) -> tuple[Attempt, Attempt]:
    """Two attempts of one email in the hands of one worker: it was frozen, and lost the first."""
    sender = await world.sender()
    await world.emails(sender, None, 1)
    (old,) = await claim(ledger, sender, None)
    await expire(world)
    await recover_expired(database)
    (new,) = await claim(ledger, sender, None)
    return old.attempt, new.attempt


async def test_the_yes_to_an_attempt_is_none_to_an_earlier_one_in_the_same_batch(
    world: World, ledger: Ledger, database: Database
) -> None:
    old, new = await twice_tried(world, ledger, database)
    assert await ledger.write_ahead(leaving(old, new)) == [False, True]
    assert await ledger.write_ahead(leaving(new, old)) == [True, False]
    assert await ledger.heartbeat([old, new]) == {new: True}


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_attempts_recorded_together_the_one_that_was_sent_counts(
    world: World, ledger: Ledger, database: Database, order: int
) -> None:
    old, new = await twice_tried(world, ledger, database)
    both = [sent(old), refused(new)]
    assert await ledger.record(both[::order]) == [True, False][::order]
    assert await world.fetchval("SELECT state FROM email_jobs") == "sent"
    outcomes = await world.fetch("SELECT outcome FROM attempts ORDER BY attempt")
    assert [row["outcome"] for row in outcomes] == ["sent", "rejected"]


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_attempts_recorded_together_the_later_one_counts(
    world: World, ledger: Ledger, database: Database, order: int
) -> None:
    old, new = await twice_tried(world, ledger, database)
    both = [released(old, deferrals=0), refused(new)]
    assert await ledger.record(both[::order]) == [False, True][::order]
    assert await world.fetchval("SELECT state FROM email_jobs") == "deferred"


@pytest.mark.parametrize("later_is_taken", [True, False])
async def test_a_late_250_counts_while_a_later_attempt_is_under_way(
    world: World, ledger: Ledger, database: Database, later_is_taken: bool
) -> None:
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (old,) = await claim(ledger, sender, None)
    await ledger.write_ahead(leaving(old.attempt))
    await expire(world)
    await recover_expired(database)
    await world.execute("UPDATE email_jobs SET state = 'deferred', in_doubt_at = NULL")
    (new,) = await claim(ledger, sender, None)
    assert await ledger.write_ahead(leaving(new.attempt)) == [True]
    assert await ledger.record([sent(old.attempt)]) == [True]
    assert await world.states(ids) == ["sent"]
    # Whatever comes of the later one: it has arrived.
    later = sent(new.attempt) if later_is_taken else refused(new.attempt)
    await ledger.record([later])
    assert await world.states(ids) == ["sent"]


def taken(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.SENT,
        evidence="sent",
        phase="dot",
        reply_code=250,
        reply_enhanced="2.0.0",
        reply_text="Ok",
    )


async def evidence(world: World, attempt: Attempt) -> tuple[object, ...]:
    async with world.database.driver() as driver:
        row = await driver.fetchrow(
            "SELECT outcome, phase, reply_code, reply_enhanced, reply_text FROM attempts"
            " WHERE email_id = $1 AND attempt = $2",
            attempt.email_id,
            attempt.number,
        )
    return tuple(row or ())


async def test_what_was_taken_and_what_may_leave_next_are_marked_together(
    world: World, ledger: Ledger
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 4)
    attempts = [c.attempt for c in await claim(ledger, sender, campaign)]
    before, after = attempts[:2], attempts[2:]
    assert await ledger.write_ahead(leaving(*before)) == [True, True]
    outcomes = [taken(attempt) for attempt in before]
    assert await ledger.mark(leaving(*after), taken=outcomes) == ([True, True], [True, True])
    ids = [attempt.email_id for attempt in attempts]
    assert await world.states(ids) == ["sent", "sent", "sending", "sending"]
    assert await evidence(world, before[0]) == ("sent", "dot", 250, "2.0.0", "Ok")
    assert await evidence(world, after[0]) == ("sending", None, None, None, None)
    assert await world.fetchval("SELECT sent FROM campaigns WHERE id = $1", campaign) == 2


async def test_marks_that_are_made_again_answer_the_same_and_count_once(
    world: World, ledger: Ledger
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 2)
    before, after = (c.attempt for c in await claim(ledger, sender, campaign))
    await ledger.write_ahead(leaving(before))
    for recorded in (True, False):  # the second time it is no longer the short statement's
        marks = await ledger.mark(leaving(after), taken=[taken(before)])
        assert marks == ([True], [recorded])
    assert await ledger.record([taken(before)]) == [True]
    assert await world.fetchval("SELECT sent FROM campaigns WHERE id = $1", campaign) == 1


async def test_late_evidence_among_what_was_taken_is_kept_too(
    world: World, ledger: Ledger, database: Database
) -> None:
    late = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(0))
    sender = await world.sender()
    ids = await world.emails(sender, None, 2)
    (first,) = [c.attempt for c in await claim(late, sender, None, 1)]
    await late.write_ahead(leaving(first))
    await recover_expired(database)
    assert await world.states(ids) == ["in_doubt", "scheduled"]
    (second,) = [c.attempt for c in await claim(ledger, sender, None, 1)]
    await ledger.write_ahead(leaving(second))
    assert await ledger.record([taken(second), taken(first)]) == [True, True]
    assert await world.states(ids) == ["sent", "sent"]
    assert await evidence(world, first) == ("sent", "dot", 250, "2.0.0", "Ok")


async def test_nothing_more_leaves_of_an_email_that_turns_out_to_have_been_taken(
    world: World, ledger: Ledger, database: Database
) -> None:
    sender = await world.sender()
    (email,) = await world.emails(sender, None, 1)
    (first,) = [c.attempt for c in await claim(ledger, sender, None)]
    await ledger.write_ahead(leaving(first))
    await world.execute(
        "UPDATE email_jobs SET state = 'scheduled', lease_until = NULL WHERE email_id = $1", email
    )
    (second,) = [c.attempt for c in await claim(ledger, sender, None)]
    assert await ledger.mark(leaving(second), taken=[taken(first)]) == ([False], [False])
    assert await ledger.record([taken(first)]) == [True]
    assert await world.states([email]) == ["sent"]


class Away(Ledger):
    """Its database is away when something that was taken is recorded for the first time."""

    was_away = False

    async def mark(
        self, departures: Sequence[Departure], *, taken: Sequence[Outcome]
    ) -> tuple[list[bool], list[bool]]:
        if taken and not self.was_away:
            self.was_away = True
            raise DatabaseUnavailable("away")
        return await super().mark(departures, taken=taken)


async def test_of_an_email_that_was_taken_nothing_leaves_although_it_could_not_be_recorded(
    world: World, database: Database
) -> None:
    ledger = Away(database, worker_run=uuid.uuid4(), lease=LEASE)
    sender = await world.sender()
    ids = await world.emails(sender, None, 1)
    (old,) = await claim(ledger, sender, None)
    await ledger.write_ahead(leaving(old.attempt))
    await world.execute(
        "UPDATE email_jobs SET state = 'deferred', lease_until = NULL WHERE email_id = $1", ids[0]
    )
    (again,) = await claim(ledger, sender, None)
    await world.emails(sender, None, 1)
    (other,) = await claim(ledger, sender, None)
    marks = Marks(ledger)
    outcome = marks.record.submit(taken(old.attempt))
    writing = asyncio.create_task(marks.write_ahead.run())
    asked = [marks.write_ahead.submit(d) for d in leaving(again.attempt, other.attempt)]
    assert await asyncio.gather(*asked) == [False, True]
    assert ledger.was_away
    recording = asyncio.create_task(marks.record.run())
    assert await outcome
    assert await world.states(ids) == ["sent"]
    await end([writing, recording])
