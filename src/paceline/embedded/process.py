"""Starting and stopping the servers' processes, and finding those that a killed parent left."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import psutil

from paceline.errors import OperationalError

START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 5
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 2_000
_PR_SET_PDEATHSIG = 1
_PLAIN_NAMES = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR"}
    | {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"}
)


class EmbeddedServerError(OperationalError):
    """A private server could not be prepared or started; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Whom to run a server as."""

    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess`."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """How to run one process, and how to ask it to stop."""

    argv: tuple[str, ...]
    cwd: Path
    stop_signal: signal.Signals
    user: SystemUser | None = None  # None: as ourselves
    env: Mapping[str, str] = field(default_factory=dict)
    is_ours: bool = True  # else it is given no settings of ours, and none of its own kind

    def options(self, log: IO[bytes] | None) -> dict[str, Any]:
        """Keyword arguments for `subprocess.Popen` and `asyncio.create_subprocess_exec` alike."""
        return {
            "cwd": self.cwd,
            "env": {**(os.environ if self.is_ours else plain_environment()), **self.env},
            "stdin": subprocess.DEVNULL,
            "stdout": log,
            "stderr": log,
            # Ctrl-C reaches the whole foreground group; only the parent may decide who stops when.
            "start_new_session": True,
            "preexec_fn": die_with_parent(self.stop_signal),
            **({} if self.user is None else self.user.options()),
        }


def plain_environment() -> dict[str, str]:
    """What a server that is not ours needs of our environment: no secrets, no PGPORT."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _PLAIN_NAMES or name.startswith("LC_")
    }


class Server(Protocol):
    """A private server: prepared once, then run as often as needed."""

    @property
    def name(self) -> str: ...

    @property
    def directory(self) -> Path: ...

    @property
    def url(self) -> str: ...

    def prepare(self) -> None:
        """Stop leftovers and create what is missing. Raises `EmbeddedServerError`."""

    def stop_leftovers(self) -> None:
        """Stop what a killed parent left running in the directory."""

    def command(self) -> Command: ...

    def is_ready(self, pid: int) -> bool:
        """Whether the process `pid` answers by now."""


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """A hook for the child that has the kernel pass on the parent's death. Linux only."""
    if sys.platform != "linux":
        return None  # paceline.embedded.lifeline does it there
    # Looked up here: after the fork, loading a library is not safe.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), stop_signal)

    return ask_the_kernel


@contextmanager
def running(server: Server, *, log: Path) -> Iterator[Server]:
    """The server for the length of a block, for tests and one-off commands."""
    server.prepare()
    command = server.command()
    with log.open("ab") as output:
        process = subprocess.Popen(command.argv, **command.options(output))
    try:
        _wait_until_ready(server, process, log)
        yield server
    finally:
        process.send_signal(command.stop_signal)
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not server.is_ready(process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            raise EmbeddedServerError(f"{server.name} did not start:\n{tail(log)}")
        time.sleep(POLL_SECONDS)


def tail(log: Path, *, since: int = 0) -> str:
    """The end of what was logged after the byte `since`, for a message to a person."""
    with suppress(OSError), log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(min(since, size), size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
    return ""


def working_in(directory: Path, *names: str) -> list[psutil.Process]:
    """The processes of one of these names that work in `directory`.

    A server's working directory is its data directory, so this finds the orphans of a killed
    parent without trusting a pid file, and never anybody else's server.
    """
    found = []
    # It would go on with what it knows of an earlier process of the same number, which is gone.
    psutil.process_iter.cache_clear()
    for process in psutil.process_iter(["name"]):
        if not (process.info["name"] or "").startswith(names):
            continue
        with suppress(psutil.Error, OSError):
            if os.path.samefile(process.cwd(), directory):
                found.append(process)
    return found


def stop_all(processes: Sequence[psutil.Process], *signals: signal.Signals) -> None:
    """Ask with one signal after the other, each with its time, until all are gone."""
    left = list(processes)
    for stop_signal in signals:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(stop_signal)
        left = _still_there_after(left, STOP_TIMEOUT_SECONDS)
    if left:
        raise EmbeddedServerError(f"process {left[0].pid} ({left[0].name()}) does not stop")


def _still_there_after(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left := [process for process in left if _lives(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return left


def _lives(process: psutil.Process) -> bool:
    # A container whose first process buries nobody keeps the dead as zombies for ever.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
