"""Every planted bug is found by the scenario that is there to find it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.hunt import hunt
from tests.faults.mutations import MUTATIONS, Mutation, NotPlanted, planted
from tests.faults.run import Ran, Stages


@pytest.fixture(scope="module")
def ran(fault_stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """The scenarios against the bugs."""
    folder = tmp_path_factory.mktemp("planted")
    sources = {bug.name: planted(folder / bug.name, bug.edits) for bug in MUTATIONS}
    return asyncio.run(hunt(fault_stages, sources))


@pytest.mark.parametrize("bug", MUTATIONS, ids=[bug.name for bug in MUTATIONS])
def test_a_planted_bug_is_found(bug: Mutation, ran: dict[str, Ran]) -> None:
    end = ran[bug.name]
    said = "\n".join([f"nothing of {bug.finds!r}:", *end.verdict.problems, end.logs[-3000:]])
    assert bug.is_found(end.verdict), said


def test_a_bug_that_cannot_be_planted_is_said_out_loud(tmp_path: Path) -> None:
    with pytest.raises(NotPlanted, match="no longer contains 'nowhere'"):
        planted(tmp_path, [("clock.py", "nowhere", "")])
