"""Kills one by one, where a storm kills at random: at every fault point, at every few system calls.

For `make faults` only. The system calls need strace; without it the report says that none was hit.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from paceline.observability.faultpoints import FaultPoint
from tests.faults.case import TEXT, Case
from tests.faults.crashes import kill_at
from tests.faults.processes import Worker, until
from tests.faults.run import Ran, Stages, run_all
from tests.faults.scenarios import ALONE, SCENARIOS, Scenario
from tests.faults.verdict import Verdict

POLICIES = ("hold", "resend")
HITS = (2, 3, 5, 8, 10)  # of twelve emails, beside those of the scenarios
# From what twelve emails take (339, 145 and 129 calls when this was written), every few.
SYSTEM_CALLS = {
    "epoll_pwait": range(1, 320, 10),
    "read": range(1, 140, 4),
    "write": range(1, 125, 3),
}
EMAILS = 12


@dataclass
class Swept:
    """What was run, and where workers were killed or frozen meanwhile."""

    scenarios: int = 0
    emails: int = 0
    points: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str, ran: Ran) -> None:
        self.scenarios += 1
        self.emails += ran.verdict.emails
        self.problems += [f"{name}: {problem}" for problem in ran.verdict.problems]
        call = name.partition(":")[0]
        struck = self.calls if call in SYSTEM_CALLS else self.points
        if ran.verdict.struck:
            struck[ran.verdict.struck] += 1


async def sweep(on: Stages) -> Swept:
    """Every scenario, every fault point at several hits, and the system calls."""
    swept = Swept()
    at_points: dict[str, Scenario] = {
        f"kill_{point}_{policy}_{hit}": partial(kill_at, point=point, policy=policy, hit=hit)
        for point in FaultPoint
        for policy in POLICIES
        for hit in HITS
    }
    at_calls: dict[str, Scenario] = {
        f"{call}:{nth}": partial(
            kill_at_call, call=call, nth=nth, policy=POLICIES[number % len(POLICIES)]
        )
        for call, places in SYSTEM_CALLS.items()
        for number, nth in enumerate(places)
    }
    if shutil.which("strace") is None:
        at_calls = {}
    chosen = {name: (name, None) for name in (*SCENARIOS, *ALONE, *at_points, *at_calls)}
    ran = await run_all(on, chosen, more={**at_points, **at_calls})
    for name in chosen:
        swept.add(name, ran[name])
    return swept


async def kill_at_call(case: Case, call: str, nth: int, policy: str) -> Verdict:
    """Kill a worker as it makes a system call for the nth time since it has had work to do."""
    case.quicker = True
    victim = case.worker()
    await case.until_listening(1)
    sender = await case.sender(max_connections=1)
    campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
    async with _killing(victim, call, nth):
        await case.emails(sender, campaign, EMAILS)

        async def dead_or_done() -> bool:
            return victim.is_dead() or await case.is_done(sender)

        await until(dead_or_done, within=case.patience, what="a worker's death or its work's end")
    if victim.is_dead():
        case.worker()
    await case.until_quiet()
    verdict = await case.verdict()
    verdict.struck = call if victim.process.returncode == -signal.SIGKILL else ""
    lasting = verdict.doubts - verdict.doubts_resolved
    if lasting > 1:  # one connection, one email past its dot
        verdict.add(f"{lasting} doubts")
    return verdict


@asynccontextmanager
async def _killing(worker: Worker, call: str, nth: int) -> AsyncIterator[None]:
    """strace, attached to a worker: kills it at its nth call."""
    tracer = await asyncio.to_thread(_attached, worker, call, nth)
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)  # it lets go of the worker, if that lives
        await asyncio.to_thread(tracer.communicate)


def _attached(worker: Worker, call: str, nth: int) -> subprocess.Popen[str]:
    inject = f"inject={call}:signal=SIGKILL:when={nth}"
    tracer = subprocess.Popen(
        ["strace", "-f", "-o", "/dev/null", "-e", inject, "-p", str(worker.pid)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    said = tracer.stderr.readline()
    if "attached" not in said:
        tracer.kill()
        raise RuntimeError(f"strace: {said}")
    return tracer
