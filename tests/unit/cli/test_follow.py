"""Following logs: what is shown, and that files stay bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from paceline.cli.follow import LogFollower


def follower(log: Path) -> tuple[LogFollower, list[tuple[str, str]]]:
    shown: list[tuple[str, str]] = []
    return LogFollower({"worker": log}, lambda *line: shown.append(line)), shown


def write(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_warnings_are_shown_short_and_all_else_is_not(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    follow, shown = follower(log)
    write(log, '{"level": "info", "message": "x"}\n')
    write(log, '{"level": "warning", "message": "slow\\nserver"}\nnot json\n[]\n')
    write(log, '{"level": "error", "message": "' + "y" * 1_000 + '"}\n')
    follow.look()
    assert shown == [("worker", "slow server"), ("worker", "y" * 300)]


def test_what_was_there_before_is_not_shown(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    write(log, '{"level": "error", "message": "old"}\n')
    follow, shown = follower(log)
    follow.look()
    assert shown == []


def test_a_line_that_is_half_written_is_shown_once_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    follow, shown = follower(log)
    write(log, '{"level": "error", "mess')
    follow.look()
    assert shown == []
    write(log, 'age": "whole"}\n')
    follow.look()
    assert shown == [("worker", "whole")]


def test_a_log_that_has_grown_too_long_is_cut_and_the_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.cli.follow.MAX_LOG_BYTES", 100)
    log = tmp_path / "worker.log"
    follow, shown = follower(log)
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 200 + b"\n")
        follow.look()
        assert log.stat().st_size == 0
        writer.write(b'{"level": "error", "message": "after"}\n')
        follow.look()
    assert (tmp_path / "worker.log.1").stat().st_size == 201
    assert shown == [("worker", "after")]
