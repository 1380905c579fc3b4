"""A database that goes back to an earlier moment mails nobody twice, whoever took it there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.bootstrap.backup import archive
from paceline.bootstrap.backup.making import back_up
from paceline.bootstrap.backup.programs import programs_for, way_to
from paceline.bootstrap.backup.restoring import restore
from paceline.bootstrap.worker import running_worker
from paceline.domain.lifecycle import JobState
from paceline.errors import Conflict
from paceline.persistence.database import Database
from paceline.persistence.ledger import Attempt, Ledger, Outcome
from paceline.persistence.witness import Beat, HeldBack, beat, hold_back, installation_of
from paceline.persistence.workers import sign_on
from paceline.sending.recovery import Recovery
from paceline.services.held import Evidence, Fate, Held
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import World, settings_for

EVERYBODY = 20
BEFORE, BY_THE_END = 8, 15  # taken when the backup is made, and when all is lost


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


class Gate:
    """Keeps the sink's answer to the nth email back, until it is opened."""

    def __init__(self) -> None:
        self.taken = 0
        self.stops: dict[int, tuple[asyncio.Event, asyncio.Event]] = {}

    def stop_at(self, n: int) -> tuple[asyncio.Event, asyncio.Event]:
        """(it has come to that, open it)"""
        return self.stops.setdefault(n, (asyncio.Event(), asyncio.Event()))

    async def __call__(self, _: str) -> None:
        self.taken += 1
        if self.taken in self.stops:
            come, go_on = self.stops[self.taken]
            come.set()
            await go_on.wait()


@asynccontextmanager
async def another_world(settings: Settings, owner_id: uuid.UUID) -> AsyncIterator[World]:
    """The same owner's, over connections that know nothing of what was there before."""
    database = Database(settings.database.url)
    try:
        yield World(database, owner_id)
    finally:
        await database.close()


async def held_by(database: Database, *, known: int = 5) -> int:
    """How many a hold puts in doubt."""
    held = await hold_back(database, known=known)
    assert held is not None
    return held.emails


async def until_settled(world: World, ids: list[uuid.UUID]) -> None:
    """Until nothing is on its way and nothing that is due waits."""

    async def there() -> bool:
        return set(await world.states(ids)) <= {"sent", "in_doubt", "failed"}

    await world.until(there)


async def are_recorded(world: World, count: int) -> bool:
    sent = "SELECT count(*) FROM email_jobs WHERE state = 'sent'"
    return bool(await world.fetchval(sent) == count)


async def a_beat_later(world: World) -> None:
    """A rollback shorter than a beat is not noticed."""
    now = await world.fetchval("SELECT beat FROM installation")
    async with asyncio.timeout(60):
        while await world.fetchval("SELECT beat FROM installation") < now + 2:
            await asyncio.sleep(0.05)


async def mid_campaign(
    settings: Settings,
    world: World,
    sink: Sink,
    folder: Path,
    *,
    file: Path,
    hourly_limit: int | None = None,
) -> list[uuid.UUID]:
    """Back up while the campaign goes out, let more of it go out, then stop; all that was due."""
    gate = Gate()
    sink.before_reply = gate
    sender_id = await world.sender(port=sink.port, max_connections=1, hourly_limit=hourly_limit)
    campaign_id = await world.campaign(sender_id)
    ids = await world.emails(sender_id, campaign_id, EVERYBODY)
    backed_up, go_on = gate.stop_at(BEFORE + 1)
    lost, give_up = gate.stop_at(BY_THE_END)
    async with running_worker(settings, black_boxes=folder) as worker:
        await world.signal(sender_id)
        await backed_up.wait()
        await world.until(lambda: are_recorded(world, BEFORE))
        await back_up(settings.database.url, file, home=folder)
        await a_beat_later(world)
        go_on.set()
        await lost.wait()
        await world.execute("UPDATE senders SET state = 'paused', updated_at = now()")
        give_up.set()
        await worker.stop()
    assert gate.taken == BY_THE_END
    return ids


async def test_a_restored_backup_sends_nothing_twice_and_the_rest_once_it_is_settled(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    file, folder = tmp_path / "paceline.backup", tmp_path / "boxes"
    async with Sink() as sink:
        ids = await mid_campaign(settings, world, sink, folder, file=file)
        done = await restore(settings.database.url, file, home=tmp_path, replace=True)
        assert done.held is not None
        assert done.held.emails == EVERYBODY - BEFORE
        async with another_world(settings, world.owner_id) as after:
            (sender_id,) = (row["id"] for row in await after.fetch("SELECT id FROM senders"))
            later = await after.emails(
                sender_id, None, ["later@example.org"], due_in=timedelta(hours=1)
            )
            new = await after.emails(sender_id, None, ["new@example.org"])
            held = Held(after.database)
            async with running_worker(settings, black_boxes=folder) as worker:
                await after.signal(sender_id)
                await after.until_all_are(new, "sent")  # new mail goes on
                assert await after.states(later) == ["scheduled"]
                assert sum(g.emails for g in await held.groups()) == EVERYBODY - BEFORE
                assert len(sink.taken) == BY_THE_END + 1
                log = [f"postfix/cleanup[7]: 4F2: message-id={t.message_id}" for t in sink.taken]
                settled = await held.settle(Evidence.read(log, addresses=False))
                assert settled == BY_THE_END - BEFORE
                assert await held.decide(Fate.RELEASE) == EVERYBODY - BY_THE_END
                await after.until_all_are(ids, "sent")
                await worker.stop()
    got = Counter(t.rcpt_to for t in sink.taken)
    assert len(got) == EVERYBODY + 1
    assert set(got.values()) == {1}


async def roll_back(settings: Settings, file: Path, folder: Path) -> None:
    """As a provider does it, who knows nothing of us."""
    address, env = way_to(settings.database.url)
    programs = programs_for(archive.read_manifest(file).postgresql, home=folder)
    with archive.opened(file) as dump:
        content = dump.read()
    command = [programs["pg_restore"], "--clean", "--if-exists", "--single-transaction"]
    await asyncio.to_thread(
        subprocess.run,
        [*command, "--no-owner", f"--dbname={address}"],
        input=content,
        env=env,
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("witness", ["Redis", "home"])
async def test_a_database_that_its_provider_took_back_is_noticed_at_the_start(
    settings: Settings, world: World, tmp_path: Path, witness: str
) -> None:
    file, folder = tmp_path / "paceline.backup", tmp_path / "boxes"
    async with Sink() as sink:
        ids = await mid_campaign(settings, world, sink, folder, file=file)
        await roll_back(settings, file, tmp_path)
        if witness == "home":
            with redis.Redis.from_url(settings.redis.url) as connection:
                connection.flushall()
        else:
            folder = tmp_path / "another machine's"
        async with another_world(settings, world.owner_id) as after:
            (sender_id,) = (row["id"] for row in await after.fetch("SELECT id FROM senders"))
            async with running_worker(settings, black_boxes=folder) as worker:
                await after.signal(sender_id)
                await until_settled(after, ids)
                states = Counter(await after.states(ids))
                await worker.stop()
    assert states == {"sent": BEFORE, "in_doubt": EVERYBODY - BEFORE}
    assert len(sink.taken) == BY_THE_END


async def test_hourly_limits_count_what_was_sent_in_the_time_that_is_lost(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    file, folder = tmp_path / "paceline.backup", tmp_path / "boxes"
    async with Sink() as sink:
        ids = await mid_campaign(settings, world, sink, folder, file=file, hourly_limit=100)
        await roll_back(settings, file, tmp_path)
        async with another_world(settings, world.owner_id) as after:
            (sender_id,) = (row["id"] for row in await after.fetch("SELECT id FROM senders"))
            async with running_worker(settings, black_boxes=folder) as worker:
                await until_settled(after, ids)
                new = await after.emails(sender_id, None, ["new@example.org"])
                await after.signal(sender_id)
                await after.until_all_are(new, "sent")
                await worker.stop()
        with redis.Redis.from_url(settings.redis.url) as connection:
            hours = connection.keys(f"email_rate:{sender_id}:*")  # one, or the next one, too
            assert sum(int(connection.get(hour) or 0) for hour in hours) == BY_THE_END + 1


async def test_a_worker_claims_nothing_from_a_database_behind_what_it_knows(
    database: Database, world: World
) -> None:
    sender_id = await world.sender()
    (email_id,) = await world.emails(sender_id, None, ["ada@example.org"])
    run, lease = uuid.uuid4(), timedelta(seconds=30)
    now = await beat(database, known=0)
    assert now is not None
    ahead = Ledger(database, worker_run=run, lease=lease, known_beat=lambda: now.number + 1)
    assert (await ahead.claim(sender_id, of_campaigns={}, single=1, account_version=1)).claims == ()
    assert await beat(database, known=now.number + 1) is None
    assert await held_by(database, known=now.number + 1) == 1
    assert await world.states([email_id]) == ["in_doubt"]
    assert await beat(database, known=now.number + 2) is not None
    assert (
        await ahead.claim(sender_id, of_campaigns={}, single=1, account_version=1)
    ).claims == ()  # in doubt
    (other,) = await world.emails(sender_id, None, ["grace@example.org"])
    claimed = await ahead.claim(sender_id, of_campaigns={}, single=1, account_version=1)
    assert [claim.attempt.email_id for claim in claimed.claims] == [other]


async def test_who_saw_the_time_that_is_lost_takes_what_is_held_for_no_second_rollback(
    database: Database, world: World
) -> None:
    seen = 3_600 * 24 * 365
    await hold_back(database, known=1)
    assert await beat(database, known=seen) is not None


class Halting(Database):
    """Comes to its second transaction, which is the first piece, and waits to be let go on."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=1)
        self.begun = 0
        self.come, self.go_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        self.begun += 1
        if self.begun == 2:
            self.come.set()
            await self.go_on.wait()
        async with super().transaction() as session:
            yield session


async def test_who_comes_late_to_a_hold_that_another_has_ended_holds_nothing_new(
    settings: Settings, database: Database, world: World
) -> None:
    sender_id = await world.sender()
    (old,) = await world.emails(sender_id, None, ["ada@example.org"])
    late = Halting(settings.database.url)
    try:
        async with asyncio.TaskGroup() as group:
            holding = group.create_task(hold_back(late, known=5))
            await late.come.wait()
            first = await hold_back(database, known=5)
            assert first is not None
            (new,) = await world.emails(sender_id, None, ["grace@example.org"])
            ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=30))
            assert (
                len(
                    (
                        await ledger.claim(sender_id, of_campaigns={}, single=1, account_version=1)
                    ).claims
                )
                == 1
            )
            late.go_on.set()
    finally:
        await late.close()
    assert await world.states([old, new]) == ["in_doubt", "claimed"]
    assert (first, holding.result()) == (
        HeldBack(since=first.since, emails=1),
        HeldBack(since=first.since, emails=0),
    )
    assert await hold_back(database, known=5) is None


async def test_a_hold_that_was_broken_off_goes_on_with_what_was_due_when_it_began(
    settings: Settings, database: Database, world: World
) -> None:
    sender_id = await world.sender()
    (old,) = await world.emails(sender_id, None, ["ada@example.org"])
    broken_off = Halting(settings.database.url)
    try:
        holding = asyncio.create_task(hold_back(broken_off, known=5))
        await broken_off.come.wait()
        holding.cancel()
        (new,) = await world.emails(sender_id, None, ["grace@example.org"])
        assert await held_by(database) == 1
    finally:
        await broken_off.close()
    assert await world.states([old, new]) == ["in_doubt", "scheduled"]


async def test_a_database_that_goes_back_into_a_hold_is_held_anew(
    database: Database, world: World
) -> None:
    sender_id = await world.sender()
    (email_id,) = await world.emails(sender_id, None, ["ada@example.org"])
    await world.execute(
        "UPDATE installation SET held_from = now() - interval '2 hours',"
        " held_until = now() - interval '1 hour', beat = 7"
    )
    assert await held_by(database, known=8) == 1
    assert await world.states([email_id]) == ["in_doubt"]


async def test_all_is_held_of_what_stands_in_many_pieces(
    database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.persistence.witness.PIECE", 3)
    sender_id = await world.sender()
    ids = await world.emails(sender_id, await world.campaign(sender_id), 10)
    await world.emails(sender_id, await world.campaign(sender_id, state="draft"), 10)
    ids += await world.emails(sender_id, None, 10)
    assert await held_by(database) == 20
    assert set(await world.states(ids)) == {"in_doubt"}
    await world.execute("UPDATE installation SET held_from = now(), held_until = NULL")
    assert await held_by(database) == 0  # once is enough


async def test_however_many_workers_there_are_the_beat_goes_on_about_once_a_second(
    database: Database, world: World
) -> None:
    begun = await world.fetchval("SELECT clock_timestamp()")
    beats = [await beat(database, known=0) for _ in range(50)]
    took = (await world.fetchval("SELECT clock_timestamp()") - begun).total_seconds()
    first, last = beats[0], beats[-1]
    assert first is not None
    assert last is not None
    assert last.number - first.number <= 1 + took / 0.9


async def test_a_beat_that_a_clock_ahead_of_ours_left_stops_none(
    database: Database, world: World
) -> None:
    await world.execute("UPDATE installation SET beat_at = now() + interval '1 hour', beat = 7")
    assert (await beat(database, known=0)) == Beat(
        installation=await installation_of(database), number=8
    )


async def test_while_it_is_being_held_nothing_is_claimed(database: Database, world: World) -> None:
    sender_id = await world.sender()
    await world.emails(sender_id, None, ["ada@example.org"])
    await world.execute("UPDATE installation SET held_from = now()")
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=30))
    assert (
        await ledger.claim(sender_id, of_campaigns={}, single=1, account_version=1)
    ).claims == ()
    assert await beat(database, known=0) is None


async def test_what_a_black_box_knew_of_the_time_that_is_lost_settles_what_is_held(
    database: Database, world: World
) -> None:
    sender_id = await world.sender()
    (email_id,) = await world.emails(sender_id, None, ["ada@example.org"])
    await hold_back(database, known=5)
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=30))
    told = Outcome(attempt=Attempt(email_id, 3), state=JobState.SENT, evidence="sent")
    assert await ledger.record([told]) == [True]
    assert await world.states([email_id]) == ["sent"]


async def test_a_rule_that_sends_doubtful_emails_again_leaves_alone_what_is_held(
    database: Database, world: World
) -> None:
    sender_id = await world.sender()
    campaign_id = await world.campaign(sender_id, doubt_policy="resend")
    ids = await world.emails(sender_id, campaign_id, 2)
    await world.execute(
        "UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now() - interval '1 day',"
        " attempt = 1 WHERE email_id = $1",
        ids[0],
    )
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome)"
        " VALUES ($1, 1, $2, $3, $4, 'in_doubt')",
        ids[0],
        sender_id,
        campaign_id,
        uuid.uuid4(),
    )
    assert await held_by(database) == 2
    await world.execute("UPDATE email_jobs SET in_doubt_at = now() - interval '1 day'")
    assert await Recovery(database).run() == set()
    assert await world.states(ids) == ["in_doubt", "in_doubt"]


async def test_what_is_dropped_is_never_sent_and_does_not_count_as_certain(
    database: Database, world: World
) -> None:
    sender_id = await world.sender()
    campaign_id = await world.campaign(sender_id)
    ids = await world.emails(sender_id, campaign_id, 3)
    other = await world.emails(sender_id, await world.campaign(sender_id), 2)
    await hold_back(database, known=5)
    held = Held(database)
    assert await held.decide(Fate.DROP, campaign_id=campaign_id) == 3
    assert await world.states(ids) == ["failed"] * 3
    assert await world.states(other) == ["in_doubt"] * 2
    assert await world.fetchval("SELECT failed FROM campaigns WHERE id = $1", campaign_id) == 3
    assert await world.fetchval("SELECT bool_and(may_have_left(email_id)) FROM email_jobs")


async def test_drafts_and_what_is_due_later_are_not_held(database: Database, world: World) -> None:
    sender_id = await world.sender()
    draft = await world.emails(sender_id, await world.campaign(sender_id, state="draft"), 2)
    later = await world.emails(sender_id, None, 2, due_in=timedelta(minutes=1))
    assert await held_by(database) == 0
    assert set(await world.states([*draft, *later])) == {"scheduled"}


async def test_a_list_of_addresses_settles_as_a_log_does(database: Database, world: World) -> None:
    sender_id = await world.sender()
    ids = await world.emails(
        sender_id, await world.campaign(sender_id), ["Ada@x.example", "b@x.example"]
    )
    await hold_back(database, known=5)
    held = Held(database)
    lines = ['"Ada Lovelace",ada@X.example,sent']
    assert await held.settle(Evidence.read(lines, addresses=False)) == 0
    assert await held.settle(Evidence.read(lines, addresses=True)) == 1
    assert await world.states(ids) == ["sent", "in_doubt"]


async def test_a_restore_is_refused_while_workers_are_at_work_or_where_something_is(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "paceline.backup"
    await back_up(settings.database.url, file, home=tmp_path)
    with pytest.raises(Conflict, match="--replace puts the backup in its place"):
        await restore(settings.database.url, file, home=tmp_path, replace=False)
    driver = await world.database.dedicated()
    await sign_on(driver)
    with pytest.raises(Conflict, match="1 workers are at work on it"):
        await restore(settings.database.url, file, home=tmp_path, replace=True)
    driver.terminate()


async def test_a_backup_that_is_damaged_is_refused_and_nothing_is_touched(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    sender_id = await world.sender()
    await world.emails(sender_id, None, 3)
    file = tmp_path / "paceline.backup"
    made = await back_up(settings.database.url, file, home=tmp_path)
    assert made.counts["emails"] == 3
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="replaces none"):
        await back_up(settings.database.url, file, home=tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(archive.Damaged):
        await restore(settings.database.url, file, home=tmp_path, replace=True)
    (tmp_path / "text").write_text("no backup")
    with pytest.raises(archive.Damaged, match="no backup"):
        await restore(settings.database.url, tmp_path / "text", home=tmp_path, replace=True)
    assert await world.fetchval("SELECT count(*) FROM emails") == 3


async def test_a_backup_that_pg_restore_cannot_read_never_gets_its_name(
    settings: Settings, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, programs, seen = tmp_path / "paceline.backup", tmp_path / "bin", tmp_path / "seen"
    programs.mkdir()
    for name in ("pg_dump", "psql"):
        (programs / name).symlink_to(programs_for(18, home=tmp_path)[name])
    broken = programs / "pg_restore"
    broken.write_text(f"#!/bin/sh\nls -A {tmp_path} > {seen}\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    with pytest.raises(Conflict, match="pg_restore cannot read what pg_dump wrote"):
        await back_up(settings.database.url, file, home=tmp_path)
    assert file.name not in seen.read_text().splitlines()
    assert {name for name in os.listdir(tmp_path) if file.name in name} == set()


async def test_a_backup_is_restored_where_there_is_nothing(
    settings: Settings, world: World, empty_database_url: str, tmp_path: Path
) -> None:
    sender_id = await world.sender()
    ids = await world.emails(sender_id, await world.campaign(sender_id), 5)
    file = tmp_path / "paceline.backup"
    await back_up(settings.database.url, file, home=tmp_path)
    await restore(empty_database_url, file, home=tmp_path, replace=False)
    database = Database(empty_database_url)
    try:
        assert set(await World(database).states(ids)) == {"in_doubt"}
    finally:
        await database.close()
