"""Workers on the roll, and the queue as an administrator sees it."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from paceline import clock
from paceline.bootstrap.worker import RunningWorker
from paceline.engine.queue import PREFIX, LaneQueue, connect
from paceline.engine.roll import QueueEyes
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.services.cursors import pack
from paceline.services.queue_watch import JobPlace, LaneStanding, QueueWatch
from tests.world import World


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def eyes(redis: Redis) -> QueueEyes:
    return QueueEyes(redis, LaneQueue(redis))


@pytest.fixture
def watch(database: Database, eyes: QueueEyes) -> QueueWatch:
    return QueueWatch(database, eyes)


async def test_a_worker_is_on_the_roll_while_it_runs_and_off_it_when_it_stops(
    world: World, eyes: QueueEyes, worker: RunningWorker
) -> None:
    async def signed_on() -> bool:
        return len(await eyes.workers()) == 1

    await world.until(signed_on)
    [sign] = await eyes.workers()
    assert sign.name == "worker"
    assert sign.seen_ago < timedelta(seconds=30)
    await worker.stop()


async def test_each_lane_says_what_it_does(world: World, watch: QueueWatch, redis: Redis) -> None:
    now = clock.now()
    standings = {
        "parked": ("'infinity'", "now()"),
        "asleep": ("now() + interval '1 hour'", "now()"),
        "awake": ("now() + interval '20 s'", "NULL"),
        "stuck": ("now() - interval '1 minute'", "now()"),
    }
    senders = {}
    for standing, (wake_at, parked_at) in standings.items():
        senders[standing] = await world.sender(name=standing)
        await world.execute("DELETE FROM lanes WHERE sender_id = $1", senders[standing])
        await world.execute(
            "INSERT INTO lanes (sender_id, wake_at, parked_at, held_by) "
            f"VALUES ($1, {wake_at}, {parked_at}, 'schedule')",
            senders[standing],
        )
    await LaneQueue(redis).ring([senders["asleep"]])
    report = await watch.report()
    assert [(v.lane.sender, v.standing.value) for v in report.lanes] == [
        ("stuck", "stuck"),
        ("awake", "awake"),
        ("asleep", "asleep"),
        ("parked", "parked"),
    ]
    assert {v.lane.sender: v.place for v in report.lanes} == {
        "stuck": JobPlace.MISSING,
        "awake": JobPlace.MISSING,
        "asleep": JobPlace.QUEUED,
        "parked": JobPlace.MISSING,
    }
    assert set(report.counts.values()) == {1}
    asleep = await watch.report(standing=LaneStanding.ASLEEP)
    assert [v.lane.sender for v in asleep.lanes] == ["asleep"]
    wake_at = asleep.lanes[0].lane.wake_at
    assert wake_at is not None
    assert wake_at > now


async def test_lanes_are_paged_those_without_work_among_them(
    world: World, watch: QueueWatch
) -> None:
    for _ in range(5):
        sender = await world.sender()
        await world.execute(
            "INSERT INTO lanes (sender_id) VALUES ($1) ON CONFLICT DO NOTHING", sender
        )
    seen: list[uuid.UUID] = []
    cursor = None
    for _ in range(3):
        report = await watch.report(limit=2, cursor=cursor)
        seen += [view.lane.sender_id for view in report.lanes]
        cursor = report.next_cursor
    assert cursor is None
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    "cursor", ["x", pack("soon", str(uuid.UUID(int=1))), pack("infinity", "x")]
)
async def test_a_made_up_cursor_is_refused(watch: QueueWatch, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        await watch.report(cursor=cursor)


async def test_what_a_silent_worker_holds_is_shown_and_what_is_in_doubt(
    world: World, watch: QueueWatch
) -> None:
    sender = await world.sender()
    run = uuid.uuid4()
    held, doubtful = await world.emails(sender, None, 2)
    await world.execute(
        "UPDATE email_jobs SET state = 'claimed', worker_run = $2, attempt = 1, "
        "lease_until = now() + interval '5 s' WHERE email_id = $1",
        held,
        run,
    )
    await world.execute(
        "UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now(), attempt = 1 "
        "WHERE email_id = $1",
        doubtful,
    )
    report = await watch.report()
    [silent] = [view for view in report.workers if view.run == run]
    assert silent.sign is None
    assert silent.leases is not None
    assert silent.leases.count == 1
    assert report.doubts.count == 1
    assert report.redis_answers


async def test_without_redis_the_rest_is_shown(world: World, database: Database) -> None:
    nowhere = connect("redis://127.0.0.1:1/0")
    sender = await world.sender()
    await world.execute("INSERT INTO lanes (sender_id) VALUES ($1) ON CONFLICT DO NOTHING", sender)
    report = await QueueWatch(database, QueueEyes(nowhere, LaneQueue(nowhere))).report()
    assert not report.redis_answers
    assert [view.place for view in report.lanes] == [None]
    await nowhere.aclose()


async def test_a_worker_that_was_killed_is_not_shown_beside_its_successor(
    watch: QueueWatch, redis: Redis
) -> None:
    """One of another name, or on another machine, took nobody's place."""
    now = clock.now()
    signs = {
        "killed": ("worker-1", timedelta(minutes=9), timedelta(minutes=2)),
        "successor": ("worker-1", timedelta(minutes=1), timedelta()),
        "frozen": ("worker-2", timedelta(minutes=9), timedelta(minutes=2)),
        "neighbour": ("worker-3", timedelta(minutes=9), timedelta()),
        "older": ("worker-3", timedelta(minutes=9), timedelta(minutes=2)),
    }
    runs = {}
    for of, (name, started, seen) in signs.items():
        runs[of] = str(uuid.uuid4())
        who = {"name": name, "host": "here", "pid": 1, "version": "1", "lanes": 0}
        said = json.dumps({**who, "started_at": (now - started).isoformat()})
        await redis.hset(f"{PREFIX}:workers", runs[of], said)
        await redis.zadd(f"{PREFIX}:workers:seen", {runs[of]: (now - seen).timestamp()})
    shown = {str(view.run) for view in (await watch.report()).workers}
    assert {of for of, run in runs.items() if run in shown} == set(signs) - {"killed"}
