"""Starting and stopping the servers' processes, and finding those that a killed parent left."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
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


class EmbeddedServerError(OperationalError):
    """A private server could not be prepared or started; the message says what to look at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """How to run one process, and how to ask it to stop."""

    argv: tuple[str, ...]
    cwd: Path
    stop_signal: signal.Signals
    user: int | None = None
    group: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def options(self, log: IO[bytes]) -> dict[str, Any]:
        """Keyword arguments for `subprocess.Popen` and `asyncio.create_subprocess_exec` alike."""
        drop = {} if self.user is None else {"user": self.user, "group": self.group}
        return {
            "cwd": self.cwd,
            "env": {**os.environ, **self.env},
            "stdin": subprocess.DEVNULL,
            "stdout": log,
            "stderr": log,
            # Ctrl-C reaches the whole foreground group; only the parent may decide who stops when.
            "start_new_session": True,
            "preexec_fn": die_with_parent(self.stop_signal),
            **drop,
            **({} if self.user is None else {"extra_groups": []}),
        }


class Server(Protocol):
    """A private server: prepared once, then run as often as needed."""

    name: str
    directory: Path

    @property
    def url(self) -> str: ...

    def prepare(self) -> None:
        """Stop leftovers and create what is missing. Raises `EmbeddedServerError`."""

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


def tail(log: Path) -> str:
    """The end of a log, for a message to a person."""
    with suppress(OSError):
        return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
    return "(no log)"


def stop_leftovers(directory: Path, name: str) -> int:
    """Stop every process called `name` that works in `directory`; how many there were.

    A server's working directory is its data directory, so this finds the orphans of a killed
    parent without trusting a pid file, and never anybody else's server.
    """
    found = list(_working_in(directory, name))
    for stop_signal in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if not found:
            break
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(stop_signal)
        psutil.wait_procs(found, timeout=STOP_TIMEOUT_SECONDS)
        found = list(_working_in(directory, name))
    if found:
        raise EmbeddedServerError(f"cannot stop process {found[0].pid}, which uses {directory}")
    return 0


def _working_in(directory: Path, name: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        if not (process.info["name"] or "").startswith(name):
            continue
        with suppress(psutil.Error, OSError):
            if os.path.samefile(process.cwd(), directory):
                yield process
