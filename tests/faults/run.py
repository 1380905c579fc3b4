"""Runs scenarios side by side: they wait for leases most of the time.

Those that disturb the servers run one after the other on a stage of their own, beside the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.faults.processes import Stage, stage
from tests.faults.scenarios import ALONE, SCENARIOS, Scenario
from tests.faults.slots import Slots, open_case
from tests.faults.verdict import Verdict

SIDE_BY_SIDE = 12
# For machines that have much else to do: where nothing is broken, none of it is waited for in vain.
PATIENCE_SECONDS = 120.0
LONGEST_SECONDS = 900.0  # more than the longest wait of any scenario

Chosen: TypeAlias = Mapping[str, tuple[str, Path | None]]
"""Name of the run → name of the scenario, and the source to run it against (None: the installed
package)."""


@dataclass(frozen=True)
class Ran:
    """A scenario's end: its verdict, how long it took, and what its workers said."""

    verdict: Verdict
    seconds: float
    logs: str


@dataclass(frozen=True)
class Stages:
    """One for all, and one to be disturbed."""

    shared: Stage
    disturbed: Stage


@contextmanager
def stages(*, within: Path | None = None) -> Iterator[Stages]:
    """`within`: where their files lie, if not where temporary files do."""
    with stage(within=within) as shared, stage(within=within) as disturbed:
        yield Stages(shared, disturbed)


async def run_all(
    on: Stages,
    chosen: Chosen,
    *,
    patience: float = PATIENCE_SECONDS,
    quicker: bool = False,
    more: Mapping[str, Scenario] | None = None,
) -> dict[str, Ran]:
    """All of them. `quicker`: lanes of dead workers are taken over in seconds. `more`: scenarios
    that are known to nobody else."""
    ran: dict[str, Ran] = {}
    async with asyncio.TaskGroup() as tasks:
        for scenarios, where, at_once in (
            ({**SCENARIOS, **(more or {})}, on.shared, SIDE_BY_SIDE),
            (ALONE, on.disturbed, 1),
        ):
            slots, gate = Slots(), asyncio.Semaphore(at_once)
            for name, (scenario, source) in chosen.items():
                if scenario in scenarios:
                    run = _Run(name, scenarios[scenario], source, patience, quicker)
                    tasks.create_task(_run(run, where, slots, gate, ran))
    return ran


@dataclass(frozen=True)
class _Run:
    name: str
    scenario: Scenario
    source: Path | None
    patience: float
    quicker: bool


async def _run(
    run: _Run, where: Stage, slots: Slots, gate: asyncio.Semaphore, ran: dict[str, Ran]
) -> None:
    """Whatever goes wrong is this scenario's own, and the others go on: also where its case cannot
    be opened, judged or closed."""
    async with gate:
        begun = time.monotonic()
        verdict, logs = Verdict(), ""
        try:
            async with open_case(where, slots, run.name, source=run.source) as case:
                case.patience, case.quicker = run.patience, run.quicker
                try:
                    async with asyncio.timeout(LONGEST_SECONDS):
                        verdict = await run.scenario(case)
                except Exception as error:  # noqa: BLE001
                    verdict.add(_told(error))
                    await where.put_right()
                    verdict = _joined(await case.verdict(), verdict)
                logs = case.logs
        except Exception as error:  # noqa: BLE001
            verdict.add(_told(error))
        ran[run.name] = Ran(verdict, time.monotonic() - begun, logs)


def _joined(verdict: Verdict, trouble: Verdict) -> Verdict:
    for problem in trouble.problems:
        verdict.add(problem)
    return verdict


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"timeout: {str(error) or f'not over after {LONGEST_SECONDS:.0f} s'}"
    return f"{type(error).__name__}: {error}"
