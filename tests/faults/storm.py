"""A storm: two workers, forty senders, and faults of every kind, drawn by one seed.

It ends when its emails or its minutes are used up; then everything may come to rest, and the
verdict is given on all of it.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from paceline.errors import OperationalError
from paceline.observability.faultpoints import FaultPoint
from tests.faults.case import TEXT, Case
from tests.faults.elsewhere import WallClock
from tests.faults.modes import AT_AUTH, AT_EHLO, AT_GREETING, AT_TLS, IN_HANDSHAKE, MODES
from tests.faults.places import Place, Tally
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
SHARE_OF_OPENINGS = 0.04  # of the connections go wrong before any email is named
SECURITIES = ("none", "none", "starttls", "tls")  # of the senders in turn
POINT_HITS = 12  # of each fault point, at least, if there is time
JUMPS_HOURS = (-30.0, -5.0, -1.0, 0.0, 1.0, 7.0, 26.0)  # of a worker's wall clock
REST_SECONDS = 240.0


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
        self._case.mends = True  # our accounts break, by doors that want so
        server = self._case.stage.postgres.server.directory
        folder = self._case.folder / "proxy"
        async with LossyProxy(server, folder, every=LOSE_EVERY) as proxy:
            self._url = self._case.database_url.replace(str(server), str(folder))
            await self._make_senders()
            self._places = [
                Place(
                    self._worker,
                    self._dice,
                    clock=WallClock(self._case.folder / f"clock-{number}"),
                    struck=self.tally.points,
                )
                for number in range(WORKERS)
            ]
            await self._rage()
            proxy.on = False
            self.tally.faults["answer of PostgreSQL lost"] = proxy.lost
            await self._come_to_rest()
        self._read_the_logs()
        self.tally.seconds = time.monotonic() - begun
        return await self._case.verdict()

    def _worker(self, faults: str, clock: WallClock | None = None) -> Worker:
        return self._case.worker(faults=faults, database_url=self._url, clock=clock)

    async def _make_senders(self) -> None:
        world = self._case.world
        doors = self._doors()
        for number in range(SENDERS):
            security = SECURITIES[number // 2 % len(SECURITIES)]
            sender = await self._case.sender(
                max_connections=8, smtp_security=security, port=doors[security]
            )
            if security != "none":
                await self._case.logs_in(sender)
            policy = "hold" if number % 2 else "resend"
            campaign = await world.campaign(sender, doubt_policy=policy, text_body=TEXT)
            self._senders.append((sender, campaign))
        limited = await self._case.sender(hourly_limit=LIMIT_AN_HOUR)
        slow = await self._case.sender(min_delay_ms=80)
        for sender, count in ((limited, 3 * LIMIT_AN_HOUR), (slow, 2_000)):
            await self._case.emails(sender, await world.campaign(sender), count)
            self._bounded.append(sender)

    def _doors(self) -> dict[str, int]:
        door = self._case.stage.sink.door
        share, seed = SHARE_OF_OPENINGS, self._dice.randrange(2**32)
        bare, inside = (*AT_GREETING, *AT_EHLO), (*IN_HANDSHAKE, *AT_AUTH)
        return {
            "none": door(*bare, share=share, seed=seed),
            "starttls": door(*bare, *AT_TLS, *inside, share=share, tls="starttls", seed=seed + 1),
            "tls": door(*bare, *inside, share=share, tls="implicit", seed=seed + 2),
        }

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

    def _has_enough(self) -> bool:
        """Whether all emails are made, and every fault point was hit often enough."""
        rarest = min(self.tally.points[point] for point in FaultPoint)
        return self._made >= self._messages and rarest >= POINT_HITS

    async def _is_used_up(self) -> bool:
        if not self._has_enough():
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
            if self._has_enough():
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
        async with self._case.world.together():  # as the use cases do it
            await self._case.world.emails(sender, campaign, addresses)
            await self._case.world.execute(
                "UPDATE campaigns SET state = 'active', finished_at = NULL"
                " WHERE id = $1 AND state = 'completed'",
                campaign,
            )
            await self._case.world.execute(
                "UPDATE lanes SET signal_seq = signal_seq + 1, wake_at = least(wake_at, now())"
                " WHERE sender_id = $1",
                sender,
            )
        await self._case.world.signal(sender)  # if PostgreSQL still answers

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
            (10, "wall clock jumped", self._jump),
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
        async with self._case.stage.redis_out_of_memory():
            await asyncio.sleep(0.7)  # for how long Redis refuses

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

    async def _jump(self) -> None:
        hours = self._dice.choice(JUMPS_HOURS)
        self._dice.choice(self._places).clock.jump_to(hours * 3600)

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
