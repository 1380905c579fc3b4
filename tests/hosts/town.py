"""Three hosts of workers, one PostgreSQL, one Redis, one SMTP server: a campaign over all of them.

The verdict joins what the sink has written with the database, by Message-ID: nothing lost, nothing
twice, no limit broken, no delay too short, and never more connections than a sender may have.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

from paceline.auth.secretbox import SecretBox, smtp_password_label
from paceline.errors import OperationalError
from paceline.persistence.workers import how_many_are_there
from tests.faults.processes import Worker
from tests.hosts.network import Host
from tests.hosts.servers import SMTP_PORT, HostSink
from tests.world import SECRET_KEY, World

LOOK_SECONDS = 0.1
START_SECONDS = 180  # of all workers, on a machine that has much else to do
MAX_CONNECTIONS = 2  # of each sender
# Neither at its end, nor asleep until the next hour.
OPEN = """
    SELECT count(*) FROM email_jobs j JOIN senders s ON s.id = j.sender_id
      LEFT JOIN lanes l ON l.sender_id = j.sender_id
     WHERE j.state NOT IN ('sent', 'failed', 'in_doubt')
       AND NOT coalesce(j.state = 'scheduled' AND l.held_by = 'hourly_limit'
                        AND l.wake_at > now() + interval '1 minute', false)
"""
LIMITED = """
    SELECT s.hourly_limit, count(*) AS all_of_them,
           count(*) FILTER (WHERE j.state = 'scheduled') AS waiting,
           count(*) FILTER (WHERE j.state <> 'scheduled') AS gone
      FROM senders s JOIN email_jobs j ON j.sender_id = s.id GROUP BY s.id
"""
# A booking that nobody could give back counts until its hour is over: a limit errs on this side.
LOST_BOOKINGS = 8


@dataclass
class Town:
    """What a scenario plays with."""

    folder: Path
    hosts: list[Host]
    postgres_host: Host
    redis_host: Host
    sink: HostSink
    world: World
    database_url: str
    redis_url: str
    env: Mapping[str, str] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    campaigns: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)  # by sender
    vanished_at: dict[str, float] = field(default_factory=dict)  # by address

    def start(self, host: Host, *, env: Mapping[str, str] | None = None) -> Worker:
        """A worker on this host, whose home is the host's own."""
        worker = Worker.start(
            database_url=self.database_url,
            redis_url=self.redis_url,
            home=self.folder / f"home-{host.name}",
            log=self.folder / f"worker-{host.name}.log",
            env={**self.env, **(env or {})},
            under=host.enter,
        )
        self.workers[host.name] = worker
        return worker

    async def start_all(self, *, env: Mapping[str, str] | None = None) -> None:
        """A worker on each host; all of them listen once it returns."""
        for host in self.hosts:
            self.start(host, env=env)
        await self.until_workers(len(self.hosts), within=START_SECONDS)

    async def until_workers(self, count: int, *, within: float = 180) -> None:
        """PostgreSQL knows of so many that live."""

        async def there() -> bool:
            async with self.world.database.transaction() as session:
                return await how_many_are_there(session) == count

        await self.until(there, f"{count} workers live", within=within)

    def busiest(self) -> Host:
        """The host that has sent the most of the last emails."""
        counts = Counter(entry["host"] for entry in self.emails()[-40:])
        return max(self.hosts, key=lambda host: counts[host.address])

    def unplug(self, host: Host) -> None:
        """Nothing reaches it any more, and nobody is told."""
        host.vanish()
        self.vanished_at[host.address] = time.time()

    def lose(self, host: Host) -> None:
        """The host is gone at once, with all that ran on it; no packet tells of it."""
        self.unplug(host)
        self.workers[host.name].kill()

    async def campaign(
        self, count: int, *, due_in_seconds: float = 0, **sender: object
    ) -> uuid.UUID:
        """A sender of its own with so many emails; the sender."""
        number = len(self.campaigns)
        columns = {"max_connections": MAX_CONNECTIONS, **sender}
        sender_id = await self.world.sender(
            port=SMTP_PORT,
            smtp_host=self.sink.host.address,
            from_address=f"news{number}@example.com",
            **columns,
        )
        label = smtp_password_label(owner_id=self.world.owner_id, sender_id=sender_id)
        await self.world.execute(
            "UPDATE senders SET smtp_username = from_address, smtp_password = $2 WHERE id = $1",
            sender_id,
            SecretBox(SECRET_KEY).seal("secret", label=label),
        )
        campaign_id = await self.world.campaign(sender_id, doubt_policy="hold")
        addresses = [f"r{n}@c{number}.example.org" for n in range(count)]
        due_in = timedelta(seconds=due_in_seconds)
        await self.world.emails(sender_id, campaign_id, addresses, due_in=due_in)
        await self.world.signal(sender_id)
        self.campaigns[sender_id] = campaign_id
        return sender_id

    async def campaigns_of(self, senders: int, *, emails: int) -> None:
        """As many senders, each with a campaign of as many emails."""
        for _ in range(senders):
            await self.campaign(emails)

    @property
    def servers(self) -> Mapping[str, Host]:
        """The hosts of the servers, by name."""
        return {"postgres": self.postgres_host, "redis": self.redis_host}

    @property
    def under_way(self) -> int:
        """How many emails all senders together may have on connections at once."""
        return MAX_CONNECTIONS * len(self.campaigns)

    def entries(self) -> list[dict[str, Any]]:
        """All that the sink has written."""
        text = self.sink.log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def emails(
        self, *, host: Host | None = None, sender: str = "", since: float = 0.0
    ) -> list[dict[str, Any]]:
        """Those taken by the sink, from one host or sender, since a moment."""
        return [
            entry
            for entry in self.entries()
            if entry["event"] == "email"
            and entry["at"] >= since
            and (host is None or entry["host"] == host.address)
            and sender in {"", entry["sender"]}
        ]

    async def until(self, is_so: Callable[[], object], what: str, *, within: float = 180) -> None:
        """Look until it is so: other hosts have no event to wait for."""
        ends_at = time.monotonic() + within
        while True:
            found = is_so()
            if asyncio.iscoroutine(found):
                found = await _patiently(found)
            if found:
                return
            assert time.monotonic() < ends_at, f"not within {within:.0f} s: {what}{self._state()}"
            await asyncio.sleep(LOOK_SECONDS)

    async def until_sent(self, count: int, *, within: float = 180) -> None:
        """The sink has taken so many."""
        await self.until(lambda: len(self.emails()) >= count, f"{count} are sent", within=within)

    async def until_done(self, *, within: float = 240) -> None:
        """Nothing waits any more, but for the next hour, and nothing is under way."""

        await self.until(self.is_done, "all is done", within=within)

    async def is_done(self) -> bool:
        """At this moment."""
        return int(await self.world.fetchval(OPEN)) == 0

    def stop_all(self) -> None:
        for worker in self.workers.values():
            worker.signal(signal.SIGTERM)
        for worker in self.workers.values():
            worker.stop()

    def _state(self) -> str:
        logs = [
            f"\n--- {name}\n{''.join(w.log.read_text().splitlines(keepends=True)[-15:])}"
            for name, w in self.workers.items()
        ]
        return "".join(logs)

    async def verdict(self, *, doubts: int = 0) -> None:
        """Of everything; `doubts`: as many emails at the most may be left in doubt."""
        entries = self.entries()
        taken = Counter(e["message_id"] for e in entries if e["event"] == "email")
        rows = await self.world.fetch(
            "SELECT m.message_id, j.state FROM emails m JOIN email_jobs j ON j.email_id = m.id"
        )
        twice = {identity: n for identity, n in taken.items() if n > 1}
        lost = [r for r in rows if r["state"] == "sent" and not taken[r["message_id"]]]
        mistaken = [r for r in rows if r["state"] == "failed" and taken[r["message_id"]]]
        states = Counter(row["state"] for row in rows)
        assert not twice, twice
        assert not lost, lost
        assert not mistaken, mistaken
        assert states["sent"] + states["in_doubt"] + states["scheduled"] == len(rows), states
        for sender in await self.world.fetch(LIMITED):
            limit = sender["hourly_limit"]
            assert not sender["waiting"] or sender["gone"] >= limit - LOST_BOOKINGS, sender
        assert states["in_doubt"] <= doubts, states
        self._judge_connections(entries)
        await self._judge_pace(entries)

    def most_connections(self) -> dict[str, int]:
        """How many each sender had open at once, at the most."""
        return _most_open(self.entries(), self.vanished_at)

    def _judge_connections(self, entries: list[dict[str, Any]]) -> None:
        over = {
            s: n for s, n in _most_open(entries, self.vanished_at).items() if n > MAX_CONNECTIONS
        }
        assert not over, f"more connections at once than {MAX_CONNECTIONS}: {over}"

    async def _judge_pace(self, entries: list[dict[str, Any]]) -> None:
        rows = await self.world.fetch(
            "SELECT from_address, hourly_limit, min_delay_ms FROM senders"
        )
        by_sender: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in entries:
            if entry["event"] == "email":
                by_sender[entry["sender"]].append(entry)
        for row in rows:
            emails = sorted(by_sender[row["from_address"]], key=lambda entry: entry["began"])
            hours = Counter(int(entry["at"] // 3600) for entry in emails)
            if row["hourly_limit"] is not None:
                assert max(hours.values(), default=0) <= row["hourly_limit"], hours
            if row["min_delay_ms"]:
                gaps = [b["began"] - a["at"] for a, b in pairwise(emails)]
                assert min(gaps) >= row["min_delay_ms"] / 1000, min(gaps)


async def _patiently(found: Awaitable[object]) -> object:
    with suppress(OperationalError):
        return await found
    return False


def _most_open(entries: list[dict[str, Any]], vanished_at: Mapping[str, float]) -> dict[str, int]:
    """By sender, which logs in by its address. What a host had that vanished ends with it."""
    senders = {e["connection"]: e["sender"] for e in entries if e["event"] == "login"}
    changes: dict[str, list[tuple[float, int]]] = defaultdict(list)
    opened_at = {e["connection"]: e["at"] for e in entries if e["event"] == "open"}
    closed_at = {e["connection"]: e["at"] for e in entries if e["event"] == "close"}
    hosts = {e["connection"]: e["host"] for e in entries if e["event"] == "open"}
    for connection, sender in senders.items():
        began, ended = opened_at[connection], closed_at.get(connection, inf)
        gone_at = vanished_at.get(hosts[connection], 0.0)
        if began < gone_at:
            ended = min(ended, gone_at)
        changes[sender] += [(began, 1), (ended, -1)]
    return {sender: _highest(steps) for sender, steps in changes.items()}


def _highest(steps: list[tuple[float, int]]) -> int:
    open_now = highest = 0
    for _, step in sorted(steps):
        open_now += step
        highest = max(highest, open_now)
    return highest
