"""The user that PostgreSQL runs as where we are root, made by whoever comes first."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from paceline.embedded import system_user

# Takes as long as the real one, which leaves two users' numbers behind where two run at once.
USERADD = """#!/bin/sh
mkdir "$0.running" || touch "$0.twice"
sleep 0.1
rmdir "$0.running"
echo called >>"$0.calls"
"""


def test_the_user_is_made_by_one_process_at_a_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    useradd = tmp_path / "useradd"
    useradd.write_text(USERADD, encoding="utf-8")
    useradd.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_user, "USER_NAME", "nobody-has-this-name")

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(system_user.server_user, [tmp_path / "new"] * 3))

    assert (tmp_path / "useradd.calls").read_text(encoding="utf-8").count("called") == 3
    assert not (tmp_path / "useradd.twice").exists()
