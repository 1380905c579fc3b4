"""One case of a fault test: a database and a Redis of its own on the shared stage, and its workers.

Time is not waited for but moved: an email that would be tried again in five minutes is made due
now, a doubt that would be settled in fifteen minutes is made older.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import redis.asyncio

from paceline.auth.secretbox import SecretBox, smtp_password_label
from paceline.errors import OperationalError
from tests.faults.elsewhere import WallClock
from tests.faults.processes import Stage, Worker, until
from tests.faults.verdict import DOUBT_STAYS, Verdict, judge
from tests.world import SECRET_KEY, World

MOST_PATIENCE = 5  # times the usual, while something moves
# Lines that a careless client would end the message with, or lose a dot of.
TEXT = "Dear {{ name }},\n.\n..two dots\n.one dot\nfor {{ email }}\n"

# Locked rows are somebody's work at this moment; they are hurried the next time.
_HURRY = """
    WITH waiting AS (SELECT email_id FROM email_jobs
                      WHERE (state = 'deferred' OR (state = 'scheduled' AND attempt > 0))
                        AND due_at > now()
                        FOR UPDATE SKIP LOCKED),
    due AS (UPDATE email_jobs j SET due_at = clock_timestamp() FROM waiting w
             WHERE j.email_id = w.email_id AND j.state IN ('deferred', 'scheduled')
            RETURNING j.sender_id),
    resting AS (SELECT id FROM senders WHERE resting_until > now() FOR UPDATE SKIP LOCKED),
    rested AS (UPDATE senders s SET resting_until = clock_timestamp() FROM resting r
                WHERE s.id = r.id RETURNING s.id)
    SELECT DISTINCT x AS sender_id FROM
        (SELECT sender_id AS x FROM due UNION SELECT id FROM rested) t
"""
_SIGNAL = """
    WITH signalled AS (UPDATE lanes SET signal_seq = signal_seq + 1,
                              wake_at = least(wake_at, clock_timestamp())
                        WHERE sender_id = ANY ($1) RETURNING sender_id)
    SELECT pg_notify('lanes', sender_id::text) FROM signalled
"""
# Not at once: a worker that has just started may be about to settle them from a black box.
_AGE_DOUBTS = """
    UPDATE email_jobs SET in_doubt_at = in_doubt_at - interval '1 hour'
     WHERE email_id IN (SELECT j.email_id FROM email_jobs j JOIN campaigns c ON c.id = j.campaign_id
                         WHERE j.state = 'in_doubt'
                           AND j.in_doubt_at BETWEEN now() - interval '30 minutes'
                                                 AND now() - interval '1.5 seconds'
                           FOR UPDATE OF j SKIP LOCKED)
"""
# What a person would do about a sender that is broken, once its server is in order again.
_MEND = """
    UPDATE senders SET state = 'active', state_reason = NULL, updated_at = clock_timestamp()
     WHERE state = 'broken' RETURNING id AS sender_id
"""
# A worker signs on once it listens (`persistence/workers.py`); nobody else locks anything shared.
_LISTENERS = """
    SELECT count(*) FROM pg_locks
     WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_OPEN = f"""
    SELECT count(*) AS open, ({_LISTENERS}) AS listening,
           (SELECT coalesce(max(id), 0) FROM history)
           + (SELECT coalesce(max(id), 0) FROM sender_history) AS last
      FROM email_jobs j LEFT JOIN campaigns c ON c.id = j.campaign_id
     WHERE j.state NOT IN ('sent', 'failed', 'cancelled')
       AND NOT (j.state = 'in_doubt' AND {DOUBT_STAYS})
"""


class _Moved:
    """When something has last moved."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._at = time.monotonic()

    def note(self, last: tuple[int, int], patience: float) -> None:
        """Raises `TimeoutError` when the same was seen for too long."""
        if last != self._last:
            self._last, self._at = last, time.monotonic()
        elif time.monotonic() - self._at > patience:
            raise TimeoutError("nothing moves")


@dataclass
class Case:
    """Open one with `open_case`."""

    stage: Stage
    name: str
    world: World
    database_url: str
    redis_number: int
    folder: Path
    source: Path | None
    workers: list[Worker] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)  # of its workers
    batches: int = 0  # of emails, so far
    begun_at: float = field(default_factory=time.time)
    quicker: bool = False  # lanes of dead workers are taken over in seconds
    mends: bool = False  # a person mends every sender that is broken
    patience: float = 120.0  # seconds until what is not final is held against the workers

    @property
    def domain(self) -> str:
        return f"{self.name}.example.com"

    async def sender(self, *, mode: str = "", port: int | None = None, **columns: object) -> UUID:
        """`mode`: what its server does at MAIL. `port`: another door of the sink's."""
        local = f"news+{mode}" if mode else "news"
        return await self.world.sender(
            port=port or self.stage.sink.port, from_address=f"{local}@{self.domain}", **columns
        )

    async def logs_in(self, sender: UUID, *, user: str | None = None) -> None:
        """Give a sender a name and a password; the sink refuses one whose name is `refused`."""
        label = smtp_password_label(owner_id=self.world.owner_id, sender_id=sender)
        await self.world.execute(
            "UPDATE senders SET smtp_username = $2, smtp_password = $3 WHERE id = $1",
            sender,
            user or f"news@{self.domain}",
            SecretBox(SECRET_KEY).seal("secret", label=label),
        )

    async def emails(
        self,
        sender: UUID,
        campaign: UUID | None,
        count: int,
        *,
        modes: Sequence[str] = ("",),
        due_in: timedelta = timedelta(0),
    ) -> list[UUID]:
        """So many emails, the modes of the sink in turn; to nobody who is written to already."""
        batch = f"b{self.batches}" if self.batches else ""
        self.batches += 1
        names = [
            f"r{n}{batch}" + (f"+{m}" if (m := modes[n % len(modes)]) else "") for n in range(count)
        ]
        ids = await self.world.emails(
            sender, campaign, [f"{name}@{self.domain}" for name in names], due_in=due_in
        )
        await self.world.signal(sender)
        return ids

    def worker(
        self,
        *,
        faults: str = "",
        home: str = "home",
        database_url: str | None = None,
        clock: WallClock | None = None,
        lanes: str = "",
        under: Sequence[str] = (),
    ) -> Worker:
        """Another worker. Those of one `home` read each other's black boxes.

        `clock` and `lanes` of its own: see `elsewhere`. `under`: a command that runs it.
        """
        unusual = {"WALL_CLOCK": str(clock.file)} if clock else {}
        unusual |= {"LANES_OF": lanes} if lanes else {}
        unusual |= {"QUICKER": "yes"} if self.quicker else {}
        worker = Worker.start(
            database_url=database_url or self.database_url,
            redis_url=self._redis_url,
            home=self.folder / home,
            log=self.folder / f"worker-{len(self.workers)}.log",
            faults=faults,
            source=self.source,
            env={
                "SSL_CERT_FILE": str(self.stage.sink.certificate),
                **unusual,
                **self.environment,
            },
            under=under,
        )
        self.workers.append(worker)
        return worker

    @property
    def logs(self) -> str:
        return "".join(worker.log.read_text(errors="replace") for worker in self.workers)

    async def hurry(self) -> None:
        """Let the time pass that emails, senders and doubts would wait for."""
        try:
            await self.world.execute(_AGE_DOUBTS)
            rows = await self.world.fetch(_HURRY)
            if self.mends:
                rows += await self.world.fetch(_MEND)
            if rows:
                await self.world.execute(_SIGNAL, [row["sender_id"] for row in rows])
        except OperationalError:
            return  # PostgreSQL is away; the next time

    async def until_quiet(self) -> bool:
        """Wait until every email has come to its end. False: some have not, and nothing moves.

        A machine that has other things to do is slow, and that is nobody's fault: patience begins
        anew with everything that moves, and when all workers are up.
        """
        moved = _Moved()

        async def quiet_or_stuck() -> bool:
            if all(worker.is_dead() for worker in self.workers):
                raise TimeoutError("no worker lives")
            await self.hurry()
            row = (await self.world.fetch(_OPEN))[0]
            moved.note((row["last"], row["listening"]), self.patience)
            return bool(row["open"] == 0)

        try:
            await until(quiet_or_stuck, within=MOST_PATIENCE * self.patience)
        except TimeoutError:
            return False
        return True

    async def until_dead(self, worker: Worker) -> None:
        async def dead() -> bool:
            return worker.is_dead()

        await until(dead, within=3 * self.patience, what=f"the end of a worker ({worker.log})")

    async def until_frozen(self, worker: Worker) -> None:
        async def frozen() -> bool:
            return worker.is_frozen()

        await until(frozen, within=3 * self.patience, what=f"a worker to freeze ({worker.log})")

    async def until_taken(self, count: int) -> None:
        async def taken() -> bool:
            return len(self.dots()) >= count

        await until(taken, within=2 * self.patience, what=f"{count} emails at the sink")

    def dots(self) -> list[dict[str, Any]]:
        """What reached its final dot at the sink, of this case."""
        return [
            e
            for e in self.stage.sink.entries()
            if e["event"] == "dot" and e["from"].endswith(f"@{self.domain}")
        ]

    def log_ins(self) -> list[dict[str, Any]]:
        """Which log-ins the sink has seen of `logs_in`."""
        user = f"news@{self.domain}"
        return [
            e for e in self.stage.sink.entries() if e["event"] == "log-in" and e["user"] == user
        ]

    async def until_listening(self, workers: int) -> None:
        """Wait until so many workers are up and hear what is signalled."""

        async def listening() -> bool:
            return bool(await self.world.fetchval(_LISTENERS) == workers)

        await until(listening, within=3 * self.patience, what=f"{workers} workers")

    async def is_done(self, sender: UUID) -> bool:
        """Whether nothing of the sender's waits or is under way; a doubt does not count."""
        await self.hurry()
        return bool(
            await self.world.fetchval(
                """
                SELECT count(*) = 0 FROM email_jobs
                 WHERE sender_id = $1 AND state NOT IN ('sent', 'failed', 'in_doubt')
                """,
                sender,
            )
        )

    async def is_held(self, sender: UUID) -> bool:
        """Whether the sender's lane sleeps because of its hourly limit."""
        return bool(
            await self.world.fetchval(
                "SELECT held_by = 'hourly_limit' FROM lanes WHERE sender_id = $1", sender
            )
        )

    async def another_look(self, sender: UUID) -> None:
        """Wake the sender's lane, and wait until it sleeps again."""
        await self.world.signal(sender)
        what = "another look at the limit"
        await until(partial(self._sleeps, sender), within=2 * self.patience, what=what)

    async def _sleeps(self, sender: UUID) -> bool:
        """Not merely that it is at work, which puts off its next waking, too."""
        return bool(
            await self.world.fetchval(
                "SELECT wake_at > now() AND parked_at IS NOT NULL FROM lanes WHERE sender_id = $1",
                sender,
            )
        )

    def is_within_its_hour(self) -> bool:
        """Whether the clock hour that it began in goes on: an hourly limit lets no more go."""
        return time.time() // 3600 == self.begun_at // 3600

    async def flush_redis(self) -> None:
        async with redis.asyncio.Redis.from_url(self._redis_url) as connection:
            await connection.flushdb()

    async def forget_counters(self) -> None:
        """As a Redis does that is short of memory: lanes have no time to live, counters have."""
        async with redis.asyncio.Redis.from_url(self._redis_url) as connection:
            await connection.delete(
                *(await connection.keys("*_rate:*")), *(await connection.keys("*_gap:*"))
            )

    async def set_counters(self, used: int) -> None:
        """Let every hourly counter say that so many were used."""
        async with redis.asyncio.Redis.from_url(self._redis_url) as connection:
            for key in await connection.keys("*_rate:*"):
                await connection.set(key, used, keepttl=True)

    @property
    def _redis_url(self) -> str:
        return self.stage.redis_url(self.redis_number)

    async def verdict(self, *, strict_copies: str | None = None, all_final: bool = True) -> Verdict:
        return await judge(
            self.world,
            self.stage.sink.entries(),
            domain=self.domain,
            strict_copies=strict_copies,
            all_final=all_final,
        )

    async def stop_workers(self) -> None:
        """Softly: what is under way ends. A worker that does not end by itself is a finding."""
        await asyncio.gather(*(asyncio.to_thread(w.stop) for w in self.workers if not w.is_dead()))
