"""PostgreSQL refuses to run as root: who runs it then, and how that user reaches its files.

Only the owner of the data directory ever gains a right to it. On the home above it nothing but the
permission to pass through (`o+x`) is added, never the one to list or read; on what is not ours,
nothing at all.
"""

from __future__ import annotations

import fcntl
import logging
import os
import pwd
import shutil
import stat
import subprocess
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
    # Two at once both make the user, the second with another number than the first has used.
    with open(useradd, "rb") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if _named(name) is not None:
            return
        made = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_USERADD_TIMEOUT_SECONDS
        )
    if made.returncode:
        _log.warning("useradd %s: %s", name, made.stderr.strip())


def let_pass(user: SystemUser, path: Path, *, within: Path) -> None:
    """Make the folders above `path` passable for `user`, as far as they are `within` our own.

    Raises `EmbeddedServerError` where another one stands in the way: it is not ours to open.
    """
    for folder in path.resolve().parents:
        if may_pass(user, folder.stat()):
            continue
        if not folder.is_relative_to(within.resolve()):
            raise EmbeddedServerError(
                f"{folder} cannot be passed by the user that PostgreSQL runs as: choose another "
                f"--home, such as /var/lib/paceline, or open it yourself (chmod o+x {folder})"
            )
        try:
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
        except OSError as error:
            raise EmbeddedServerError(
                f"{folder} cannot be passed by PostgreSQL's user ({error.strerror}): "
                "choose another --home"
            ) from error


def may_pass(user: SystemUser, found: os.stat_result) -> bool:
    """Whether this user may go through a folder, or run a file."""
    return _may(user, found, (stat.S_IXUSR, stat.S_IXGRP, stat.S_IXOTH))


def may_read(user: SystemUser, found: os.stat_result) -> bool:
    """Whether this user may read a file, or list a folder."""
    return _may(user, found, (stat.S_IRUSR, stat.S_IRGRP, stat.S_IROTH))


def _may(user: SystemUser, found: os.stat_result, bits: tuple[int, int, int]) -> bool:
    of_owner, of_group, of_others = bits
    if found.st_uid == user.uid:
        return bool(found.st_mode & of_owner)
    if found.st_gid == user.gid:
        return bool(found.st_mode & of_group)
    return bool(found.st_mode & of_others)
