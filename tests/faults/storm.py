"""A storm: two workers, forty senders, and faults of every kind, drawn by one seed.

It ends when its emails or its minutes are used up; then everything may come to rest, and the
verdict is given on all of it.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from paceline.errors import OperationalError
from paceline.observability.faultpoints import FaultPoint
from tests.faults.case import TEXT, Case
from tests.faults.modes import MODES
from tests.faults.processes import Worker
from tests.faults.proxy import LossyProxy
from tests.faults.verdict import Verdict

SENDERS = 40
WORKERS = 2
WAVE = 50  # emails per sender and wave
SHARE_OF_MODES = 0.08  # of the emails meet a server that goes wrong
TICK_SECONDS = 0.1
HURRY_SECONDS = 1.0
BETWEEN_FAULTS_SECONDS = 1.2
PATIENCE_WITH_A_POINT_SECONDS = 5.0  # then the worker is killed wherever it is
LOSE_EVERY = 150  # answers of PostgreSQL
LIMIT_AN_HOUR = 400
REST_SECONDS = 240.0
# A frozen worker is thawed before its lease runs out, or long after.
FREEZES_SECONDS = (0.5, 2.0, 4.5, 7.0)


@dataclass
class Tally:
    """What was done, and how soon the next email arrived."""

    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    next_email: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    kills: int = 0
    gave_up: int = 0  # workers that found PostgreSQL or Redis away when they started
    boxes_told: int = 0
    boxes_settled: int = 0
    seconds: float = 0.0

    def recovery(self) -> dict[str, dict[str, float]]:
        """Seconds from a fault to the next email at the sink, whichever worker sent it."""
        return {
            kind: {
                "median": round(statistics.median(values), 2),
                "worst": round(max(values), 2),
                "of": len(values),
            }
            for kind, values in sorted(self.next_email.items())
        }


class _Place:
    """Where one worker runs after the other."""

    def __init__(self, start: Callable[[str], Worker], dice: random.Random) -> None:
        self._start = start
        self._dice = dice
        self.renew()

    def renew(self) -> None:
        self.point: FaultPoint | None = None
        plan = ""
        if self._dice.random() < 0.8:
            self.point = self._dice.choice(list(FaultPoint))
            batches = self.point in {FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM}
            hit = self._dice.randrange(1, 4 if batches else 80)
            plan = f"{self.point}:{hit}:{self._dice.choice(('KILL', 'KILL', 'KILL', 'STOP'))}"
        self.worker = self._start(plan)
        self.started_at = time.monotonic()
        self.frozen_at: float | None = None
        self.thaw_after = self._dice.choice(FREEZES_SECONDS)


class Storm:
    """One run over one case."""

    def __init__(self, case: Case, *, messages: int, minutes: float, seed: int) -> None:
        self._case = case
        self._messages = messages
        self._ends_at = time.monotonic() + minutes * 60
        self._dice = random.Random(seed)
        self._made = 0
        self._read = 0  # entries of the sink's log
        self._senders: list[tuple[UUID, UUID]] = []
        self._bounded: list[UUID] = []
        self._open: list[tuple[str, float]] = []
        self.tally = Tally()

    async def run(self) -> Verdict:
        """Everything, from the first email to the verdict."""
        begun = time.monotonic()
        server = self._case.stage.postgres.server.directory
        folder = self._case.folder / "proxy"
        async with LossyProxy(server, folder, every=LOSE_EVERY) as proxy:
            self._url = self._case.database_url.replace(str(server), str(folder))
            await self._make_senders()
            self._places = [_Place(self._worker, self._dice) for _ in range(WORKERS)]
            await self._rage()
            proxy.on = False
            self.tally.faults["answer of PostgreSQL lost"] = proxy.lost
            await self._come_to_rest()
        self._read_the_logs()
        self.tally.seconds = time.monotonic() - begun
        return await self._case.verdict()

    def _worker(self, faults: str) -> Worker:
        return self._case.worker(faults=faults, database_url=self._url)

    async def _make_senders(self) -> None:
        world = self._case.world
        for number in range(SENDERS):
            sender = await self._case.sender(max_connections=8)
            policy = "hold" if number % 2 else "resend"
            campaign = await world.campaign(sender, doubt_policy=policy, text_body=TEXT)
            self._senders.append((sender, campaign))
        limited = await self._case.sender(hourly_limit=LIMIT_AN_HOUR)
        slow = await self._case.sender(min_delay_ms=80)
        for sender, count in ((limited, 3 * LIMIT_AN_HOUR), (slow, 2_000)):
            await self._case.emails(sender, await world.campaign(sender), count)
            self._bounded.append(sender)

    async def _rage(self) -> None:
        next_fault = next_hurry = 0.0
        while time.monotonic() < self._ends_at and not await self._is_used_up():
            now = time.monotonic()
            self._look_after_workers(now)
            self._note_recoveries()
            if now > next_hurry:
                next_hurry = now + HURRY_SECONDS
                await self._case.hurry()
                await self._make_emails()
            if now > next_fault:
                next_fault = now + self._dice.uniform(0.5, 1.5) * BETWEEN_FAULTS_SECONDS
                await self._strike()
            await asyncio.sleep(TICK_SECONDS)

    async def _is_used_up(self) -> bool:
        if self._made < self._messages:
            return False
        with suppress(OperationalError):
            return bool(
                await self._case.world.fetchval(
                    "SELECT count(*) < 100 FROM email_jobs WHERE state IN ('scheduled', 'claimed')"
                    " AND sender_id <> ALL ($1)",
                    self._bounded,
                )
            )
        return False

    async def _make_emails(self) -> None:
        """Another wave for a quarter of the senders, as long as there are messages to be made."""
        for sender, campaign in self._dice.sample(self._senders, SENDERS // 4):
            if self._made >= self._messages:
                return
            with suppress(OperationalError):
                waiting = await self._case.world.fetchval(
                    "SELECT count(*) FROM email_jobs WHERE sender_id = $1 AND state = 'scheduled'",
                    sender,
                )
                if waiting < WAVE:
                    await self._wave(sender, campaign)

    async def _wave(self, sender: UUID, campaign: UUID) -> None:
        names = [f"r{self._made + n}" for n in range(WAVE)]
        for place in range(WAVE):
            if self._dice.random() < SHARE_OF_MODES:
                names[place] += "+" + self._dice.choice(MODES)
        addresses = [f"{name}@{self._case.domain}" for name in names]
        self._made += WAVE
        await self._case.world.emails(sender, campaign, addresses)
        await self._case.world.execute(
            "UPDATE campaigns SET state = 'active', finished_at = NULL"
            " WHERE id = $1 AND state = 'completed'",
            campaign,
        )
        await self._case.world.signal(sender)

    def _look_after_workers(self, now: float) -> None:
        for place in self._places:
            worker = place.worker
            if worker.is_dead():
                if worker.process.returncode == -signal.SIGKILL and place.point:
                    self._count("worker killed at a fault point", now)
                    self.tally.points[place.point] += 1
                else:
                    self.tally.gave_up += 1
                place.renew()
            elif place.frozen_at is None and worker.is_frozen():
                place.frozen_at = now
            elif place.frozen_at is not None:
                if now - place.frozen_at < place.thaw_after:
                    continue
                worker.signal(signal.SIGCONT)
                self._count("worker frozen at a fault point", now)
                if place.point:
                    self.tally.points[place.point] += 1
                place.frozen_at, place.point, place.started_at = None, None, now
            elif now - place.started_at > PATIENCE_WITH_A_POINT_SECONDS:
                worker.kill()
                self._count("worker killed at random", now)
                place.renew()

    def _count(self, kind: str, now: float) -> None:
        self.tally.faults[kind] += 1
        self.tally.kills += kind.startswith("worker killed")
        self._open.append((kind, now))

    def _note_recoveries(self) -> None:
        """How soon the next email arrived after each fault that is still waiting for one."""
        entries = self._case.stage.sink.entries()
        for entry in entries[self._read :]:
            if entry["event"] == "dot":
                for kind, at in [o for o in self._open if o[1] < entry["at"]]:
                    self.tally.next_email[kind].append(entry["at"] - at)
                    self._open.remove((kind, at))
        self._read = len(entries)

    async def _strike(self) -> None:
        """One fault of the surroundings."""
        faults: tuple[tuple[int, str, Callable[[], Awaitable[None]]], ...] = (
            (30, "everybody rung ten times", self._ring_storm),
            (12, "Redis wiped", self._case.flush_redis),
            (6, "Redis killed", self._kill_redis),
            (3, "Redis out of memory", self._fill_redis),
            (8, "PostgreSQL shut down at once", self._crash_postgres),
            (12, "SMTP server killed", self._kill_sink),
            (6, "worker frozen at random", self._freeze),
        )
        weights = [weight for weight, _, _ in faults]
        _, kind, strike = self._dice.choices(faults, weights)[0]
        with suppress(OperationalError):
            await strike()
        self._count(kind, time.monotonic())

    async def _ring_storm(self) -> None:
        for _ in range(10):
            await self._case.world.execute(
                "UPDATE lanes SET signal_seq = signal_seq + 1, wake_at = least(wake_at, now())"
                " WHERE sender_id = ANY ($1)",
                [sender for sender, _ in self._senders],
            )
            await self._case.world.execute("SELECT pg_notify('lanes', sender_id::text) FROM lanes")

    async def _kill_redis(self) -> None:
        away = self._dice.choice((0.0, 0.5, 1.5))
        await self._case.stage.redis.crash(signal.SIGKILL, away=away)

    async def _fill_redis(self) -> None:
        await self._case.stage.redis_out_of_memory(on=True)
        await asyncio.sleep(0.7)  # for how long Redis refuses
        await self._case.stage.redis_out_of_memory(on=False)

    async def _crash_postgres(self) -> None:
        await self._case.stage.postgres.crash(signal.SIGQUIT)

    async def _kill_sink(self) -> None:
        self._case.stage.sink.kill()
        await asyncio.sleep(self._dice.choice((0.0, 0.3)))  # for how long connections are refused
        await asyncio.to_thread(self._case.stage.sink.start)

    async def _freeze(self) -> None:
        place = self._dice.choice(self._places)
        if place.frozen_at is None:
            place.worker.signal(signal.SIGSTOP)

    async def _come_to_rest(self) -> None:
        """No more faults: two undisturbed workers finish everything, limits excepted."""
        for place in self._places:
            place.worker.signal(signal.SIGCONT)
            place.worker.kill()
        for _ in range(WORKERS):
            self._worker("")
        await self._case.world.execute(
            """
            UPDATE email_jobs SET state = 'cancelled'
             WHERE sender_id = ANY ($1) AND state IN ('scheduled', 'deferred')
            """,
            self._bounded,
        )
        # So that what the dead still held is cancelled, too, when it is taken back.
        await self._case.world.execute(
            "UPDATE campaigns SET state = 'cancelled' WHERE sender_id = ANY ($1)", self._bounded
        )
        self._case.patience = REST_SECONDS
        await self._case.until_quiet()
        await self._case.stop_workers()

    def _read_the_logs(self) -> None:
        for told, settled in re.findall(
            r"a worker died with (\d+) emails; (\d+) of them were settled", self._case.logs
        ):
            self.tally.boxes_told += int(told)
            self.tally.boxes_settled += int(settled)
        for entry in self._case.stage.sink.entries():
            if entry["event"] == "fault":
                self.tally.faults[f"SMTP: {entry['mode']}"] += 1
