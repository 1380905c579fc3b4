"""A private Redis, or Valkey, which is one to us: the program is `redis_program`'s choice.

BullMQ needs `noeviction`; `hz 100` brings a delayed job's lateness from 44 ms to 6 (median). Its
contents can be rebuilt from PostgreSQL, so the append-only file is there for a quick restart, and
one that another program has written, which this one cannot read, is no loss.
"""

from __future__ import annotations

import logging
import shutil
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from os import geteuid
from pathlib import Path
from urllib.parse import quote

from paceline.embedded.process import Command, stop_all, working_in
from paceline.embedded.redis_program import NAMES, Program, preferred
from paceline.embedded.sockets import make_private, socket_directory

PROBE_TIMEOUT_SECONDS = 1.0
_SOCKET_NAME = "redis.sock"
_WRITER = "written-by"  # the program that has kept what is here
_FOLDER = "appendonlydir"  # since Redis 7
_KEPT = ("appendonly.aof", _FOLDER, "dump.rdb")

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

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Redis:
    """One server in `directory`. Give an absolute path."""

    directory: Path
    name: str = "redis-server"
    program: Program | None = None  # None: the preferred one

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
        self._make_way_for(self.program or preferred())
        if self._socket.parent != self.directory:
            make_private(self._socket.parent, uid=geteuid())
        self._socket.unlink(missing_ok=True)

    def stop_leftovers(self) -> None:
        """Stop what a killed parent left running."""
        if self.directory.exists():
            stop_all(working_in(self.directory, *NAMES), signal.SIGTERM, signal.SIGKILL)

    def command(self) -> Command:
        """The server in the foreground; SIGTERM flushes the append-only file."""
        settings = {
            "dir": str(self.directory),
            "unixsocket": str(self._socket),
            **_CONFIGURATION,
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return Command(
            argv=((self.program or preferred()).path, *options),
            cwd=self.directory,
            stop_signal=signal.SIGTERM,
            is_ours=False,
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

    def _make_way_for(self, program: Program) -> None:
        """Remove what it could not read, and what it would take for newer than it is."""
        note = self.directory / _WRITER
        writer = self._writer(note)
        if writer is not None and not program.reads_files_of(writer):
            _log.warning(
                "%s runs now, where %s did: Redis begins empty, and is filled from PostgreSQL",
                program,
                writer,
            )
            for name in _KEPT:
                _remove(self.directory / name)
        note.write_text(f"{program}\n")

    def _writer(self, note: Path) -> str | None:
        with suppress(OSError, UnicodeDecodeError):
            return note.read_text().strip()
        # Before there was a note: the form of the files tells what can be told.
        return "redis 7.0" if (self.directory / _FOLDER).exists() else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
