"""The home folder: everything that `paceline up` keeps on this machine, and who is using it.

One `up` at a time owns a home (`up.lock`); while it runs, `run.json` tells the other commands
where to find it. Nothing outside this folder is written.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from paceline.errors import Conflict, OperationalError, SettingsError
from paceline.settings import SECRET_KEY_BYTES, decode_secret_key

MAX_PORT = 65_535
OF_ROOT = Path("/var/lib/paceline")
_SURELY_OURS = frozenset({"up.lock", "secret.key", "blackbox"})
_MAYBE_OURS = frozenset({"logs", "postgres", "redis", "lost+found"})  # the last is a disk's own


class HomeInUse(Conflict):
    """Another `paceline up` runs on this home."""


class HomeNotWritten(OperationalError):
    """There is no room in the home, or none for this user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What a running system says about itself."""

    pid: int
    url: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    devinbox_port: int


@dataclass(frozen=True, slots=True)
class Home:
    """The folder and what is where in it. `path` is absolute."""

    path: Path

    @classmethod
    def at(cls, path: Path | None, env: Mapping[str, str]) -> Home:
        """The folder asked for, else PACELINE_HOME, else the platform's place for user data."""
        chosen = path or (Path(env["PACELINE_HOME"]) if env.get("PACELINE_HOME") else None)
        try:
            whole = (chosen or _default(env)).expanduser()
        except RuntimeError:
            raise SettingsError(f"{chosen}, PACELINE_HOME: there is no such user") from None
        return cls(Path(os.path.abspath(whole)))

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def black_boxes(self) -> Path:
        """Where this machine's workers note what they are about to do."""
        return self.path / "blackbox"

    def create(self) -> None:
        """Make the folder, for its owner alone. Raises `SettingsError` when that is impossible.

        As root, others may pass through, since PostgreSQL runs as another user; what is inside
        stays private.
        """
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            self._refuse_what_is_anothers()
            self.logs.mkdir(exist_ok=True, mode=0o700)
            # What another user's `up` has left here may be closed to us, each file by itself.
            for file in (self.path / "up.lock", self.logs / "up.log"):
                file.open("ab").close()
            if (key := self.path / "secret.key").exists():
                key.open("rb").close()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise SettingsError(
                f"cannot use {self.path} as home: {why}; give it to this user, or choose another "
                "with --home or PACELINE_HOME"
            ) from error

    def _refuse_what_is_anothers(self) -> None:
        """`--home /` is a slip. Raises `SettingsError`."""
        found = {entry.name for entry in os.scandir(self.path)}
        strange = sorted(found - _SURELY_OURS - _MAYBE_OURS)
        if strange and found.isdisjoint(_SURELY_OURS):
            raise SettingsError(
                f"{self.path} is no home of ours, and holds other things ({strange[0]}): choose a "
                f"folder for it alone, such as {self.path / 'paceline'}, with --home or "
                "PACELINE_HOME"
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Own the home for a block. Raises `HomeInUse`. The kernel lets go if we are killed."""
        with (self.path / "up.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HomeInUse(self._in_use()) from None
            yield

    def _in_use(self) -> str:
        running = self.running()
        if running is None:
            return f"paceline is already starting or stopping on {self.path}"
        return f"paceline is already running at {running.url} (pid {running.pid}, {self.path})"

    def secret_key(self) -> str:
        """The key of this home in base64; made, for the owner's eyes only, at the first call."""
        file = self.path / "secret.key"
        if not file.exists():  # a disk that is full is written on for nothing
            with suppress(FileExistsError):
                _write_new(file, base64.b64encode(secrets.token_bytes(SECRET_KEY_BYTES)) + b"\n")
        text = file.read_text().strip()
        decode_secret_key(text)
        return text

    def cli_key(self) -> str | None:
        """The API key that the command line made for itself here."""
        with suppress(OSError):
            return (self.path / "cli.key").read_text().strip() or None
        return None

    def keep_cli_key(self, key: str) -> None:
        """Keep it for the next command, for the owner's eyes only."""
        (self.path / "cli.key").unlink(missing_ok=True)
        _write_new(self.path / "cli.key", key.encode() + b"\n")

    def announce(self, running: Running) -> None:
        """Tell the other commands. Readable by the owner alone: URLs may hold passwords."""
        draft = self.path / f"run.json.{os.getpid()}"
        draft.unlink(missing_ok=True)
        _write_new(draft, json.dumps(asdict(running), indent=2).encode())
        draft.replace(self.path / "run.json")
        (self.path / "devinbox.port").write_text(f"{running.devinbox_port}\n")

    def last_devinbox_port(self) -> int | None:
        """Where the dev inbox was last: senders that lead there have it in their settings."""
        with suppress(OSError, ValueError):
            port = int((self.path / "devinbox.port").read_text())
            return port if 0 < port <= MAX_PORT else None
        return None

    def forget(self) -> None:
        """Nothing runs here any more."""
        (self.path / "run.json").unlink(missing_ok=True)

    def running(self) -> Running | None:
        """What runs here, as far as can be seen."""
        try:
            found = Running(**json.loads((self.path / "run.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return found if _is_alive(found.pid) else None


def _write_new(file: Path, content: bytes) -> None:
    # Complete or absent, also after a crash: another name first, then a link that never replaces.
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as output:
                output.write(content)
                output.flush()
                os.fsync(output.fileno())
            os.link(draft, file)
        finally:
            draft.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise HomeNotWritten(f"Home: {file} cannot be written: {why}; make room") from error


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _default(env: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/paceline")
    own = Path(env.get("XDG_DATA_HOME") or "~/.local/share") / "paceline"
    # PostgreSQL does not run as root, and whoever runs it instead cannot pass through /root.
    if os.geteuid() == 0 and not env.get("XDG_DATA_HOME") and not own.expanduser().exists():
        return OF_ROOT
    return own
