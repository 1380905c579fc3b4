"""The composition root: the one place that knows every part and puts them together."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from paceline.auth.secretbox import SecretBox
from paceline.bootstrap.smtp import smtp_pool
from paceline.delivery import Pool
from paceline.engine.bell import PatientBell
from paceline.engine.ending import end, unless
from paceline.engine.keeper import Keeper
from paceline.engine.lane import LaneRunner
from paceline.engine.listener import Listener
from paceline.engine.notifier import Notifier
from paceline.engine.pruner import Pruner
from paceline.engine.queue import LaneQueue, Redis, connect
from paceline.engine.roll import Roll
from paceline.engine.witness import Witness
from paceline.engine.worker import LANES_WITH_WAITING, SLOW_LANE_SECONDS, LaneWorker
from paceline.limits import Limits
from paceline.observability.figures import Figures
from paceline.observability.tracing import Traces, traces_of
from paceline.persistence.database import Database
from paceline.persistence.lanes import Lanes
from paceline.persistence.ledger import Ledger
from paceline.persistence.marks import Marks
from paceline.persistence.standing import Standing
from paceline.places import Places
from paceline.sending.blackbox import BlackBox
from paceline.sending.content import Content
from paceline.sending.crowding import Crowding
from paceline.sending.dispatch import Dispatch
from paceline.sending.handover import Handover
from paceline.sending.leases import Leases, LeaseTerms
from paceline.sending.neighbours import Neighbours
from paceline.sending.parts import Parts
from paceline.sending.recovery import Recovery, read_black_boxes
from paceline.sending.resting import SenderHealth
from paceline.sending.shares import LaneShares
from paceline.services.emails import Emails
from paceline.services.notifying import Notifying
from paceline.services.quotas import Quotas
from paceline.services.retention import Retention
from paceline.settings import Settings, WorkerSettings

# An email that is under way for longer waits for its server, and keeps no other one waiting.
PATIENCE_SECONDS = 5.0

log = logging.getLogger(__name__)


async def run_worker(
    settings: Settings,
    stop: asyncio.Event,
    *,
    black_boxes: Path,
    name: str = "worker",
    figures: Figures | None = None,
) -> None:
    """Run lanes until `stop` is set, then finish what is under way and hand back the rest."""
    async with running_worker(
        settings, black_boxes=black_boxes, name=name, figures=figures
    ) as running:
        work = settings.worker
        log.info("sending: %d lanes, %d emails at a time", work.lanes, work.concurrency)
        await stop.wait()
        log.info("stopping: no new lanes, finishing what is under way")
        await running.stop()


class RunningWorker:
    """A worker with everything around it. Leave its context, or `stop()` it, to end it."""

    def __init__(
        self,
        lanes: LaneWorker,
        run: asyncio.Task[None],
        stopping: asyncio.Event,
        *,
        held: Callable[[], int],
        stop_seconds: float,
    ) -> None:
        self._held = held
        self._stop_seconds = stop_seconds
        self._lanes = lanes
        self._run = run
        self._stopping = stopping

    async def stop(self) -> None:
        """A soft stop, then a hard one, which drops the connections of what is under way: no claim
        of this worker outlives it for long."""
        self._stopping.set()
        self._lanes.stop()
        done, _ = await asyncio.wait([self._run], timeout=self._stop_seconds)
        if not done:
            if held := self._held():
                log.warning("%d emails are still under way; their connections are dropped", held)
            else:
                log.info("no email is under way; what still waits for a server is ended")
            await end([self._run])


@asynccontextmanager
async def running_worker(
    settings: Settings,
    *,
    black_boxes: Path,
    name: str = "worker",
    figures: Figures | None = None,
) -> AsyncIterator[RunningWorker]:
    """One worker: its lanes, leases, group commits, listener and, in turn, the keeper.

    `black_boxes` is a folder of this machine's, the same for all its workers; `name` is what it is
    called on the roll.
    """
    figures = figures or Figures()
    async with _ground(settings, black_boxes) as ground:
        figures.pools = ground.database.uses
        stopping = asyncio.Event()
        worker_run = uuid.uuid4()
        witness = Witness(ground.database, ground.redis, black_boxes)
        parts = _parts(settings, ground, stopping, worker_run, figures, witness)
        queue, lanes = LaneQueue(ground.redis), Lanes(ground.database)
        runner = LaneRunner(queue, lanes, Dispatch(parts).take_turn, stopping=stopping)
        worker = LaneWorker(ground.redis, runner, lanes=settings.worker.lanes)
        recovery = Recovery(ground.database, figures=figures, known_beat=witness.known)
        keeper = Keeper(ground.database, queue, lanes, recover=recovery.run)
        boxes_are_read = asyncio.Event()

        async def work() -> None:
            if not await unless(stopping, witness.check()):
                return  # nothing was taken yet
            await read_black_boxes(black_boxes, parts.ledger, lanes)
            boxes_are_read.set()
            await worker.run()

        async def keep() -> None:
            # Before, it would raise doubts that a box settles a moment later.
            await boxes_are_read.wait()
            await keeper.run()

        async def bear_witness() -> None:
            await boxes_are_read.wait()
            await witness.run()

        background = (
            parts.leases.run(),
            parts.handover.marks.write_ahead.run(),
            parts.handover.marks.record.run(),
            Listener(ground.database, queue).run(),
            Roll(ground.redis).keep(
                worker_run,
                name=name,
                lanes=lambda: worker.running,
                heard=parts.neighbours.heard,
            ),
            keep(),
            bear_witness(),
            figures.watch_loop(),
            Notifier(_notifying(settings, ground, queue).look).run(),
            Pruner(Retention(ground.database, settings.retention).piece).run(),
        )
        async with _background(*background) as tasks:
            run = tasks.create_task(work())
            try:
                yield RunningWorker(
                    worker,
                    run,
                    stopping,
                    held=lambda: parts.leases.held,
                    stop_seconds=settings.stop_seconds,
                )
            finally:
                # The group, when one of its tasks has failed, asks only once (`engine.ending`).
                await end([run])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What a worker stands on, and what has to be closed after it."""

    database: Database
    redis: Redis
    limits: Limits
    pool: Pool
    box: BlackBox
    traces: Traces


@asynccontextmanager
async def _ground(settings: Settings, black_boxes: Path) -> AsyncIterator[_Ground]:
    async with AsyncExitStack() as stack:
        database = Database.of(settings.database)
        stack.push_async_callback(database.close)
        redis = connect(settings.redis.url)
        stack.push_async_callback(redis.aclose)
        limits = Limits(settings.redis.url, spent=Standing(database).spent)
        stack.push_async_callback(limits.close)
        pool = await smtp_pool(settings, database)
        stack.push_async_callback(pool.close)
        box = BlackBox(black_boxes)
        stack.callback(box.close)
        traces = traces_of(settings.tracing, part="worker")
        stack.push_async_callback(traces.close)
        yield _Ground(
            database=database, redis=redis, limits=limits, pool=pool, box=box, traces=traces
        )


def _notifying(settings: Settings, ground: _Ground, queue: LaneQueue) -> Notifying:
    emails = Emails(ground.database, PatientBell(queue), Quotas(settings.shares))
    return Notifying(
        ground.database,
        ground.limits,
        emails,
        SecretBox.of(settings.secrets),
        base_url=settings.api.base_url,
        allow_private_hosts=settings.api.allow_private_hosts,
    )


def _parts(
    settings: Settings,
    ground: _Ground,
    stopping: asyncio.Event,
    worker_run: uuid.UUID,
    figures: Figures,
    witness: Witness,
) -> Parts:
    """Everything that a turn works with."""
    standing = Standing(ground.database)
    terms = _terms(settings.worker)
    ledger = Ledger(
        ground.database,
        worker_run=worker_run,
        lease=terms.lease,
        figures=figures,
        known_beat=witness.known,
    )
    leases = Leases(ledger.heartbeat, terms=terms)
    content = Content(standing, SecretBox.of(settings.secrets))
    handover = Handover(
        marks=Marks(ledger),
        leases=leases,
        limits=ground.limits,
        content=content,
        pool=ground.pool,
        box=ground.box,
        in_flight=Places(settings.worker.concurrency, patience=PATIENCE_SECONDS),
        stopping=stopping,
        traces=ground.traces,
    )
    return Parts(
        standing=standing,
        ledger=ledger,
        leases=leases,
        limits=ground.limits,
        content=content,
        handover=handover,
        health=SenderHealth(standing),
        crowding=Crowding(),
        shares=LaneShares(settings.worker.lanes, slow_seconds=SLOW_LANE_SECONDS),
        waiting_shares=LaneShares(LANES_WITH_WAITING * settings.worker.lanes, slow_seconds=None),
        neighbours=Neighbours(ground.pool.let_go_of_all),
        stopping=stopping,
    )


@asynccontextmanager
async def _background(*jobs: Coroutine[object, object, None]) -> AsyncIterator[asyncio.TaskGroup]:
    """Run these beside the body; if one of them fails, so does the body."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        try:
            yield tasks
        finally:
            await end(running)


def _terms(settings: WorkerSettings) -> LeaseTerms:
    return LeaseTerms(
        lease=timedelta(seconds=settings.lease_seconds),
        heartbeat=timedelta(seconds=settings.heartbeat_seconds),
        guard_margin=timedelta(seconds=settings.guard_margin_seconds),
    )
