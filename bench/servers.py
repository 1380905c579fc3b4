"""Private PostgreSQL and Redis, a migrated database, and the sink, for the length of a run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from paceline.embedded import Postgres, Redis, running
from paceline.persistence.migrate import upgrade


@dataclass(frozen=True)
class Servers:
    database_url: str
    redis_url: str
    postgres: psutil.Process
    redis: psutil.Process


@contextmanager
def servers() -> Iterator[Servers]:
    """The real ones, with fsync on, as `paceline up` runs them."""
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="plb-", ignore_cleanup_errors=True)
        )
        place = Path(folder).resolve()
        postgres, redis = Postgres(place / "postgres"), Redis(place / "redis")
        stack.enter_context(running(postgres, log=place / "postgres.log"))
        stack.enter_context(running(redis, log=place / "redis.log"))
        upgrade(postgres.url)
        yield Servers(
            postgres.url, redis.url, child_in(postgres.directory), child_in(redis.directory)
        )


def child_in(directory: Path) -> psutil.Process:
    """The server that works in this directory, as each of these does in its own."""
    (found,) = (p for p in psutil.Process().children() if _works_in(p, directory))
    return found


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return Path(process.cwd()) == directory
    except psutil.NoSuchProcess:  # or a zombie: somebody else's child that has ended
        return False


class SinkProcess:
    """The sink and its count."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.info = psutil.Process(process.pid)
        self.port = int(self._line())

    def taken(self) -> int:
        """How many emails it has taken so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def sink() -> Iterator[SinkProcess]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.sink"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield SinkProcess(process)
        finally:
            process.terminate()
