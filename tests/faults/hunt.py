"""Sets the scenarios on the planted bugs.

What some bugs break is broken for a moment only, which not every run meets: a bug that was not
found is looked for again, with more patience: where the machine has much else to do, no worker may
have been up in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.mutations import MUTATIONS, Mutation
from tests.faults.run import Ran, Stages, run_all

PATIENCE_SECONDS = (20.0, 20.0, 40.0, 80.0)  # of each try


async def hunt(on: Stages, sources: Mapping[str, Path]) -> dict[str, Ran]:
    """The last run of each bug's scenario; `sources` has the tree that each is planted in."""
    ran: dict[str, Ran] = {}
    at_large: Sequence[Mutation] = MUTATIONS
    for patience in PATIENCE_SECONDS:
        chosen = {bug.name: (bug.scenario, sources[bug.name]) for bug in at_large}
        ran |= await run_all(on, chosen, patience=patience, quicker=True)
        at_large = [bug for bug in at_large if not bug.is_found(ran[bug.name].verdict)]
        if not at_large:
            break
    return ran
