"""Workers that are killed or frozen, or that do not know of each other."""

from __future__ import annotations

import asyncio
import signal

from paceline.observability.faultpoints import FaultPoint
from tests.faults.case import TEXT, Case
from tests.faults.verdict import Verdict

ONCE_PER_BATCH = frozenset({FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM})
# Before these the guard has had no chance to stop a worker that was frozen there.
PAST_THE_GUARD = frozenset({FaultPoint.BEFORE_DOT, FaultPoint.AFTER_DOT, FaultPoint.AFTER_REPLY})


async def kill_at(case: Case, point: FaultPoint, policy: str, *, box: bool = True) -> Verdict:
    """Kill a worker at a fault point; another one takes over. `box`: on the same machine."""
    sender = await case.sender(max_connections=1)
    campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
    await case.emails(sender, campaign, 12, modes=("slow_reply",))
    victim = case.worker(faults=f"{point}:{_hit(point)}:KILL")
    await case.until_dead(victim)
    case.worker(home="home" if box else "elsewhere")
    await case.until_quiet()
    verdict = await case.verdict()
    if victim.process.returncode == -signal.SIGKILL:
        verdict.struck = point
    else:
        verdict.add(f"the worker ended by itself: {case.logs[-500:]}")
    # With one connection, one email can be in doubt; the black box knows of the rest.
    window = {*PAST_THE_GUARD, FaultPoint.AFTER_OUTCOME}  # at the last, the next one is on its way
    if not box:
        window |= {FaultPoint.AFTER_WRITE_AHEAD, FaultPoint.BEFORE_OUTCOME}
    # Without a box also the one before, whose outcome was on its way to the ledger.
    allowed = (1 if box else 2) if point in window else 0
    if verdict.doubts > allowed:
        verdict.add(f"{verdict.doubts} doubts after a kill at {point}")
    return verdict


async def freeze_at(case: Case, point: FaultPoint, policy: str) -> Verdict:
    """Freeze a worker for longer than its lease while another one takes over; then thaw it."""
    sender = await case.sender(max_connections=1)
    campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
    await case.emails(sender, campaign, 8, modes=("slow_reply",))
    frozen = case.worker(faults=f"{point}:{_hit(point)}:STOP", home="frozen")
    await case.until_frozen(frozen)
    case.worker()
    taken_over = await case.until_quiet()
    frozen.signal(signal.SIGCONT)
    code = await asyncio.to_thread(frozen.stop)
    await case.until_quiet()
    past = point in PAST_THE_GUARD or point is FaultPoint.BEFORE_OUTCOME
    # The guard must stop the email that was under way. The one before it may have had its answer
    # without it being on disk yet: under `resend` that doubt does excuse a second copy.
    under_way = f"r{_hit(point) - 1}+"
    verdict = await case.verdict(strict_copies=None if past else under_way)
    verdict.struck = point
    if not taken_over:
        verdict.add("nobody took over from a frozen worker")
    if code != 0:
        verdict.add(f"the thawed worker ended with {code}")
    if verdict.in_doubt:
        # Everything that was in doubt was settled by the thawed worker's late word.
        verdict.add(f"{verdict.in_doubt} in doubt although the late evidence is there")
    return verdict


def _hit(point: FaultPoint) -> int:
    return 1 if point in ONCE_PER_BATCH else 4


async def two_workers_on_one_lane(case: Case) -> Verdict:
    """Two workers that do not know of each other, each with a Redis of its own, on one sender."""
    sender = await case.sender(max_connections=8)
    campaign = await case.world.campaign(sender, text_body=TEXT)
    case.worker()
    case.worker(redis_number=15, home="other")
    await case.until_listening(2)
    await case.emails(sender, campaign, 1500)
    # Ring storm: everybody is woken, over and over, for what they already do.
    for _ in range(25):
        await case.world.signal(sender)
    await case.until_quiet()
    verdict = await case.verdict()
    runs = await case.world.fetchval("SELECT count(DISTINCT worker_run) FROM attempts")
    if runs != 2:
        verdict.add(f"{runs} worker(s) worked, not two")
    return verdict
