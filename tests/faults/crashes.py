"""Workers that are killed or frozen, or that do not know of each other."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from functools import partial
from uuid import UUID

from paceline.observability.faultpoints import FaultPoint
from paceline.persistence.statements import statement
from paceline.sending.lines import MAX_TRAILING
from tests.faults.case import TEXT, Case
from tests.faults.elsewhere import WallClock
from tests.faults.processes import Worker, until
from tests.faults.verdict import Verdict

ONCE_PER_BATCH = frozenset({FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM})
# Before these the guard has had no chance to stop a worker that was frozen there.
PAST_THE_GUARD = frozenset({FaultPoint.BEFORE_DOT, FaultPoint.AFTER_DOT, FaultPoint.AFTER_REPLY})


async def kill_at(
    case: Case, point: FaultPoint, policy: str, *, hit: int = 4, box: bool = True
) -> Verdict:
    """Kill a worker at a fault point; another one takes over. `box`: on the same machine.

    `hit`: for which of twelve emails. All of them are claimed at once, unless the claim is to be
    hit later than the first time.
    """
    one_by_one = hit > 1 and point in ONCE_PER_BATCH
    case.quicker = box
    sender = await case.sender(max_connections=1)
    campaign = await case.world.campaign(
        sender, doubt_policy=policy, text_body=TEXT, min_delay_ms=5 if one_by_one else 0
    )
    await case.emails(sender, campaign, 12, modes=("slow_reply",))
    victim = case.worker(faults=f"{point}:{hit}:KILL")
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
    # Without a box also those before, whose outcomes were on their way to the ledger.
    allowed = (1 if box else 1 + MAX_TRAILING) if point in window else 0
    # On a slow machine leases run out before the box is read, which then settles the doubt.
    lasting = verdict.doubts - verdict.doubts_resolved
    if lasting > allowed:
        verdict.add(f"{lasting} doubts after a kill at {point}")
    return verdict


async def freeze_at(
    case: Case, point: FaultPoint, policy: str, *, jump: timedelta | None = None
) -> Verdict:
    """Freeze a worker for longer than its lease while another one takes over; then thaw it.

    `jump`: by how much its wall clock is set meanwhile.
    """
    case.quicker = True
    clock = WallClock(case.folder / "clock") if jump else None
    sender = await case.sender(max_connections=1)
    campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
    await case.emails(sender, campaign, 8, modes=("slow_reply",))
    frozen = case.worker(faults=f"{point}:{_hit(point)}:STOP", home="frozen", clock=clock)
    await case.until_frozen(frozen)
    case.worker()
    taken_over = await case.until_quiet()
    if clock and jump:
        clock.jump_to(jump.total_seconds())
    frozen.signal(signal.SIGCONT)
    code = await asyncio.to_thread(frozen.stop)
    await case.until_quiet()
    # Before the dot, the guard's yes has grown old when the worker is thawed.
    past = point in PAST_THE_GUARD - {FaultPoint.BEFORE_DOT} or point is FaultPoint.BEFORE_OUTCOME
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


async def two_attempts_ask_together(case: Case) -> Verdict:
    """A worker that has lost an email and claimed it again asks, for both attempts at once, whether
    they may leave: as one does that was frozen for longer than its leases, but not than its lane.
    """
    sender = await case.sender(max_connections=8)
    campaign = await case.world.campaign(sender, text_body=TEXT)
    worker = case.worker(faults=f"{FaultPoint.AFTER_354}:3:STOP")
    await case.until_listening(1)
    async with case.world.database.driver() as driver, driver.transaction():
        await driver.execute("LOCK TABLE attempts IN SHARE MODE")  # nothing is written ahead
        await case.emails(sender, campaign, 1)
        await until(
            partial(_waits, case, "marks"),
            within=2 * case.patience,
            what="a first batch",
        )
        (email,) = await case.emails(sender, campaign, 1)  # its yes has to wait for the next batch
        await until(
            partial(_is_lost_until_frozen, case, sender, email, worker),
            within=3 * case.patience,
            what="two attempts of one email to wait for their yes",
        )
    worker.signal(signal.SIGCONT)
    await case.until_quiet()
    verdict = await case.verdict()
    if await case.world.fetchval("SELECT max(attempt) FROM email_jobs") < 2:
        verdict.add("there was one attempt only")
    return verdict


async def _waits(case: Case, name: str, *, times: int = 1) -> bool:
    """Whether so many of this statement wait for somebody's lock."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1
    """
    return bool(await case.world.fetchval(waiting, f"{statement(name)[:40]}%") >= times)


async def _is_lost_until_frozen(case: Case, sender: UUID, email: UUID, worker: Worker) -> bool:
    """Whether the worker is frozen; taken back before its 354, an attempt counts for nothing."""
    if not worker.is_frozen() and await _is_taken_back(case, email):
        await case.world.signal(sender)
    return worker.is_frozen()


async def _is_taken_back(case: Case, email: UUID) -> bool:
    """As `recover.sql` does it, which is not to wait for `attempts`."""
    take_back = """
        UPDATE email_jobs SET state = 'scheduled', lease_until = NULL
         WHERE email_id = $1 AND state = 'claimed' RETURNING true
    """
    return bool(await case.world.fetchval(take_back, email))


async def redis_wiped_while_frozen(case: Case, point: FaultPoint) -> Verdict:
    """The counters are rebuilt without what a frozen worker has booked, which then thaws."""
    case.quicker = True
    sender = await case.sender(hourly_limit=5, max_connections=2)
    await case.emails(sender, await case.world.campaign(sender), 30)
    frozen = case.worker(faults=f"{point}:1:STOP", home="frozen")
    await case.until_frozen(frozen)
    await case.flush_redis()
    case.worker()
    await until(partial(case.is_held, sender), within=2 * case.patience, what="the limit to hold")
    frozen.signal(signal.SIGCONT)
    await case.another_look(sender)
    code = await asyncio.to_thread(frozen.stop)
    await case.another_look(sender)
    verdict = await case.verdict(all_final=False)
    verdict.struck = point
    if code != 0:
        verdict.add(f"the thawed worker ended with {code}")
    return verdict


async def counters_lost_before_the_claim(case: Case) -> Verdict:
    """The counters are lost while a booking waits to be claimed; another turn rebuilds them without
    it, and uses them up."""
    # No more than is booked at once.
    sender = await case.sender(hourly_limit=3, max_connections=2)
    campaign, patience = await case.world.campaign(sender), 2 * case.patience
    # The first claim waits for the second one, however long that takes on a slow machine.
    patient = f"{case.database_url}&lock_timeout=0"
    case.worker(database_url=patient)
    case.worker(database_url=patient, lanes="other", home="other")
    await case.until_listening(2)
    async with case.world.database.driver() as driver, driver.transaction():
        await driver.execute("LOCK TABLE suppressions")  # nothing is claimed
        await case.emails(sender, campaign, 30)
        await until(partial(_waits, case, "claim"), within=patience, what="a claim")
        await case.forget_counters()
        await case.world.signal(sender)
        await until(partial(_waits, case, "claim", times=2), within=patience, what="two claims")
    await case.until_taken(3)
    await until(partial(_nothing_is_under_way, case), within=patience, what="the rest to end")
    await case.another_look(sender)
    await case.stop_workers()
    return await case.verdict(all_final=False)


async def _nothing_is_under_way(case: Case) -> bool:
    under_way = "SELECT count(*) FROM email_jobs WHERE state IN ('claimed', 'sending')"
    return bool(await case.world.fetchval(under_way) == 0)


def _hit(point: FaultPoint) -> int:
    return 1 if point in ONCE_PER_BATCH else 4


async def two_workers_on_one_lane(case: Case) -> Verdict:
    """Two workers on the same senders at once, woken over and over: their lanes are two, the
    ledger and the limits are one."""
    sender = await case.sender(max_connections=8)
    limited = [await case.sender(hourly_limit=5, max_connections=2) for _ in range(8)]
    case.worker()
    case.worker(lanes="other", home="other")
    await case.until_listening(2)
    for policy in ("hold", "resend"):
        campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
        await case.emails(sender, campaign, 750)
        for bounded in limited:
            campaign = await case.world.campaign(bounded, doubt_policy=policy, hourly_limit=4)
            await case.emails(bounded, campaign, 10)
    for one in (sender, *limited) * 3:
        await case.world.signal(one)
    await until(partial(case.is_done, sender), within=case.patience, what="the sender's emails")
    for bounded in limited:
        await until(
            partial(case.is_held, bounded), within=2 * case.patience, what="a limit to hold"
        )
    verdict = await case.verdict(all_final=False)
    runs = await case.world.fetchval(
        "SELECT count(DISTINCT worker_run) FROM attempts WHERE sender_id = $1", sender
    )
    if runs != 2:
        verdict.add(f"{runs} worker(s) worked, not two")
    return verdict
