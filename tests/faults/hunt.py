"""Sets the scenarios on the planted bugs.

What some bugs break is broken for a moment only, which not every run meets: a bug that was not
found is looked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.mutations import MUTATIONS, Mutation
from tests.faults.run import Ran, Stages, run_all

PATIENCE_SECONDS = 20.0
TRIES = 3


async def hunt(on: Stages, sources: Mapping[str, Path]) -> dict[str, Ran]:
    """The last run of each bug's scenario; `sources` has the tree that each is planted in."""
    ran: dict[str, Ran] = {}
    at_large: Sequence[Mutation] = MUTATIONS
    for _ in range(TRIES):
        chosen = {bug.name: (bug.scenario, sources[bug.name]) for bug in at_large}
        ran |= await run_all(on, chosen, patience=PATIENCE_SECONDS, quicker=True)
        at_large = [bug for bug in at_large if not bug.is_found(ran[bug.name].verdict)]
        if not at_large:
            break
    return ran
