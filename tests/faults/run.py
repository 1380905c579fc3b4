"""Runs scenarios side by side: they wait for leases most of the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.case import Slots, open_case
from tests.faults.processes import Stage
from tests.faults.scenarios import Scenario
from tests.faults.verdict import Verdict

SIDE_BY_SIDE = 12
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Ran:
    """A scenario's end: its verdict, how long it took, and what its workers said."""

    verdict: Verdict
    seconds: float
    logs: str


async def run_all(
    stage: Stage,
    scenarios: Mapping[str, tuple[Scenario, Path | None]],
    *,
    at_once: int,
    patience: float = PATIENCE_SECONDS,
) -> dict[str, Ran]:
    """All of them, each against its own source (None: the installed package)."""
    slots, gate = Slots(), asyncio.Semaphore(at_once)
    ran: dict[str, Ran] = {}

    async def run(name: str) -> None:
        scenario, source = scenarios[name]
        async with gate, open_case(stage, slots, name, source=source) as case:
            case.patience = patience
            begun = time.monotonic()
            try:
                verdict = await scenario(case)
            except TimeoutError as error:
                verdict = await case.verdict()
                verdict.add(f"timeout: {error}")
            ran[name] = Ran(verdict, time.monotonic() - begun, case.logs)

    async with asyncio.TaskGroup() as tasks:
        for name in scenarios:
            tasks.create_task(run(name))
    return ran
