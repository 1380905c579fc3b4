"""Where a server's UNIX socket lives: in its own directory, unless the path is too long for one."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from paceline.embedded.process import EmbeddedServerError

# sockaddr_un holds 108 bytes with its NUL on Linux, 104 on macOS and the BSDs.
MAX_SOCKET_PATH_BYTES = 103
# PostgreSQL reads its setting as a comma-separated, quotable list.
_PLAIN = re.compile(r"[\w ./+=@-]+")


def socket_directory(directory: Path, socket_name: str) -> Path:
    """`directory` itself, or a short private folder in the temporary directory.

    The folder's name follows from the directory, so that a restart finds the same place.
    """
    if _fits(directory / socket_name):
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"paceline-{digest}"
    if not _fits(short / socket_name):
        raise EmbeddedServerError(
            f"{directory} is too long a path for a socket: choose a shorter one"
        )
    return short


def _fits(path: Path) -> bool:
    plain = _PLAIN.fullmatch(str(path))
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES and plain is not None


def make_private(folder: Path, *, uid: int) -> None:
    """Create `folder` for `uid` alone; refuse one that somebody else put there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid not in {uid, os.geteuid()}:
        raise EmbeddedServerError(f"{folder} belongs to somebody else: remove it, then try again")
    folder.chmod(0o700)
    if found.st_uid != uid:
        os.chown(folder, uid, -1)
