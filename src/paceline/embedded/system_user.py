"""PostgreSQL refuses to run as root: who runs it then, and how that user reaches its files.

Only the owner of the data directory ever gains a right to it. On the folders above, nothing but
the permission to pass through (`o+x`) is added, never the one to list or read.
"""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from paceline.embedded.process import EmbeddedServerError, SystemUser

USER_NAME = "paceline"
FALLBACK_USER_NAME = "nobody"
_USERADD_TIMEOUT_SECONDS = 20

_log = logging.getLogger(__name__)


def server_user(directory: Path) -> SystemUser | None:
    """None: run it as ourselves. As root: the directory's owner, else a user of our own."""
    if os.geteuid() != 0:
        return None
    owner = _owner(directory) or _named(USER_NAME)
    if owner is None:
        _create(USER_NAME)
        owner = _named(USER_NAME) or _named(FALLBACK_USER_NAME)
    if owner is None:
        raise EmbeddedServerError(
            "PostgreSQL does not run as root, and no other user could be made: run paceline as a "
            f"normal user, or create one called {USER_NAME} first"
        )
    return owner


def _owner(directory: Path) -> SystemUser | None:
    # Data made by one user stays with it, whoever would be chosen today.
    if not directory.exists() or (found := directory.stat()).st_uid == 0:
        return None
    return SystemUser(found.st_uid, found.st_gid)


def _named(name: str) -> SystemUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return SystemUser(entry.pw_uid, entry.pw_gid)


def _create(name: str) -> None:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        _log.warning("no useradd on this machine: PostgreSQL runs as %s", FALLBACK_USER_NAME)
        return
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    made = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_USERADD_TIMEOUT_SECONDS
    )
    if made.returncode:
        _log.warning("useradd %s: %s", name, made.stderr.strip())


def let_pass(user: SystemUser, path: Path) -> None:
    """Make every folder above `path` passable for `user`."""
    for folder in path.resolve().parents:
        if _may_pass(user, folder.stat()):
            continue
        _log.warning("chmod o+x %s, so that PostgreSQL's user can pass to %s", folder, path)
        try:
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
        except OSError as error:
            raise EmbeddedServerError(
                f"{folder} cannot be passed by PostgreSQL's user ({error.strerror}): "
                "choose another --home"
            ) from error


def _may_pass(user: SystemUser, found: os.stat_result) -> bool:
    if found.st_uid == user.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == user.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def make_readable(folder: Path) -> None:
    """Undo a strict umask at installation: everyone may read and run what is in `folder`."""
    for path in _everything_in(folder):
        mode = stat.S_IMODE(path.stat().st_mode)
        passable = stat.S_IXGRP | stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0
        wanted = mode | stat.S_IRGRP | stat.S_IROTH | passable
        if wanted != mode:
            path.chmod(wanted)


def _everything_in(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (path for path in folder.rglob("*") if not path.is_symlink())
