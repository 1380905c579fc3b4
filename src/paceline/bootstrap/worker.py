"""The composition root: the one place that knows every part and puts them together."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from paceline.auth.secretbox import SecretBox
from paceline.delivery import Pool
from paceline.engine.keeper import Keeper
from paceline.engine.lane import LaneRunner
from paceline.engine.listener import Listener
from paceline.engine.queue import LaneQueue, connect
from paceline.engine.worker import LaneWorker
from paceline.limits import Limits
from paceline.persistence.database import Database
from paceline.persistence.group_commit import GroupCommit
from paceline.persistence.lanes import Lanes
from paceline.persistence.ledger import Ledger
from paceline.persistence.standing import Standing
from paceline.services.blackbox import BlackBox
from paceline.services.content import Content
from paceline.services.dispatch import Dispatch, Parts
from paceline.services.handover import Handover, Marks
from paceline.services.leases import Leases, LeaseTerms
from paceline.services.recovery import Recovery, read_black_boxes
from paceline.services.resting import SenderHealth
from paceline.settings import Settings, WorkerSettings

# What is under way may finish for so long after a soft stop; then its connections are dropped.
# Whoever supervises us gives six seconds in all.
SOFT_STOP_SECONDS = 4.0

log = logging.getLogger(__name__)


async def run_worker(settings: Settings, stop: asyncio.Event, *, black_boxes: Path) -> None:
    """Run lanes until `stop` is set, then finish what is under way and hand back the rest."""
    async with running_worker(settings, black_boxes=black_boxes) as running:
        await stop.wait()
        log.info("stopping: no new lanes, finishing what is under way")
        await running.stop()


class RunningWorker:
    """A worker with everything around it. Leave its context, or `stop()` it, to end it."""

    def __init__(self, lanes: LaneWorker, run: asyncio.Task[None], stopping: asyncio.Event) -> None:
        self._lanes = lanes
        self._run = run
        self._stopping = stopping

    async def stop(self) -> None:
        """A soft stop, then a hard one: no claim of this worker outlives it for long."""
        self._stopping.set()
        self._lanes.stop()
        done, _ = await asyncio.wait([self._run], timeout=SOFT_STOP_SECONDS)
        if not done:
            log.warning("some emails are still under way; their connections are dropped")
            self._run.cancel()
            await asyncio.wait([self._run])


@asynccontextmanager
async def running_worker(settings: Settings, *, black_boxes: Path) -> AsyncIterator[RunningWorker]:
    """One worker: its lanes, leases, group commits, listener and, in turn, the keeper.

    `black_boxes` is a folder of this machine's, the same for all its workers.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings.database.url)
        stack.push_async_callback(database.close)
        redis = connect(settings.redis.url)
        stack.push_async_callback(redis.aclose)
        standing = Standing(database)
        limits = Limits(settings.redis.url, spent=standing.spent)
        stack.push_async_callback(limits.close)
        pool = Pool(allow_private_hosts=settings.api.allow_private_hosts)
        stack.push_async_callback(pool.close)

        box = BlackBox(black_boxes)
        stack.callback(box.close)

        stopping = asyncio.Event()
        terms = _terms(settings.worker)
        ledger = Ledger(database, worker_run=uuid.uuid4(), lease=terms.lease)
        leases = Leases(ledger.heartbeat, terms=terms)
        marks = Marks(
            write_ahead=GroupCommit(ledger.write_ahead, insist=False),
            record=GroupCommit(ledger.record, insist=True),
        )
        content = Content(standing, SecretBox(settings.secrets.key))
        handover = Handover(
            marks=marks,
            leases=leases,
            limits=limits,
            content=content,
            pool=pool,
            box=box,
            in_flight=asyncio.Semaphore(settings.worker.concurrency),
            stopping=stopping,
        )
        dispatch = Dispatch(
            Parts(
                standing=standing,
                ledger=ledger,
                leases=leases,
                limits=limits,
                content=content,
                handover=handover,
                health=SenderHealth(standing),
                stopping=stopping,
            )
        )
        queue = LaneQueue(redis)
        lanes = Lanes(database)
        await read_black_boxes(black_boxes, ledger, lanes)
        runner = LaneRunner(queue, lanes, dispatch.take_turn, stopping=stopping)
        lane_worker = LaneWorker(redis, runner, lanes=settings.worker.lanes)
        keeper = Keeper(database, queue, lanes, recover=Recovery(database).run)
        background = (
            leases.run(),
            marks.write_ahead.run(),
            marks.record.run(),
            Listener(database, queue).run(),
            keeper.run(),
        )
        async with _background(*background) as tasks:
            run = tasks.create_task(lane_worker.run())
            yield RunningWorker(lane_worker, run, stopping)
            run.cancel()


@asynccontextmanager
async def _background(*jobs: Coroutine[object, object, None]) -> AsyncIterator[asyncio.TaskGroup]:
    """Run these beside the body; if one of them fails, so does the body."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        try:
            yield tasks
        finally:
            for task in running:
                task.cancel()


def _terms(settings: WorkerSettings) -> LeaseTerms:
    return LeaseTerms(
        lease=timedelta(seconds=settings.lease_seconds),
        heartbeat=timedelta(seconds=settings.heartbeat_seconds),
        guard_margin=timedelta(seconds=settings.guard_margin_seconds),
    )
