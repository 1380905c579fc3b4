"""What becomes of doubt: held, sent again by policy, or settled by a server that remembers."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest

from paceline.domain.lifecycle import FailureReason, JobState
from paceline.persistence.database import Database
from paceline.persistence.ledger import Attempt, Ledger, Outcome
from paceline.persistence.standing import Standing
from paceline.persistence.stores.campaigns import cancel_waiting, reopen
from paceline.persistence.stores.emails import cancel_one, settle_as_unsent
from paceline.sending.recovery import Recovery
from tests.world import World, leaving


async def doubtful(
    world: World,
    *,
    since: timedelta,
    policy: str = "hold",
    host: str = "127.0.0.1",
    account_version: int | None = 1,
) -> list[uuid.UUID]:
    """One email of a campaign that is complete but for its doubt."""
    sender = await world.sender(smtp_host=host)
    campaign = await world.campaign(sender, doubt_policy=policy, state="completed")
    ids = await world.emails(sender, campaign, 1)
    await world.signal(sender)
    await world.execute(
        "UPDATE email_jobs SET state = 'in_doubt', attempt = 1, dated_at = now() - $1::interval, "
        "in_doubt_at = now() - $1::interval WHERE email_id = ANY ($2)",
        since,
        ids,
    )
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome, account_version) "
        "SELECT id, 1, sender_id, $1, 'in_doubt', $2 FROM emails",
        uuid.uuid4(),
        account_version,
    )
    return ids


@pytest.mark.parametrize("since", [timedelta(minutes=20), timedelta(days=3)])
async def test_doubt_is_held_for_a_person_by_default(
    world: World, database: Database, since: timedelta
) -> None:
    ids = await doubtful(world, since=since)
    assert await Recovery(database).run() == set()
    assert await world.states(ids) == ["in_doubt"]


@pytest.mark.parametrize(
    ("policy", "host", "rule"),
    [("resend", "127.0.0.1", "campaign"), ("hold", "smtp.resend.com", "server")],
)
async def test_the_rule_that_had_it_sent_again_is_noted(
    world: World, database: Database, policy: str, host: str, rule: str
) -> None:
    await doubtful(world, since=timedelta(minutes=20), policy=policy, host=host)
    await Recovery(database).run()
    noted = await world.fetch("SELECT what, decided_by, detail FROM email_decisions")
    assert noted == [{"what": "sent_again", "decided_by": None, "detail": f'{{"rule": "{rule}"}}'}]


async def test_a_campaign_that_resends_waits_for_the_grace_period_first(
    world: World, database: Database
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=14), policy="resend")
    await Recovery(database).run()
    assert await world.states(ids) == ["in_doubt"]
    await world.execute("UPDATE email_jobs SET in_doubt_at = now() - interval '16 min'")
    senders = await Recovery(database).run()
    assert await world.states(ids) == ["deferred"]
    assert senders == {await world.fetchval("SELECT id FROM senders")}
    assert await world.fetchval("SELECT state FROM campaigns") == "active"


async def test_a_server_that_drops_second_copies_settles_doubt_by_itself(
    world: World, database: Database
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1), host="smtp.Resend.com")
    await Recovery(database).run()
    assert await world.states(ids) == ["deferred"]


CHANGES = {
    "host": ("smtp_host", "smtp.resend.com"),
    "port": ("smtp_port", 2465),
    "user name": ("smtp_username", "another"),
    "password": ("smtp_password", b"of another account"),
}


@pytest.mark.parametrize("changed", list(CHANGES))
async def test_a_doubt_about_one_account_is_not_settled_by_the_server_of_another(
    world: World, database: Database, changed: str
) -> None:
    host = "smtp.example.com" if changed == "host" else "smtp.resend.com"
    ids = await doubtful(world, since=timedelta(minutes=1), host=host)
    column, value = CHANGES[changed]
    await world.execute(f"UPDATE senders SET {column} = $1", value)
    assert await Recovery(database).run() == set()
    assert await world.states(ids) == ["in_doubt"]


async def test_what_else_changes_of_a_sender_leaves_its_account_the_same(
    world: World, database: Database
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1), host="smtp.resend.com")
    await world.execute("UPDATE senders SET name = 'New', smtp_port = smtp_port, hourly_limit = 1")
    await Recovery(database).run()
    assert await world.states(ids) == ["deferred"]


async def test_a_doubt_about_nobody_knows_which_account_is_held(
    world: World, database: Database
) -> None:
    ids = await doubtful(
        world, since=timedelta(minutes=1), host="smtp.resend.com", account_version=None
    )
    await Recovery(database).run()
    assert await world.states(ids) == ["in_doubt"]


@pytest.mark.parametrize(
    ("policy", "version", "state"),
    [("hold", 1, "claimed"), ("hold", 2, "in_doubt"), ("resend", 2, "claimed")],
)
async def test_what_waits_for_the_servers_sake_is_held_once_its_sender_is_moved(
    world: World, database: Database, policy: str, version: int, state: str
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1), policy=policy, host="smtp.resend.com")
    await Recovery(database).run()
    assert await world.states(ids) == ["deferred"]
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    of_campaigns = {await world.fetchval("SELECT id FROM campaigns"): 1}
    sender = await sender_of(world)
    await ledger.claim(sender, of_campaigns=of_campaigns, single=0, account_version=version)
    assert await world.states(ids) == [state]
    await world.execute("UPDATE email_jobs SET in_doubt_at = now() - interval '1 h'")
    await Recovery(database).run()
    assert await world.states(ids) == [state]


async def test_what_a_person_sends_again_goes_through_whatever_account_there_is(
    world: World, database: Database
) -> None:
    (email,) = await doubtful(world, since=timedelta(minutes=1), host="smtp.resend.com")
    await Recovery(database).run()
    await world.execute("UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now()")
    async with database.transaction() as session:
        await settle_as_unsent(session, world.owner_id, email)
        await reopen(session, await world.fetchval("SELECT id FROM campaigns"))
    await world.execute(
        "INSERT INTO email_decisions (email_id, what, decided_by) VALUES ($1, 'sent_again', 'Ada')",
        email,
    )
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    of_campaigns = {await world.fetchval("SELECT id FROM campaigns"): 1}
    sender = await sender_of(world)
    await ledger.claim(sender, of_campaigns=of_campaigns, single=0, account_version=2)
    assert await world.states([email]) == ["claimed"]


async def test_what_such_a_server_has_forgotten_is_held(world: World, database: Database) -> None:
    ids = await doubtful(world, since=timedelta(hours=24), host="smtp.resend.com")
    await Recovery(database).run()
    assert await world.states(ids) == ["in_doubt"]


@pytest.mark.parametrize(
    ("evidence", "state"), [("not_sent", JobState.SCHEDULED), ("rejected", JobState.DEFERRED)]
)
async def test_a_doubt_that_ends_with_not_sent_opens_its_campaign_and_wakes_its_lane(
    world: World, database: Database, evidence: str, state: JobState
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1))
    await world.execute("UPDATE lanes SET wake_at = 'infinity'")
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    late = Outcome(attempt=Attempt(ids[0], 1), state=state, evidence=evidence, phase="dot")
    assert await ledger.record([late]) == [True]
    assert await world.states(ids) == [state]
    assert await world.fetchval("SELECT state FROM campaigns") == "active"
    assert await world.fetchval("SELECT wake_at <= now() FROM lanes")


@pytest.mark.parametrize("completion_comes_first", [True, False])
async def test_a_campaign_is_not_completed_over_an_email_that_comes_back_at_that_moment(
    world: World, database: Database, completion_comes_first: bool
) -> None:
    ids = await doubtful(world, since=timedelta(minutes=1))
    await world.execute("UPDATE campaigns SET state = 'active'")
    sender = await world.fetchval("SELECT id FROM senders")
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    late = Outcome(attempt=Attempt(ids[0], 1), state=JobState.SCHEDULED, evidence="not_sent")
    async with database.driver() as driver, driver.transaction():
        # Both have begun and wait for the campaign's row: the completion's picture is an old one.
        await driver.execute("SELECT 1 FROM campaigns FOR UPDATE")
        both = [Standing(database).complete_campaigns(sender), ledger.record([late])]
        if not completion_comes_first:
            both.reverse()
        tasks = []
        for blocked, work in enumerate(both, start=1):
            tasks.append(asyncio.ensure_future(work))
            await world.until_blocked(blocked)
    await asyncio.gather(*tasks)
    # Whichever came first: the email waits, so the campaign runs, or runs again.
    assert await world.states(ids) == ["scheduled"]
    assert await world.fetchval("SELECT state FROM campaigns") == "active"


async def tried_again(
    world: World, database: Database, *, policy: str = "resend"
) -> tuple[Ledger, uuid.UUID, uuid.UUID]:
    """An email that is in doubt by its first attempt, and waits for its second."""
    sender = await world.sender()
    campaign = await world.campaign(sender, doubt_policy=policy)
    (email,) = await world.emails(sender, campaign, 1)
    await world.signal(sender)
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    first = await claimed(ledger, sender, campaign)
    await ledger.write_ahead(leaving(first))
    await ledger.record([Outcome(attempt=first, state=JobState.IN_DOUBT, evidence="in_doubt")])
    await world.execute("UPDATE email_jobs SET in_doubt_at = now() - interval '1 h'")
    await Recovery(database).run()
    assert await world.states([email]) == ["deferred"]
    return ledger, campaign, email


async def claimed(ledger: Ledger, sender: uuid.UUID, campaign: uuid.UUID) -> Attempt:
    (claim,) = (
        await ledger.claim(sender, of_campaigns={campaign: 1}, single=0, account_version=1)
    ).claims
    return claim.attempt


async def sender_of(world: World) -> uuid.UUID:
    sender: uuid.UUID = await world.fetchval("SELECT id FROM senders")
    return sender


def given_up(attempt: Attempt) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=JobState.FAILED,
        evidence="rejected",
        phase="rcpt",
        reply_code=421,
        reply_text="closing",
        failure_reason=FailureReason.ATTEMPTS_EXHAUSTED,
    )


async def stays_in_doubt(world: World, database: Database, email: uuid.UUID) -> None:
    """Nothing is left to be tried, whatever the policy: it is for a person to settle."""
    await world.execute("UPDATE email_jobs SET in_doubt_at = now() - interval '1 h'")
    assert await Recovery(database).run() == set()
    assert await world.states([email]) == ["in_doubt"]


async def test_what_may_have_left_before_is_in_doubt_rather_than_failed(
    world: World, database: Database
) -> None:
    ledger, campaign, email = await tried_again(world, database)
    second = await claimed(ledger, await sender_of(world), campaign)
    await ledger.write_ahead(leaving(second))
    assert await ledger.record([given_up(second)]) == [True]
    assert await ledger.record([given_up(second)]) == [True]  # a repeat, for want of an answer
    (row,) = await world.fetch("SELECT state, failure_reason, reply_text FROM email_jobs")
    assert tuple(row.values()) == ("in_doubt", None, "closing")
    assert await world.fetchval("SELECT failed FROM campaigns") == 0
    await stays_in_doubt(world, database, email)


async def test_late_evidence_ends_a_doubt_that_later_attempts_could_not(
    world: World, database: Database
) -> None:
    ledger, campaign, email = await tried_again(world, database)
    second = await claimed(ledger, await sender_of(world), campaign)
    await ledger.record([given_up(second)])
    late = Outcome(attempt=Attempt(email, 1), state=JobState.SENT, evidence="sent", phase="dot")
    assert await ledger.record([late]) == [True]
    assert await world.states([email]) == ["sent"]


async def test_what_may_have_left_is_in_doubt_rather_than_suppressed(
    world: World, database: Database
) -> None:
    ledger, campaign, email = await tried_again(world, database)
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason) VALUES ($1, $2, 'manual')",
        world.owner_id,
        "reader0@example.org",
    )
    sender = await sender_of(world)
    taken = await ledger.claim(sender, of_campaigns={campaign: 1}, single=0, account_version=1)
    assert (taken.claims, taken.suppressed) == ((), 1)
    await stays_in_doubt(world, database, email)


async def test_what_may_have_left_is_in_doubt_rather_than_cancelled(
    world: World, database: Database
) -> None:
    _, campaign, email = await tried_again(world, database)
    async with database.transaction() as session:
        await cancel_waiting(session, await sender_of(world), campaign)
    await stays_in_doubt(world, database, email)


async def test_calling_back_what_may_have_left_comes_too_late(
    world: World, database: Database
) -> None:
    _, _, email = await tried_again(world, database)
    async with database.transaction() as session:
        await cancel_one(session, world.owner_id, email)
    await stays_in_doubt(world, database, email)


@pytest.mark.parametrize("worker_is_dead", [True, False])
async def test_what_may_have_left_is_in_doubt_when_it_comes_back_to_a_cancelled_campaign(
    world: World, database: Database, worker_is_dead: bool
) -> None:
    ledger, campaign, email = await tried_again(world, database)
    second = await claimed(ledger, await sender_of(world), campaign)
    await world.execute("UPDATE campaigns SET state = 'cancelled'")
    if worker_is_dead:
        await world.execute("UPDATE email_jobs SET lease_until = now() - interval '1 s'")
        await Recovery(database).run()
    else:
        await ledger.record([Outcome(attempt=second, state=JobState.DEFERRED)])
    assert await world.states([email]) == ["in_doubt"]
    assert await world.fetchval("SELECT cancelled FROM campaigns") == 0


async def test_what_came_back_at_the_moment_of_a_cancellation_is_cancelled_by_the_keeper(
    world: World, database: Database
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 3)
    await world.signal(sender)
    await world.execute("UPDATE campaigns SET state = 'cancelled', finished_at = now()")
    running = await world.emails(sender, await world.campaign(sender), 1)
    await Recovery(database).run()
    assert await world.states(ids) == ["cancelled"] * 3
    assert await world.states(running) == ["scheduled"]
    assert await world.fetchval("SELECT cancelled FROM campaigns WHERE id = $1", campaign) == 3


async def test_a_doubt_that_came_back_at_the_moment_of_a_cancellation_stays(
    world: World, database: Database
) -> None:
    _, _, email = await tried_again(world, database)
    await world.execute("UPDATE campaigns SET state = 'cancelled', finished_at = now()")
    await Recovery(database).run()
    await stays_in_doubt(world, database, email)


async def test_a_campaign_is_not_completed_over_an_email_that_a_person_sends_again(
    world: World, database: Database
) -> None:
    (email,) = await doubtful(world, since=timedelta(minutes=1))
    await world.execute("UPDATE campaigns SET state = 'active'")
    campaign = await world.fetchval("SELECT id FROM campaigns")
    async with database.transaction() as session:
        await settle_as_unsent(session, world.owner_id, email)
        await reopen(session, campaign)
        completing = asyncio.ensure_future(
            Standing(database).complete_campaigns(await sender_of(world))
        )
        await world.until_blocked(1)
    assert await completing == []
    assert await world.fetchval("SELECT state FROM campaigns") == "active"
