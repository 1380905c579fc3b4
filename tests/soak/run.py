"""One long run: half the top rate, a fault every so often, a sample every few seconds."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from uuid import UUID

import psutil

from paceline.errors import OperationalError
from tests.faults.case import TEXT, Case
from tests.faults.processes import Worker, until
from tests.ports import free_port
from tests.soak import count
from tests.soak.samples import sample
from tests.world import SECRET_KEY, World

SENDERS = 4
CONNECTIONS = 8
TOP_EMAILS = 6_000  # at once, to see how fast they go
FAULTS_A_RUN = 15
LEAST_BETWEEN_FAULTS = 8.0
SAMPLES_A_RUN = 180
LEAST_BETWEEN_SAMPLES = 1.0
AWAY_SECONDS = 0.5
HURRY_SECONDS = 5.0
TICK_SECONDS = 0.25


@dataclass
class Soaked:
    """All that was seen; moments are seconds since the load began."""

    seconds: float = 0.0
    top_rate: float = 0.0
    rate: float = 0.0
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)
    drains: list[tuple[float, int]] = field(default_factory=list)  # seconds, exit code
    counts: dict[str, int] = field(default_factory=dict)
    is_quiet: bool = False


class Soak:
    """Two workers and an api over one case: one worker is let live, and is the one watched."""

    def __init__(self, case: Case, *, minutes: float) -> None:
        self._case = case
        self._seconds = minutes * 60
        self._senders: list[tuple[UUID, UUID]] = []
        self._made = 0
        # Of its own: what another executes meanwhile must not fall into its transaction.
        self._feeder = World(case.world.database, owner_id=case.world.owner_id)
        self.found = Soaked()

    async def run(self) -> Soaked:
        """From the first email to the verdict of the sink."""
        for _ in range(SENDERS):
            sender = await self._case.sender(max_connections=CONNECTIONS)
            campaign = await self._case.world.campaign(sender, text_body=TEXT)
            self._senders.append((sender, campaign))
        self._watched = self._case.worker()
        self._struck = self._case.worker()
        api = self._api()
        try:
            await self._case.until_listening(2)
            self.found.top_rate = await self._top_rate()
            self.found.rate = self.found.top_rate / 2
            await self._load(psutil.Process(api.pid))
            self.found.is_quiet = await self._case.until_quiet()
        finally:
            api.terminate()
            api.wait()
        await self._case.stop_workers()
        self.found.counts = await count.counted(
            self._case.world, self._case.stage.sink.folder / "sink.log"
        )
        return self.found

    def _api(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DATABASE_URL": self._case.database_url,
            "REDIS_URL": self._case.stage.redis_url(self._case.redis_number),
            "PACELINE_HOME": str(self._case.folder / "home"),
            "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
        }
        with (self._case.folder / "api.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "paceline", "api", "--port", str(free_port())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def _top_rate(self) -> float:
        """Emails a second, with no faults."""
        begun = time.monotonic()
        for number in range(SENDERS):
            await self._wave(TOP_EMAILS // SENDERS, number)

        async def all_sent() -> bool:
            left = "SELECT count(*) = 0 FROM email_jobs WHERE state <> 'sent'"
            return bool(await self._case.world.fetchval(left))

        await until(all_sent, within=5 * self._case.patience, what="the first emails")
        return self._made / (time.monotonic() - begun)

    async def _wave(self, emails: int, number: int) -> None:
        sender, campaign = self._senders[number % SENDERS]
        first, self._made = self._made, self._made + emails
        addresses = [f"r{first + n}@{self._case.domain}" for n in range(emails)]
        async with self._feeder.together():  # as the use cases do it
            await self._feeder.emails(sender, campaign, addresses)
            await self._feeder.execute(
                "UPDATE campaigns SET state = 'active', finished_at = NULL"
                " WHERE id = $1 AND state = 'completed'",
                campaign,
            )
            await self._feeder.execute(
                "UPDATE lanes SET signal_seq = signal_seq + 1, wake_at = least(wake_at, now())"
                " WHERE sender_id = $1",
                sender,
            )
        await self._feeder.signal(sender)

    async def _load(self, api: psutil.Process) -> None:
        begun = time.monotonic()
        worker = psutil.Process(self._watched.pid)
        between = max(self._seconds / SAMPLES_A_RUN, LEAST_BETWEEN_SAMPLES)
        loops = [
            asyncio.create_task(self._feed(begun)),
            asyncio.create_task(self._strike(begun)),
        ]
        hurried = begun
        try:
            while (now := time.monotonic()) - begun < self._seconds:
                taken = await sample(self._case, api=api, worker=worker)
                self.found.samples.append((now - begun, taken))
                if now - hurried > HURRY_SECONDS:
                    hurried = now
                    await self._case.hurry()
                for loop in loops:
                    if loop.done():
                        loop.result()  # it ends by an error alone
                await asyncio.sleep(between)
        finally:
            for loop in loops:
                loop.cancel()
            for ended in await asyncio.gather(*loops, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
        self.found.seconds = time.monotonic() - begun

    async def _feed(self, begun: float) -> None:
        """As many emails as the rate asks for by now; what could not be made is not made up for."""
        fed = 0.0
        for number in cycle(range(SENDERS)):
            await asyncio.sleep(TICK_SECONDS)
            elapsed = time.monotonic() - begun
            emails = round((elapsed - fed) * self.found.rate)
            fed = elapsed
            with suppress(OperationalError):
                await self._wave(max(emails, 1), number)

    async def _strike(self, begun: float) -> None:
        faults: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("worker killed", self._kill),
            ("worker told to end, another started", self._drain),
            ("Redis wiped", self._case.flush_redis),
            ("PostgreSQL restarted", self._restart_postgres),
            ("Redis killed and restarted", self._restart_redis),
        )
        between = max(self._seconds / FAULTS_A_RUN, LEAST_BETWEEN_FAULTS)
        for name, strike in cycle(faults):
            await asyncio.sleep(between)
            self.found.faults.append((time.monotonic() - begun, name))
            await strike()

    async def _kill(self) -> None:
        await asyncio.to_thread(self._struck.kill)
        self._struck = self._renewed()

    async def _drain(self) -> None:
        began = time.monotonic()
        code = await asyncio.to_thread(self._struck.stop)
        self.found.drains.append((time.monotonic() - began, code))
        self._struck = self._renewed()

    def _renewed(self) -> Worker:
        return self._case.worker()

    async def _restart_postgres(self) -> None:
        await self._case.stage.postgres.crash(signal.SIGINT, away=AWAY_SECONDS)

    async def _restart_redis(self) -> None:
        await self._case.stage.redis.crash(signal.SIGKILL, away=AWAY_SECONDS)
