"""Real workers against real faults: nothing is lost, nothing is doubled, every limit holds.

All scenarios run once, side by side, since most of them wait for leases; each test looks at one.
"""

from __future__ import annotations

import asyncio

import pytest

from paceline.observability.faultpoints import FaultPoint
from tests.faults.run import Ran, Stages, run_all
from tests.faults.scenarios import ALONE, SCENARIOS


@pytest.fixture(scope="module")
def ran(fault_stages: Stages) -> dict[str, Ran]:
    chosen = {name: (name, None) for name in (*SCENARIOS, *ALONE)}
    return asyncio.run(run_all(fault_stages, chosen))


@pytest.mark.parametrize("name", [*SCENARIOS, *ALONE])
def test_nothing_is_lost_doubled_early_or_over_a_limit_when(name: str, ran: dict[str, Ran]) -> None:
    found = ran[name].verdict
    assert not found.problems, "\n".join([*found.problems, "", ran[name].logs[-4000:]])


def test_every_fault_point_was_hit(ran: dict[str, Ran]) -> None:
    assert {r.verdict.struck for r in ran.values()} - {""} == set(FaultPoint)


def test_no_worker_had_an_accident_of_its_own(ran: dict[str, Ran]) -> None:
    accidents = {name for name, r in ran.items() if "Traceback" in r.logs}
    assert not accidents, "\n".join(ran[name].logs[-4000:] for name in accidents)
