"""Lanes while PostgreSQL is silent; and while somebody holds a lane's row, which is an answer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from redis.asyncio import Redis

from paceline.engine import lane as module
from paceline.engine.lane import LaneRunner
from paceline.engine.queue import LaneQueue, connect
from paceline.engine.worker import LaneWorker
from paceline.persistence import lanes as rows
from paceline.persistence.database import Database, DatabaseBusy, DatabaseUnavailable
from paceline.persistence.lanes import Lanes, Rest
from tests.world import World

BUSY_FOR = timedelta(seconds=10)
LOCKED = "SELECT 1 FROM lanes WHERE sender_id = $1 FOR UPDATE"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


class Wire:
    """A way to PostgreSQL that says nothing while it is cut, and hangs up on nobody."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._tasks: set[asyncio.Task[None]] = set()
        self.whole = asyncio.Event()
        self.whole.set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._path)
        ways = [
            asyncio.create_task(self._copy(reader, back)),
            asyncio.create_task(self._copy(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.transport.abort()
            writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while octets := await reader.read(65_536):
                await self.whole.wait()
                writer.write(octets)


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    (folder,) = parse_qs(urlsplit(database_url).query)["host"]
    async with Wire(f"{folder}/.s.PGSQL.5432") as wire:
        yield wire


@pytest.fixture
async def far(database_url: str, wire: Wire) -> AsyncIterator[Database]:
    database = Database(f"postgresql://paceline@{wire.place}{urlsplit(database_url).path}")
    yield database
    await database.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(module, "ASK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(module, "TROUBLE_PAUSE", timedelta(milliseconds=200))


async def test_a_lane_hears_soon_that_postgresql_is_silent(
    world: World, far: Database, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = await world.sender()
    await world.signal(sender)
    lanes = Lanes(far)
    seq = await lanes.begin(sender, busy_for=BUSY_FOR)
    assert seq == 1
    wire.whole.clear()
    with monkeypatch.context() as soon:
        soon.setattr(rows, "ANSWER_SECONDS", 0.2)
        with pytest.raises(DatabaseUnavailable, match="no answer within"):
            await lanes.begin(sender, busy_for=BUSY_FOR)
        with pytest.raises(DatabaseUnavailable, match="no answer within"):
            await lanes.park(sender, signal_seq=seq, rest=Rest(wait=None))
    wire.whole.set()
    assert await lanes.park(sender, signal_seq=seq, rest=Rest(wait=None))


@pytest.mark.usefixtures("soon")
async def test_a_worker_that_postgresql_is_silent_to_takes_no_lanes_until_it_is_heard(
    world: World, far: Database, wire: Wire, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    senders = [await world.sender() for _ in range(6)]
    for sender in senders:
        await world.signal(sender)
    queue, begun, asked = LaneQueue(redis), list[uuid.UUID](), asyncio.Semaphore(0)
    begin, ask = Lanes.begin, Lanes.ask

    async def noted(self: Lanes, sender_id: uuid.UUID, *, busy_for: timedelta) -> int | None:
        begun.append(sender_id)
        return await begin(self, sender_id, busy_for=busy_for)

    async def counted(self: Lanes) -> None:
        try:
            await ask(self)
        finally:
            asked.release()

    monkeypatch.setattr(Lanes, "begin", noted)
    monkeypatch.setattr(Lanes, "ask", counted)
    turns: asyncio.Queue[uuid.UUID] = asyncio.Queue()

    async def take_turn(sender_id: uuid.UUID, *_: object) -> Rest:
        turns.put_nowait(sender_id)
        return Rest(wait=None)

    runner = LaneRunner(queue, Lanes(far), take_turn, stopping=asyncio.Event())
    worker = LaneWorker(redis, runner, lanes=1)
    await queue.ring(senders[:1])
    run = asyncio.create_task(worker.run())
    async with asyncio.timeout(60):
        await turns.get()
        wire.whole.clear()
        before = len(begun)
        await queue.ring(senders)
        for _ in range(4):  # as often as it would have taken another lane
            await asked.acquire()
        assert len(begun) <= before + 1
        wire.whole.set()
        heard: set[uuid.UUID] = set()
        while heard != set(senders):
            heard.add(await turns.get())
        worker.stop()
        await run


async def test_a_stopping_worker_does_not_wait_for_a_postgresql_that_is_silent(
    far: Database, redis: Redis
) -> None:
    async def take_turn(sender_id: uuid.UUID, *_: object) -> Rest:
        raise AssertionError

    runner = LaneRunner(LaneQueue(redis), Lanes(far), take_turn, stopping=asyncio.Event())
    asked, never = asyncio.Event(), asyncio.Event()

    async def silent() -> None:
        asked.set()
        await never.wait()

    runner.is_silent, runner.until_heard = True, silent  # type: ignore[method-assign]
    worker = LaneWorker(redis, runner, lanes=1)
    run = asyncio.create_task(worker.run())
    async with asyncio.timeout(60):
        await asked.wait()
        worker.stop()
        await run


async def test_a_lane_whose_row_somebody_holds_leaves_no_session_behind(
    world: World, hasty: Database
) -> None:
    sender = await world.sender()
    await world.signal(sender)
    async with world.database.driver() as held, held.transaction():
        await held.execute(LOCKED, sender)
        for _ in range(3):
            with pytest.raises(DatabaseBusy):
                await Lanes(hasty).begin(sender, busy_for=BUSY_FOR)
            with pytest.raises(DatabaseBusy):
                await Lanes(hasty).park(sender, signal_seq=1, rest=Rest(wait=None))
        waiting = """
            SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
        assert await world.fetchval(waiting) == 0


async def test_a_lane_whose_row_somebody_holds_is_not_given_up_for_silence(
    world: World, hasty: Database, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(module, "UNHEARD_SECONDS", 0.2)
    sender = await world.sender()
    await world.signal(sender)
    met = asyncio.Semaphore(0)
    begin = Lanes.begin

    async def counted(self: Lanes, sender_id: uuid.UUID, *, busy_for: timedelta) -> int | None:
        try:
            return await begin(self, sender_id, busy_for=busy_for)
        except DatabaseBusy:
            met.release()
            raise

    monkeypatch.setattr(Lanes, "begin", counted)
    held_throughout: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def take_turn(sender_id: uuid.UUID, holds: Callable[[], bool], *_: object) -> Rest:
        async with world.database.driver() as held, held.transaction():
            await held.execute(LOCKED, sender_id)
            for _ in range(12):  # of 50 ms each: longer than silence is suffered
                await met.acquire()
            held_throughout.set_result(holds())
        return Rest(wait=None)

    queue = LaneQueue(redis)
    runner = LaneRunner(queue, Lanes(hasty), take_turn, stopping=asyncio.Event())
    worker = LaneWorker(redis, runner, lanes=1)
    run = asyncio.create_task(worker.run())
    await queue.ring([sender])
    async with asyncio.timeout(60):
        assert await held_throughout
        worker.stop()
        await run
    assert not runner.is_silent
