"""Every planted bug that has a test of its own is found by it."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.tested_bugs import TESTED_BUGS, Run, TestedBug, run_tests


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return asyncio.run(run_tests(tmp_path_factory.mktemp("tested")))


@pytest.mark.parametrize("bug", TESTED_BUGS, ids=[bug.name for bug in TESTED_BUGS])
def test_a_planted_bug_is_found_by_its_test(bug: TestedBug, ran: dict[str, Run]) -> None:
    run = ran[bug.name]
    assert run.has_failed, run.said[-3000:]
    assert bug.finds in run.said, run.said[-3000:]
