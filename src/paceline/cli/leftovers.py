"""What a killed `paceline up` may have left running on its home, and stopping it.

On Linux the kernel passes a parent's death on to its children. Elsewhere a small process of ours
does (`paceline lifeline`): its standard input ends when the parent does.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from paceline.cli.parts import own_command
from paceline.embedded import Postgres, Redis, stop_all, working_in
from paceline.home import Home

_KERNEL_DOES_IT = sys.platform == "linux"


def stop_parts(home: Home) -> None:
    """Stop our own processes of an earlier `up` on this home: softly, then by force."""
    left = [p for p in working_in(home.path, "python") if _is_part(p)]
    stop_all(left, signal.SIGTERM, signal.SIGKILL)


def _is_part(process: psutil.Process) -> bool:
    # As `own_command` starts them, and as nobody types them.
    with suppress(psutil.Error):
        return process.cmdline()[1:4] == ["-P", "-m", "paceline"]
    return False


@contextmanager
def children_die_with_us(home: Home) -> Iterator[None]:
    """For a block: should this process be killed, its children will not outlive it for long."""
    if _KERNEL_DOES_IT:
        yield
        return
    command = own_command("lifeline", str(home.path), cwd=Path("/"), env={})
    guard = subprocess.Popen(
        command.argv, cwd=command.cwd, stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        guard.kill()
        guard.communicate()


def lifeline(home: Path) -> None:
    """Wait for the end of standard input, then stop all that runs on a home."""
    sys.stdin.read()
    place = Home(home)
    stop_parts(place)
    Redis(place.redis).stop_leftovers()
    Postgres(place.postgres).stop_leftovers()
