"""What is written down about a sender, and what is too old to be."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from paceline.persistence.database import Database
from paceline.persistence.ledger import Ledger
from paceline.persistence.standing import Standing
from paceline.sending import resting
from paceline.sending.consequences import SenderEffect
from paceline.sending.resting import SenderHealth
from tests.world import World, leaving

HOUR = datetime(2026, 12, 1, 10, tzinfo=UTC)
SECOND, AN_HOUR = timedelta(seconds=1), timedelta(hours=1)


async def test_a_sender_that_was_mended_meanwhile_is_not_stopped_by_an_old_refusal(
    world: World, database: Database
) -> None:
    sender, standing = await world.sender(), Standing(database)
    before = await standing.look(sender)
    assert before is not None
    await world.execute("UPDATE senders SET smtp_host = 'new', updated_at = clock_timestamp()")
    await standing.mark_broken(sender, as_of=before.updated_at, reason="535 wrong password")
    assert await world.fetchval("SELECT state FROM senders") == "active"
    now = await standing.look(sender)
    assert now is not None
    await standing.mark_broken(sender, as_of=now.updated_at, reason="535 wrong password")
    assert await world.fetchval("SELECT state FROM senders") == "broken"


@pytest.mark.parametrize(
    ("said", "at_least"),
    [
        ("450 4.7.1 Throttled: try again in 60 seconds", timedelta(seconds=60)),
        ("450 4.7.1 Throttled", timedelta(0)),  # by one connection, while another goes on
    ],
)
async def test_a_stated_wait_is_believed_though_an_email_under_way_was_accepted_after_it(
    world: World, database: Database, said: str, at_least: timedelta
) -> None:
    sender = await world.sender()
    await SenderHealth(Standing(database)).note_trouble(
        sender,
        SenderEffect.LIMIT,
        as_of=HOUR,
        host_failures=0,
        reason=said,
        others_work=True,
    )
    rests = "SELECT resting_until - clock_timestamp() FROM senders WHERE id = $1"
    rest = await world.fetchval(rests, sender)
    assert at_least - timedelta(seconds=30) < rest < at_least + timedelta(seconds=30)


async def rests(health: SenderHealth, sender: uuid.UUID) -> None:
    await health.note_trouble(
        sender,
        SenderEffect.REST,
        as_of=HOUR,
        host_failures=0,
        reason="connection refused",
        others_work=False,
    )


async def test_a_sender_that_rests_again_and_again_is_one_line_whatever_is_accepted_between(
    world: World, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    health, senders = SenderHealth(Standing(database)), [await world.sender() for _ in range(2)]
    for sender in senders * 6:
        await rests(health, sender)
        health.note_acceptance(sender)
    assert len(caplog.messages) == 2
    for sender, line in zip(senders, caplog.messages, strict=True):
        assert line.startswith(f"sender {sender} rests: for ")
        assert line.endswith(" s: connection refused")


async def test_a_sender_that_has_rested_says_when_it_is_over(
    world: World,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(resting, "QUIET_SECONDS", 0.0)
    health, sender = SenderHealth(Standing(database)), await world.sender()
    for _ in range(2):
        for _ in range(3):
            await rests(health, sender)
        for _ in range(3):
            health.note_acceptance(sender)
    assert len(caplog.messages) == 4, "it begins and ends, twice"
    assert all(line.endswith("met 3 times") for line in caplog.messages[1::2])


@pytest.mark.parametrize(
    ("booked", "dot_at", "used"),
    [
        (HOUR, HOUR + SECOND, 1),
        (HOUR, HOUR - SECOND, 1),  # PostgreSQL's clock is behind Redis'
        (HOUR, HOUR + AN_HOUR, 1),  # booked at the very end of it
        (HOUR - AN_HOUR, HOUR + SECOND, 0),
        (HOUR - AN_HOUR, HOUR - SECOND, 0),
        (None, HOUR + SECOND, 1),  # from before the hour was kept
        (None, HOUR - SECOND, 0),
    ],
)
async def test_an_email_is_counted_in_the_hour_that_it_was_booked_in(
    world: World, database: Database, booked: datetime | None, dot_at: datetime, used: int
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    (email,) = await world.emails(sender, campaign, 1)
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome,"
        " dot_at, booked_hour) VALUES ($1, 1, $2, $3, $4, 'sent', $5, $6)",
        email,
        sender,
        campaign,
        uuid.uuid4(),
        dot_at,
        booked,
    )
    spent = await Standing(database).spent(sender, [campaign], HOUR)
    assert {key: one.used_this_hour for key, one in spent.items()} == {sender: used, campaign: used}


async def test_a_delay_is_rebuilt_from_the_end_of_an_email_and_not_from_its_write_ahead(
    world: World, database: Database
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    (email,) = await world.emails(sender, campaign, 1)
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome,"
        " dot_at, ended_at) VALUES ($1, 1, $2, $3, $4, 'sent',"
        " now() - interval '2 h', now() - interval '1 h')",
        email,
        sender,
        campaign,
        uuid.uuid4(),
    )
    spent = await Standing(database).spent(sender, [campaign], HOUR)
    for one in spent.values():
        assert one.last_seconds_ago == pytest.approx(3_600, abs=600)


async def test_the_write_ahead_keeps_account_and_hour(world: World, database: Database) -> None:
    sender = await world.sender()
    await world.emails(sender, None, 1)
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=12))
    taken = await ledger.claim(sender, of_campaigns={}, single=1, account_version=1)
    (departure,) = leaving(taken.claims[0].attempt)
    assert await ledger.write_ahead([departure]) == [True]
    kept = await world.fetch("SELECT account_version, booked_hour FROM attempts")
    assert kept == [{"account_version": 1, "booked_hour": departure.booked_hour}]


async def test_a_server_is_unreached_since_the_first_of_the_tries_in_a_row(
    world: World, database: Database
) -> None:
    standing, sender = Standing(database), await world.sender()

    async def since() -> object:
        return await world.fetchval("SELECT unreached_since FROM senders WHERE id = $1", sender)

    async def rest(*, in_a_row: bool = True, unreached: bool = True) -> object:
        await standing.rest(
            sender,
            pause=timedelta(seconds=5),
            reason="connection refused",
            in_a_row=in_a_row,
            unreached=unreached,
        )
        return await since()

    first = await rest()
    assert first is not None
    assert await rest() == first
    again = await rest(in_a_row=False)
    assert again not in (None, first)
    assert await rest(unreached=False) is None
    assert await rest() not in (None, first, again)
    await standing.host_reached(sender)
    assert await since() is None
