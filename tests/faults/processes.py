"""The real processes of a fault test: servers that can be crashed, the sink, workers.

Everything is started as a user would start it and ended by its own process id.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import redis.asyncio

from paceline.embedded import Postgres, Redis
from paceline.embedded.process import Server
from paceline.errors import OperationalError
from paceline.persistence.migrate import upgrade
from tests.certificates import certify
from tests.faults import elsewhere
from tests.faults.forked import Forked
from tests.world import SECRET_KEY

ROOT = Path(__file__).parents[2]
LOOK_SECONDS = 0.05
START_SECONDS = 180.0  # after a crash PostgreSQL writes each of its files, on a disk that is busy
STOP_SECONDS = 60  # for a machine that has much else to do; a worker that hangs takes for ever
# The shortest that the settings allow: a lease covers two heartbeats and the guard's margin.
LEASE_SECONDS = 3
TEMPLATE = "migrated"
_ONE_AT_A_TIME = threading.Lock()


async def until(
    condition: Callable[[], Awaitable[bool]], *, within: float, what: str = "it"
) -> None:
    """Wait for something in another process, which cannot signal us: the one place that polls."""
    ends_at = time.monotonic() + within
    while not await _holds(condition):
        if time.monotonic() > ends_at:
            raise TimeoutError(f"waited {within:.0f} s in vain for {what}")
        await asyncio.sleep(LOOK_SECONDS)


async def _holds(condition: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await condition()
    except OperationalError:
        return False  # a server is away, which is what these tests are about


class Crashable:
    """One private server as a process that is killed and started again."""

    def __init__(self, server: Server, log: Path) -> None:
        self.server = server
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._launch()
        ends_at = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if time.monotonic() > ends_at:
                raise TimeoutError(f"{self.server.name} does not start")
            time.sleep(LOOK_SECONDS)

    async def start_again(self) -> None:
        """The same within an event loop, which goes on meanwhile."""
        self._launch()
        await self.until_ready()

    async def until_ready(self) -> None:
        """Wait until it answers."""

        async def ready() -> bool:
            return self._is_ready()

        await until(ready, within=START_SECONDS, what=self.server.name)

    def end(self, number: signal.Signals) -> None:
        """Send one signal and wait for the end."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(20)

    async def crash(self, number: signal.Signals, *, away: float = 0.0) -> None:
        """End it by a signal, leave it away for a while, start it again."""
        await asyncio.to_thread(self.end, number)
        await asyncio.sleep(away)
        await self.start_again()

    def _launch(self) -> None:
        # In the main thread: a server dies with the thread that started it.
        self.server.prepare()
        command = self.server.command()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(command.argv, **command.options(output))

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.server.name}: {self._log.read_text()[-2000:]}")
        return self.server.is_ready(self._process.pid)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, number: signal.Signals) -> None:
        """End it, if it lives. Not softly: hundreds of databases would be written for nobody."""
        if self.is_running():
            self.end(number)


@dataclass
class Sink:
    """The sink's process, its doors, and what it has written so far."""

    folder: Path
    port: int = 0  # of the door where nothing goes wrong before MAIL
    _process: subprocess.Popen[str] | None = None
    _doors: dict[int, dict[str, Any]] = field(default_factory=dict)
    _read: int = 0
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def start(self) -> None:
        """Start it, with all the doors that it ever had."""
        self._control.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.faults.sink"),
                *map(str, (self._log, self._control)),
                *map(str, (self.certificate, self.folder / "stranger.pem")),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        for port, door in self._doors.items():
            door["seed"] += 1  # or each life would begin with the same faults
            self._open(door, port)
        self.port = self.port or self.door()

    @property
    def certificate(self) -> Path:
        """What its clients have to trust."""
        return self.folder / "sink.pem"

    @property
    def _log(self) -> Path:
        return self.folder / "sink.log"

    @property
    def _control(self) -> Path:
        return self.folder / "sink.socket"

    def door(
        self,
        *modes: str,
        times: int = 0,
        share: float = 0.0,
        tls: Literal["none", "starttls", "implicit"] = "none",
        seed: int = 0,
    ) -> int:
        """Open one; its port. See `sink.Door`."""
        door = {"modes": modes, "times": times, "share": share, "tls": tls, "seed": seed}
        port = self._open(door, 0)
        self._doors[port] = door
        return port

    def _open(self, door: dict[str, Any], port: int) -> int:
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._control))
            control.sendall(json.dumps({**door, "port": port}).encode() + b"\n")
            return int(control.makefile().readline())

    def kill(self) -> None:
        if self._process is None:
            return  # something else did not start
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def entries(self) -> list[dict[str, Any]]:
        """All of the log, oldest first; what was read before is not read again."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        self._entries += [json.loads(line) for line in whole.splitlines()]
        return self._entries


@dataclass(frozen=True)
class Stage:
    """Private servers and one sink, shared by many cases; each has a database of its own."""

    folder: Path
    postgres: Crashable
    redis: Crashable
    sink: Sink

    def postgres_url(self, database: str) -> str:
        server = self.postgres.server
        assert isinstance(server, Postgres)
        return server.url_of(database)

    def redis_url(self, number: int = 0) -> str:
        return self.redis.server.url.replace("?db=0", f"?db={number}")

    @asynccontextmanager
    async def redis_out_of_memory(self) -> AsyncIterator[None]:
        """With its memory used up and nothing to evict, Redis refuses to write."""
        async with redis.asyncio.Redis.from_url(self.redis_url()) as connection:
            await connection.config_set("maxmemory", "1")
            try:
                await connection.config_resetstat()
                yield
            finally:
                await connection.config_set("maxmemory", "0")

    async def has_refused_scripts(self) -> bool:
        """Whether a script of a worker's has met the end of Redis' memory.

        Told by what Redis counts: its words, and which of them reach a log, differ from one version
        to the next.
        """
        async with redis.asyncio.Redis.from_url(self.redis_url()) as connection:
            commands = await connection.info("commandstats")
            errors = await connection.info("errorstats")
        scripts = commands.get("cmdstat_evalsha", {})
        unknown = errors.get("errorstat_NOSCRIPT", {}).get("count", 0)
        return bool(scripts.get("failed_calls", 0) + scripts.get("rejected_calls", 0) > unknown)

    async def put_right(self) -> None:
        """Whatever was left behind: the next case finds all servers there."""
        for server in (self.postgres, self.redis):
            if server.is_running():
                await server.until_ready()
            else:
                await server.start_again()


@contextmanager
def stage(*, within: Path | None = None) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="plf-", dir=within, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        postgres = Crashable(Postgres(folder / "postgres"), folder / "postgres.log")
        redis = Crashable(Redis(folder / "redis"), folder / "redis.log")
        sink = Sink(folder)
        certify(sink.certificate, "127.0.0.1")
        certify(folder / "stranger.pem", "192.0.2.1")
        try:
            postgres.start()
            redis.start()
            sink.start()
            yield Stage(folder, postgres, redis, sink)
        finally:
            sink.kill()
            redis.stop(signal.SIGKILL)
            postgres.stop(signal.SIGQUIT)


def migrate(url: str) -> None:
    """Bring a database to the newest schema, off the caller's event loop."""
    with _ONE_AT_A_TIME:  # Alembic keeps what it does in a module
        upgrade(url)


@dataclass
class Worker:
    """`paceline worker`, one process."""

    process: subprocess.Popen[bytes] | Forked
    log: Path

    @classmethod
    def start(
        cls,
        *,
        database_url: str,
        redis_url: str,
        home: Path,
        log: Path,
        faults: str = "",
        source: Path | None = None,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
    ) -> Worker:
        """`source`: a folder with another copy of the package, instead of the installed one.

        `env` may hold what `elsewhere` knows. `under`: a command that runs the installed one, such
        as strace.
        """
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PACELINE_HOME": str(home),
            "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
            "PACELINE_LEASE_SECONDS": str(LEASE_SECONDS),
            "PACELINE_HEARTBEAT_SECONDS": "1",
            "PACELINE_GUARD_MARGIN_SECONDS": "1",
            "PACELINE_LOG": "text",
            "ALLOW_PRIVATE_HOSTS": "yes",
            "FAULTS": faults,
            **(env or {}),
        }
        if not under:
            return cls(Forked(env=environment, log=log, source=source), log)
        with log.open("ab") as output:
            process = subprocess.Popen(
                # -P: the folder of that script is no place to import from.
                [*under, sys.executable, "-P", elsewhere.__file__, "worker"],
                env=environment,
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return cls(process, log)

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_dead(self) -> bool:
        return self.process.poll() is not None

    def is_frozen(self) -> bool:
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text()
        except FileNotFoundError:
            return False
        return status.rpartition(")")[2].split()[0] == "T"

    def signal(self, number: signal.Signals) -> None:
        if not self.is_dead():
            self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """A soft stop; its exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
