"""The program as it was: taken out of the repository's history, which every clone has."""

from __future__ import annotations

import io
import itertools
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from paceline.persistence.planning import all_steps

ROOT = Path(__file__).parents[1]
VERSIONS = "src/paceline/persistence/migrations/versions"


@dataclass(frozen=True)
class OlderCode:
    """A folder to put into PYTHONPATH, and the schema that it was written for."""

    source: Path
    revision: str


def code_before_the_newest_migration(folder: Path) -> OlderCode:
    """As it was last, put into `folder`.

    The migration is known by its words: numbers were changed before they were agreed on.
    """
    newest, before = [step.revision for step in all_steps()][:-3:-1]
    (file,) = (ROOT / VERSIONS).glob(f"{newest}_*.py")
    words = re.sub(r"^\d+", "", file.name)
    if _git("rev-parse", "--is-shallow-repository").strip() == b"true":
        _git("fetch", "--quiet", "--unshallow")
    commits = _git("log", "--format=%H", "--", VERSIONS).decode().split()
    knowing = [*itertools.takewhile(lambda commit: words in _names(commit), commits)]
    then = f"{knowing[-1]}^" if knowing else "HEAD"
    with tarfile.open(fileobj=io.BytesIO(_git("archive", then, "src/paceline"))) as archive:
        archive.extractall(folder, filter="data")
    assert list((folder / VERSIONS).glob(f"{before}_*.py")), f"{then} knows nothing of {before}"
    return OlderCode(folder / "src", before)


def _names(commit: str) -> str:
    return _git("ls-tree", "--name-only", commit, f"{VERSIONS}/").decode()


def _git(*arguments: str) -> bytes:
    # The clone may be another user's, as in a container.
    command = ["git", "-c", f"safe.directory={ROOT}", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
