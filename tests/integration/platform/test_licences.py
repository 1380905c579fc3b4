"""`make check` fails for a package that nobody has looked at, and for a licence not allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCK = "idna==3.20 \\\n    --hash=sha256:00\njinja2==3.1.6 \\\n    --hash=sha256:00\n"


def check(
    folder: Path, licences: str, *options: str, lock: str = LOCK
) -> subprocess.CompletedProcess[str]:
    (folder / "lock").write_text(lock)
    (folder / "licences").write_text(licences)
    script = [sys.executable, str(ROOT / "scripts" / "licences.py")]
    return subprocess.run(
        [*script, "--lock", folder / "lock", "--licences", folder / "licences", *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_locked_is_known_and_allowed() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "licences.py")], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("licences", "line"),
    [
        ('idna = "BSD-3-Clause"', "jinja2 is in the lock alone"),
        (
            'idna = "BSD-3-Clause"\njinja2 = "BSD-3-Clause"\ngone = "MIT"',
            "gone is in licences.toml alone",
        ),
        (
            'idna = "BSD-3-Clause"\njinja2 = "BSD-3-Clause AND AGPL-3.0-only"',
            "jinja2: AGPL-3.0-only is none of those that may be used",
        ),
        (
            'idna = "MIT"\njinja2 = "BSD-3-Clause"',
            "idna says that it is BSD-3-Clause, licences.toml says MIT",
        ),
        (
            'idna = "BSD-3-Clause"\njinja2 = "MIT"',
            "jinja2 says that it is under BSD License, licences.toml says MIT",
        ),
    ],
)
def test_what_is_wrong_with_a_licence_is_one_line(tmp_path: Path, licences: str, line: str) -> None:
    refused = check(tmp_path, licences)
    assert (refused.returncode, refused.stderr) == (1, f"licences: {line}\n")


def test_written_anew_it_takes_what_is_said_clearly_and_leaves_the_rest_to_a_person(
    tmp_path: Path,
) -> None:
    refused = check(tmp_path, '# Kept.\ngone = "MIT"\n', "--write")
    assert (tmp_path / "licences").read_text() == '# Kept.\nidna = "BSD-3-Clause"\njinja2 = "?"\n'
    assert refused.returncode == 1
    assert "jinja2: ? is none of those that may be used" in refused.stderr
