"""Fault points: nothing unless asked for, and a clear word about what cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from paceline.errors import SettingsError
from paceline.observability import faultpoints
from paceline.observability.faultpoints import Fault, FaultPoint, faultpoint, parse


def test_without_the_variable_a_fault_point_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(None) is None
    monkeypatch.setattr(faultpoints, "_fault", None)
    for point in FaultPoint:
        faultpoint(point)


def test_a_fault_strikes_at_its_point_and_its_hit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    struck: list[int] = []
    monkeypatch.setattr(Fault, "_strike", lambda fault: struck.append(fault.hits))
    fault = parse("before_dot:3:KILL")
    assert fault is not None
    for _ in range(5):
        fault.reached(FaultPoint.AFTER_BODY)
        fault.reached(FaultPoint.BEFORE_DOT)
    assert struck == [3]


@pytest.mark.parametrize(
    "text",
    ["before_dot", "before_dot:1", "nowhere:1:KILL", "before_dot:0:KILL", "before_dot:1:SHOUT"],
)
def test_a_value_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="must look like before_dot:10:KILL"):
        parse(text)


def test_a_worker_with_a_malformed_value_does_not_start_and_says_why() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "paceline", "worker"],
        env={**os.environ, "FAULTS": "before_dot:often:KILL"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 78
    assert "FAULTS must look like before_dot:10:KILL" in done.stderr
    assert "Traceback" not in done.stderr
