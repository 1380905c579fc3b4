"""Workers that begin where a Python has started and imported all: most of what one costs to start.

Each is forked off one process that has done that once, and is otherwise like `paceline worker`.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.faults import elsewhere

_START = multiprocessing.get_context("forkserver")
_START.set_forkserver_preload(
    [
        "paceline.__main__",
        "paceline.bootstrap.preflight.looking",
        "paceline.bootstrap.worker",
        "paceline.bootstrap.worker_health",
        "paceline.cli.app",
        "paceline.cli.parts",
        "paceline.cli.starting",
        "tests.faults.elsewhere",
        "typer._adapters",
        "uvloop",
    ]
)


class Forked:
    """One of them, with what `subprocess.Popen` offers."""

    def __init__(self, *, env: Mapping[str, str], log: Path, source: Path | None = None) -> None:
        """`source`: a folder with another copy of the package."""
        # As a daemon: it ends with whoever started it, at the latest.
        self._process = _START.Process(target=_work, args=(dict(env), log, source), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self._one_at_a_time = threading.Lock()  # how it ended can be read once

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with self._one_at_a_time:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended; raises `subprocess.TimeoutExpired`."""
        multiprocessing.connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("paceline worker", timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _work(env: dict[str, str], log: Path, source: Path | None) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(log.parent)
    with log.open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    sys.argv = ["paceline", "worker"]
    if source:
        sys.path.insert(0, str(source))
    if source or elsewhere.UNUSUAL & env.keys():
        for name in [n for n in sys.modules if n.partition(".")[0] == "paceline"]:
            del sys.modules[name]  # to be loaded from there, or after what is put in place
    elsewhere.main()
