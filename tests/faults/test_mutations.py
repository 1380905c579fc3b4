"""Every planted bug is found by the scenario that is there to find it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.mutations import MUTATIONS, NotPlanted, planted
from tests.faults.processes import Stage
from tests.faults.run import SIDE_BY_SIDE, Ran, run_all
from tests.faults.scenarios import ALONE, SCENARIOS

PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def ran(fault_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """The scenarios against the bugs. What disturbs the shared servers runs by itself."""
    folder = tmp_path_factory.mktemp("planted")
    sources = {m.name: planted(folder / m.name, m.edits) for m in MUTATIONS}

    async def both() -> dict[str, Ran]:
        ran: dict[str, Ran] = {}
        for scenarios, at_once in ((SCENARIOS, SIDE_BY_SIDE), (ALONE, 1)):
            chosen = {
                m.name: (scenarios[m.scenario], sources[m.name])
                for m in MUTATIONS
                if m.scenario in scenarios
            }
            ran |= await run_all(fault_stage, chosen, at_once=at_once, patience=PATIENCE_SECONDS)
        return ran

    return asyncio.run(both())


@pytest.mark.parametrize("name", [mutation.name for mutation in MUTATIONS])
def test_a_planted_bug_is_found(name: str, ran: dict[str, Ran]) -> None:
    assert ran[name].verdict.problems, ran[name].logs[-3000:]


def test_a_bug_that_cannot_be_planted_is_said_out_loud(tmp_path: Path) -> None:
    with pytest.raises(NotPlanted, match="no longer contains 'nowhere'"):
        planted(tmp_path, [("clock.py", "nowhere", "")])
