"""Supervision: a component that dies comes back, one that cannot start says why."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from paceline.cli import supervise
from paceline.cli.last_words import last_words
from paceline.cli.supervise import Component, StartFailed, Supervised, UnfitPart, start_all
from paceline.embedded import Command
from paceline.observability import troubles

# Writes its pid once it is up, then waits; `obey` decides whether SIGTERM ends it.
PROGRAM = """
import os, pathlib, signal, sys
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
while True:
    signal.pause()
"""


def component(tmp_path: Path, *, manner: str = "obedient", stop_seconds: float = 5.0) -> Component:
    up = tmp_path / "up"
    return Component(
        name="part",
        command=lambda: Command(
            argv=(sys.executable, "-c", PROGRAM, str(up), manner),
            cwd=tmp_path,
            stop_signal=signal.SIGTERM,
        ),
        log=tmp_path / "part.log",
        prepare=lambda: up.unlink(missing_ok=True),
        is_ready=lambda pid: up.exists() and up.read_text() == str(pid),
        stop_seconds=stop_seconds,
    )


@asynccontextmanager
async def running(part: Component) -> AsyncIterator[Supervised]:
    supervised = Supervised(part)
    try:
        await supervised.start()
        yield supervised
    finally:
        await supervised.stop()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_start_returns_once_the_component_answers(tmp_path: Path) -> None:
    async with running(component(tmp_path)) as part:
        assert (tmp_path / "up").read_text() == str(part.pid)


async def test_a_component_that_dies_is_started_again_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE_SECONDS", 0.01)
    async with running(component(tmp_path)) as part:
        first = part.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: part.pid != first)
        assert "part does not run: it was ended by SIGKILL" in caplog.text
        assert "starting it again in 0.01 s" in caplog.text


async def test_pauses_between_starts_grow_to_a_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(supervise, "LONGEST_PAUSE_SECONDS", 0.004)
    monkeypatch.setattr(troubles, "SAY_AGAIN_SECONDS", 0.0)
    lives = iter(["import signal; signal.pause()"])
    part = Component(
        name="part",
        command=lambda: Command(
            argv=(sys.executable, "-c", next(lives, "raise SystemExit(3)")),
            cwd=tmp_path,
            stop_signal=signal.SIGTERM,
        ),
        log=tmp_path / "part.log",
    )
    async with running(part) as supervised:
        assert supervised.pid is not None
        os.kill(supervised.pid, signal.SIGKILL)
        await eventually(lambda: caplog.text.count("in 0.004 s") == 2)
    pauses = re.findall(r"starting it again in (\S+) s", caplog.text)
    assert pauses[:4] == ["0.001", "0.002", "0.004", "0.004"]


async def test_a_component_that_ends_again_and_again_is_one_line_and_one_when_it_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(supervise, "HEALTHY_AFTER_SECONDS", 2.0)
    monkeypatch.setattr(troubles, "QUIET_SECONDS", 0.0)
    stays = ("sleep", "600")
    lives = iter([stays, *[("false",)] * 5])
    part = Component(
        name="part",
        command=lambda: Command(
            argv=next(lives, stays),
            cwd=tmp_path,
            stop_signal=signal.SIGTERM,
        ),
        log=tmp_path / "part.log",
    )
    async with running(part) as supervised:
        assert supervised.pid is not None
        os.kill(supervised.pid, signal.SIGKILL)
        await eventually(lambda: "over after" in caplog.text)
    begun, ended = [r.getMessage() for r in caplog.records if r.name == supervise.__name__]
    assert begun.startswith("part does not run: it was ended by SIGKILL; starting it again")
    assert ended.startswith("part does not run: over after")
    assert ended.endswith("met 6 times")


async def test_a_component_that_ends_at_its_first_start_is_not_tried_again(tmp_path: Path) -> None:
    part = Component(
        name="part",
        command=lambda: Command(
            argv=(sys.executable, "-c", "print('no disk left'); raise SystemExit(3)"),
            cwd=tmp_path,
            stop_signal=signal.SIGTERM,
        ),
        log=tmp_path / "part.log",
        is_ready=lambda _: False,
    )
    supervised = Supervised(part)
    with pytest.raises(StartFailed, match=r"part ended with code 3: no disk left"):
        await supervised.start()
    await supervised.stop()


async def test_a_component_that_has_to_be_set_up_differently_is_not_started_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE_SECONDS", 0.01)
    lives = iter(["import signal; signal.pause()"])
    part = Component(
        name="part",
        command=lambda: Command(
            argv=(sys.executable, "-c", next(lives, "raise SystemExit(78)")),
            cwd=tmp_path,
            stop_signal=signal.SIGTERM,
        ),
        log=tmp_path / "part.log",
    )
    async with running(part) as supervised:
        assert supervised.pid is not None
        os.kill(supervised.pid, signal.SIGKILL)
        with pytest.raises(UnfitPart, match="part cannot work as it is set up"):
            await supervised.given_up()
    assert "part ended with code 78; not started again" in caplog.text


async def test_a_program_that_does_not_exist_is_a_failed_start(tmp_path: Path) -> None:
    part = Component(
        name="part",
        command=lambda: Command(
            argv=("/nowhere/program",), cwd=tmp_path, stop_signal=signal.SIGTERM
        ),
        log=tmp_path / "part.log",
    )
    with pytest.raises(StartFailed, match="part could not be started"):
        await start_all([Supervised(part)])


async def test_a_component_that_never_answers_is_a_failed_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "READY_TIMEOUT_SECONDS", 0.2)
    part = Component(
        name="part",
        command=component(tmp_path).command,
        log=tmp_path / "part.log",
        is_ready=lambda _: False,
    )
    supervised = Supervised(part)
    with pytest.raises(StartFailed, match="part does not answer"):
        await supervised.start()
    await supervised.stop()


async def test_a_stopped_component_stays_stopped(tmp_path: Path) -> None:
    async with running(component(tmp_path)) as part:
        pid = part.pid
        assert pid is not None
        await part.stop()
        assert not is_alive(pid)
        await part.stop()


async def test_a_component_that_does_not_stop_is_stopped_by_force(tmp_path: Path) -> None:
    part = component(tmp_path, manner="stubborn", stop_seconds=0.1)
    async with running(part) as supervised:
        pid = supervised.pid
        assert pid is not None
    assert not is_alive(pid)


async def test_children_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    up = tmp_path / "up"
    parent = f"""
import signal, subprocess, sys
from pathlib import Path
from paceline.embedded import Command
command = Command(
    argv=(sys.executable, "-c", {PROGRAM!r}, {str(up)!r}, "obedient"),
    cwd=Path({str(tmp_path)!r}), stop_signal=signal.SIGTERM,
)
subprocess.Popen(command.argv, **command.options(None))
signal.pause()
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", parent)
    await eventually(lambda: up.exists() and up.read_text() != "")
    child = int(up.read_text())
    assert is_alive(child)
    process.kill()
    await process.wait()
    await eventually(lambda: not is_alive(child))


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ("12:00 UTC [1] FATAL:  no space\n12:00 UTC [1] LOG:  database is shut down\n", "no space"),
        ("paceline: DATABASE_URL is not set\n", "DATABASE_URL is not set"),
        ("Traceback (most recent call last):\n  File\nValueError: x\n", "ValueError: x"),
        (
            '{"level": "error", "message": "m", "exception": "Traceback\\nKeyError: 1"}\n',
            "KeyError: 1",
        ),
        ('{"level": "info", "message": "bye"}\n', "bye"),
    ],
)
def test_the_last_words_are_those_that_explain(tmp_path: Path, log: str, words: str) -> None:
    (tmp_path / "log").write_text("FATAL:  an older life\n" + log)
    assert last_words(tmp_path / "log", since=len("FATAL:  an older life\n")) == words
