"""What is held stays right over a second restore, an older schema, and what goes on meanwhile."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from paceline.bootstrap.backup.making import back_up
from paceline.bootstrap.backup.programs import way_to
from paceline.bootstrap.backup.restoring import restore
from paceline.persistence.database import Database
from paceline.persistence.migrate import upgrade
from paceline.persistence.standing import Standing
from paceline.persistence.stores import held
from paceline.persistence.stores.held import Within
from paceline.persistence.witness import beat, hold_back, installation_of
from paceline.sending.recovery import Recovery
from paceline.services.held import Evidence, Held
from tests.world import World

BEFORE_WITNESSES = "0028"


async def an_old_doubt(world: World) -> uuid.UUID:
    """That its campaign's policy sends again."""
    sender_id = await world.sender()
    campaign_id = await world.campaign(sender_id, doubt_policy="resend")
    (email_id,) = await world.emails(sender_id, campaign_id, 1)
    await world.execute(
        "UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now() - interval '1 day',"
        " attempt = 1"
    )
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome)"
        " VALUES ($1, 1, $2, $3, $4, 'in_doubt')",
        email_id,
        sender_id,
        campaign_id,
        uuid.uuid4(),
    )
    return email_id


async def test_a_second_restore_of_the_same_backup_is_no_rollback_to_who_saw_the_first(
    database: Database, world: World
) -> None:
    before = await world.fetchval("SELECT beat FROM installation")
    await world.execute("UPDATE installation SET held_from = now()")
    await hold_back(database, known=0)
    seen = await beat(database, known=0)
    assert seen is not None
    await world.execute("UPDATE installation SET beat = $1, held_from = now()", before)
    await hold_back(database, known=0)  # as a restore does it, which hears nobody
    again = await beat(database, known=seen.number)
    assert again is not None
    assert again.number < 2**53  # Lua counts in doubles


async def test_a_backup_of_before_there_were_witnesses_is_restored_and_held(
    empty_database_url: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(upgrade, empty_database_url, revision=BEFORE_WITNESSES)
    file = tmp_path / "before.backup"
    database = Database(empty_database_url)
    try:
        world = await World.create(database, watched=False)
        sender_id = await world.sender()
        ids = await world.emails(sender_id, await world.campaign(sender_id), 2)
    finally:
        await database.close()
    made = await back_up(empty_database_url, file, home=tmp_path)
    assert made.schema == BEFORE_WITNESSES
    await asyncio.to_thread(upgrade, empty_database_url)
    database = Database(empty_database_url)
    try:
        known_as = await installation_of(database)
    finally:
        await database.close()
    done = await restore(empty_database_url, file, home=tmp_path, replace=True)
    assert done.held is not None
    assert done.held.emails == 2
    assert done.held.since.isoformat() == made.taken_at
    database = Database(empty_database_url)
    try:
        assert await installation_of(database) == known_as == world.owner_id
        assert set(await World(database, world.owner_id).states(ids)) == {"in_doubt"}
    finally:
        await database.close()


async def test_a_campaign_is_not_completed_over_what_is_released_at_that_moment(
    database: Database, world: World
) -> None:
    sender_id = await world.sender()
    ids = await world.emails(sender_id, await world.campaign(sender_id), 1)
    await hold_back(database, known=5)
    async with database.transaction() as session:
        await held.release(session, ids)
        completing = asyncio.ensure_future(Standing(database).complete_campaigns(sender_id))
        await asyncio.wait(
            [completing, asyncio.ensure_future(world.until_blocked(1))],
            return_when=asyncio.FIRST_COMPLETED,
        )
    assert await completing == []
    assert await world.states(ids) == ["deferred"]
    assert await world.fetchval("SELECT state FROM campaigns") == "active"


async def test_no_rule_sends_a_doubt_again_while_it_is_being_held(
    database: Database, world: World
) -> None:
    email_id = await an_old_doubt(world)
    await world.execute("UPDATE installation SET held_from = now()")
    assert await Recovery(database).run() == set()
    assert await world.states([email_id]) == ["in_doubt"]


async def test_no_rule_sends_a_doubt_again_from_a_database_behind_what_is_known(
    database: Database, world: World
) -> None:
    email_id = await an_old_doubt(world)
    now = await beat(database, known=0)
    assert now is not None
    assert await Recovery(database, known_beat=lambda: now.number + 1).run() == set()
    assert await world.states([email_id]) == ["in_doubt"]
    assert len(await Recovery(database, known_beat=lambda: now.number).run()) == 1


async def test_a_list_settles_the_campaign_that_it_is_of_and_no_other(
    database: Database, world: World
) -> None:
    sender_id, other = await world.sender(), await world.sender(from_address="b@example.com")
    autumn = await world.campaign(sender_id)
    one = await world.emails(sender_id, autumn, ["ada@example.org"])
    two = await world.emails(other, await world.campaign(other), ["ada@example.org"])
    await hold_back(database, known=5)
    of = Held(database)
    evidence = Evidence.read(["ada@example.org"], addresses=True)
    assert len(await of.told_of(evidence)) == 2
    within = Within(campaign_id=autumn)
    assert [(g.campaign_id, g.emails) for g in await of.told_of(evidence, within)] == [(autumn, 1)]
    assert await of.settle(evidence, within) == 1
    assert await world.states([*one, *two]) == ["sent", "in_doubt"]
    assert await of.settle(evidence, Within(sender="B@example.com")) == 1
    assert await world.states(two) == ["sent"]


async def test_what_is_due_later_is_told_while_something_is_held(
    database: Database, world: World
) -> None:
    sender_id = await world.sender()
    later = await world.campaign(sender_id, name="Winter")
    await world.emails(sender_id, later, 2, due_in=timedelta(days=1))
    draft = await world.campaign(sender_id, state="draft")
    await world.emails(sender_id, draft, 2, due_in=timedelta(days=1))
    of = Held(database)
    assert await of.later() == []
    await world.emails(sender_id, None, 1)
    await hold_back(database, known=5)
    await world.emails(sender_id, None, 1, due_in=timedelta(days=1))  # since
    assert [(g.campaign, g.emails) for g in await of.later()] == [("Winter", 2)]


def test_postgresqls_programs_get_of_the_environment_what_the_driver_takes_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSFILE", "/run/paceline/pgpass")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")  # the driver does not know it
    monkeypatch.setenv("PGPASSWORD", "another")
    address, env = way_to("postgresql://ada:mine@db.example/mail")
    assert address == "postgresql://ada@db.example/mail"
    assert env["PGPASSFILE"] == "/run/paceline/pgpass"
    assert env["PGSSLMODE"] == "verify-full"
    assert env["PGPASSWORD"] == "mine"
    assert "PGHOSTADDR" not in env
