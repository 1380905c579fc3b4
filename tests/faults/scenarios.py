"""What is done to the workers, one function per story; each ends with its verdict.

The same stories run against the real code, where they must find nothing, and against copies with a
planted bug, where they must find it.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from paceline.auth.secretbox import SecretBox, smtp_password_label
from paceline.observability.faultpoints import FaultPoint
from tests.faults.case import Case
from tests.faults.processes import until
from tests.faults.proxy import LossyProxy
from tests.faults.sink import (
    AT_DATA,
    AT_MAIL,
    AT_RCPT,
    IN_BODY,
    REFUSING,
    SILENT,
    TAKING,
)
from tests.faults.verdict import Verdict
from tests.world import SECRET_KEY

Scenario: TypeAlias = Callable[[Case], Awaitable[Verdict]]

# Lines that a careless client would end the message with, or lose a dot of.
TEXT = "Dear {{ name }},\n.\n..two dots\n.one dot\nfor {{ email }}\n"
ONCE_PER_BATCH = frozenset({FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM})
# Before these the guard has had no chance to stop a worker that was frozen there.
PAST_THE_GUARD = frozenset({FaultPoint.BEFORE_DOT, FaultPoint.AFTER_DOT, FaultPoint.AFTER_REPLY})
REJECTED_FOR_GOOD = frozenset({"550_at_rcpt", "554_at_dot", "5.7.1_at_dot"})
DOUBTFUL = frozenset({*SILENT, "garbage_at_dot"})
RACING = frozenset(IN_BODY)  # the dot may be written before the drop is seen


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


async def lost_acknowledgements(case: Case) -> Verdict:
    """Statements are committed and their answers lost, again and again."""
    server = case.stage.postgres.server.directory
    folder = case.folder / "proxy"
    async with LossyProxy(server, folder, every=7) as proxy:
        sender = await case.sender(max_connections=4)
        campaign = await case.world.campaign(sender, text_body=TEXT)
        await case.emails(sender, campaign, 150, modes=("", "", "451_at_rcpt", "", "451_at_dot"))
        case.worker(database_url=case.database_url.replace(str(server), str(folder)))
        await case.until_quiet()
        proxy.on = False
        await case.stop_workers()
    verdict = await case.verdict()
    if verdict.doubts:
        verdict.add(f"{verdict.doubts} outcomes were forgotten")
    if proxy.lost < 10:
        verdict.add(f"only {proxy.lost} answers were lost")
    if "ended as sent after its lease" in case.logs:
        verdict.add("a repeated record was taken for a late one")
    rows = await case.world.fetch(
        """
        SELECT m.address, j.deferrals FROM emails m JOIN email_jobs j ON j.email_id = m.id
         WHERE (j.deferrals > 1) OR (j.deferrals = 0 AND m.address LIKE '%451%')
        """
    )
    for row in rows:
        verdict.add(f"{row['address']} was deferred once, and counts {row['deferrals']}")
    return verdict


async def smtp_modes(case: Case, policy: str) -> Verdict:
    """Every way in which a server can go wrong, each with a sender of its own."""
    names = (*AT_RCPT, *AT_DATA, *IN_BODY, *REFUSING, *SILENT, *TAKING)
    for mode in names:
        sender = await case.sender(max_connections=2)
        campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
        await case.emails(sender, campaign, 4, modes=("", mode))
    for mode in AT_MAIL:
        sender = await case.sender(mode=mode, max_connections=1)
        campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
        await case.emails(sender, campaign, 2)
    case.worker()
    broken = partial(_mend_broken, case)
    await until(broken, within=30, what="the sender that was refused at MAIL")
    await case.until_quiet()
    verdict = await case.verdict()
    expected = dict.fromkeys(REJECTED_FOR_GOOD, "failed")
    if policy == "hold":
        expected |= dict.fromkeys(DOUBTFUL, "in_doubt")
    rows = await case.world.fetch(
        """
        SELECT substring(m.address FROM '[+](.*)@') AS mode, m.address, j.state,
               j.attempt, j.failure_reason
          FROM emails m JOIN email_jobs j ON j.email_id = m.id
        """
    )
    for row in rows:
        want = expected.get(row["mode"], "sent")
        if row["state"] != want and not (row["mode"] in RACING and row["state"] == "in_doubt"):
            verdict.add(f"{row['address']} is {row['state']} instead of {want}")
    return verdict


async def _mend_broken(case: Case) -> bool:
    """A refused From stops its sender, as it should; a person mends it."""
    await case.hurry()
    rows = await case.world.fetch(
        """
        UPDATE senders SET state = 'active', updated_at = clock_timestamp()
         WHERE state = 'broken' RETURNING id
        """
    )
    for row in rows:
        await case.world.signal(row["id"])
    return bool(rows)


async def refused_log_in(case: Case) -> Verdict:
    """A wrong password is our own fault: the sender stops and no email fails for it."""
    sender = await case.sender()
    label = smtp_password_label(owner_id=case.world.owner_id, sender_id=sender)
    await case.world.execute(
        "UPDATE senders SET smtp_username = 'refused', smtp_password = $2 WHERE id = $1",
        sender,
        SecretBox(SECRET_KEY).seal("secret", label=label),
    )
    ids = await case.emails(sender, None, 5)
    case.worker()

    async def judged() -> bool:
        state = await case.world.fetchval("SELECT state FROM senders WHERE id = $1", sender)
        states = await case.world.states(ids)
        return bool((state == "broken" and "claimed" not in states) or "failed" in states)

    await until(judged, within=20)
    states = Counter(await case.world.states(ids))
    verdict = Verdict(emails=5)
    if states != {"scheduled": 5}:
        verdict.add(f"a wrong password made of five emails: {dict(states)}")
    return verdict


async def redis_wiped(case: Case) -> Verdict:
    """Redis loses everything while a limit is being kept and while lanes sleep."""
    limited = await case.sender(hourly_limit=10)
    slow = await case.sender(min_delay_ms=150)
    later = await case.sender()
    await case.emails(limited, await case.world.campaign(limited), 30, modes=("slow_reply",))
    await case.emails(slow, await case.world.campaign(slow), 12, modes=("slow_log",))
    await case.emails(later, None, 5, due_in=timedelta(seconds=4))
    case.worker()
    for milestone in (4, 10, 14):
        await case.until_taken(milestone)
        await case.flush_redis()
    expected = 10 + 12 + 5
    await case.until_taken(expected)
    await case.flush_redis()
    # Once more round for the limited sender, which must find its counter rebuilt.
    for _ in range(3):
        await case.world.signal(limited)
        await case.flush_redis()
    await until(partial(_held, case, limited), within=15, what="the limit to hold")
    verdict = await case.verdict(all_final=False)
    if len(case.dots()) != expected:
        verdict.add(f"{len(case.dots())} emails left instead of {expected}")
    return verdict


async def _held(case: Case, sender: object) -> bool:
    return bool(
        await case.world.fetchval(
            "SELECT held_by = 'hourly_limit' FROM lanes WHERE sender_id = $1", sender
        )
    )


async def nothing_goes_without_redis(case: Case) -> Verdict:
    """Redis dies in the middle of a turn: the limits cannot be asked."""
    sender = await case.sender(hourly_limit=3, max_connections=1)
    ids = await case.emails(sender, None, 30, modes=("slow_reply-always",))
    case.worker()
    await case.until_taken(1)
    await asyncio.to_thread(case.stage.redis.end, signal.SIGKILL)
    # A look at a limit that nobody can be asked about: the lane gives up and says so.
    await until(partial(_logged, case, ("Redis", "looks again")), within=15, what="trouble")
    await case.stage.redis.start_again()
    await until(partial(_held, case, sender), within=20, what="the limit to hold")
    states = Counter(await case.world.states(ids))
    verdict = await case.verdict(all_final=False)
    if states["sent"] != 3:
        verdict.add(f"{states['sent']} were sent with a limit of 3")
    return verdict


async def redis_out_of_memory(case: Case) -> Verdict:
    """Redis takes nothing more for a while; lanes cannot move, and nothing is lost."""
    await _work_for_two(case, 250)
    await case.until_taken(60)
    await case.stage.redis_out_of_memory(on=True)
    await until(partial(_logged, case, ("OOM",)), within=15, what="trouble")
    sender = await case.sender()
    await case.emails(sender, None, 20)
    await case.stage.redis_out_of_memory(on=False)
    await case.until_quiet()
    return await case.verdict()


async def _logged(case: Case, words: tuple[str, ...]) -> bool:
    return any(all(word in line for word in words) for line in case.logs.splitlines())


async def postgres_crashes(case: Case) -> Verdict:
    """PostgreSQL is shut down at once, several times, while emails are on their way."""
    await _work_for_two(case, 250)
    for milestone in (60, 180, 320):
        await case.until_taken(milestone)
        await case.stage.postgres.crash(signal.SIGQUIT)
    await case.until_quiet()
    await case.stop_workers()
    verdict = await case.verdict()
    if verdict.in_doubt:
        verdict.add(f"{verdict.in_doubt} outcomes were not kept until PostgreSQL was back")
    return verdict


async def redis_crashes(case: Case) -> Verdict:
    """Redis is killed, several times, and comes back without its last second."""
    await _work_for_two(case, 250)
    for milestone in (60, 180, 320):
        await case.until_taken(milestone)
        await case.stage.redis.crash(signal.SIGKILL, away=0.3)
    await case.until_quiet()
    await case.stop_workers()
    return await case.verdict()


async def _work_for_two(case: Case, each: int) -> None:
    for _ in range(2):
        sender = await case.sender(max_connections=4)
        campaign = await case.world.campaign(sender, text_body=TEXT)
        await case.emails(sender, campaign, each)
    case.worker()
    case.worker()


async def two_workers_on_one_lane(case: Case) -> Verdict:
    """Two workers that do not know of each other, each with a Redis of its own, on one sender."""
    sender = await case.sender(max_connections=8)
    campaign = await case.world.campaign(sender, text_body=TEXT)
    case.worker()
    case.worker(redis_number=15, home="other")
    await until(partial(_listen, case, 2), within=20, what="both workers")
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


async def _listen(case: Case, workers: int) -> bool:
    return bool(
        await case.world.fetchval(
            """
            SELECT count(*) = $1 FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%'
            """,
            workers,
        )
    )


async def limits_and_gaps(case: Case) -> Verdict:
    """Limits of a sender and of a campaign, and minimum delays, over refusals and a kill."""
    limited = await case.sender(hourly_limit=40, max_connections=8)
    tight = await case.world.campaign(limited, hourly_limit=15)
    loose = await case.world.campaign(limited)
    await case.emails(limited, tight, 30, modes=("", "451_at_rcpt", "451_at_dot"))
    await case.emails(limited, loose, 60, modes=("", "drop_at_data"))
    slow = await case.sender(max_connections=4)
    await case.emails(slow, await case.world.campaign(slow, min_delay_ms=200), 12)
    await case.emails(slow, await case.world.campaign(slow), 30)
    victim = case.worker(faults="after_dot:60:KILL")
    await case.until_dead(victim)
    case.worker()
    await until(partial(_limit_is_used_up, case, limited), within=40, what="the limit to hold")
    await until(partial(_campaigns_done, case, slow), within=30, what="the slow campaign")
    return await case.verdict(all_final=False)


async def _limit_is_used_up(case: Case, sender: object) -> bool:
    await case.hurry()
    return await _held(case, sender)


async def _campaigns_done(case: Case, sender: object) -> bool:
    return bool(
        await case.world.fetchval(
            """
            SELECT count(*) = 0 FROM email_jobs
             WHERE sender_id = $1 AND state NOT IN ('sent', 'failed', 'in_doubt')
            """,
            sender,
        )
    )


async def nothing_before_its_time(case: Case) -> Verdict:
    """Emails for later, while others go now and everything is woken over and over."""
    sender = await case.sender()
    campaign = await case.world.campaign(sender, text_body=TEXT)
    case.worker()
    await until(partial(_listen, case, 1), within=20, what="the worker")
    await case.emails(sender, campaign, 20, modes=("slow_reply",))
    await case.emails(sender, None, 10, due_in=timedelta(seconds=3))
    await case.until_quiet()
    return await case.verdict()


async def suppressed_meanwhile(case: Case) -> Verdict:
    """Somebody unsubscribes after the emails were made and before they go."""
    sender = await case.sender()
    campaign = await case.world.campaign(sender)
    ids = await case.emails(sender, campaign, 5, due_in=timedelta(seconds=1))
    await case.world.execute(
        """
        INSERT INTO suppressions (owner_id, address_key, reason)
        VALUES ($1, $2, 'unsubscribed')
        """,
        case.world.owner_id,
        f"r2@{case.domain}",
    )
    case.worker()
    await case.until_quiet()
    verdict = await case.verdict()
    states = await case.world.states(ids)
    if states[2] != "failed" or any(dot["rcpt"].startswith("r2@") for dot in case.dots()):
        verdict.add(f"r2 had unsubscribed, and is {states[2]}")
    return verdict


SCENARIOS: dict[str, Scenario] = {
    **{
        f"kill_{point}_{policy}": partial(kill_at, point=point, policy=policy)
        for point in FaultPoint
        for policy in ("hold", "resend")
    },
    **{
        f"kill_elsewhere_{point}": partial(kill_at, point=point, policy="hold", box=False)
        for point in (FaultPoint.AFTER_WRITE_AHEAD, FaultPoint.BEFORE_OUTCOME)
    },
    **{
        f"freeze_{point}_{policy}": partial(freeze_at, point=point, policy=policy)
        for point in (
            FaultPoint.AFTER_CLAIM,
            FaultPoint.AFTER_BODY,
            FaultPoint.AFTER_WRITE_AHEAD,
            FaultPoint.BEFORE_DOT,
            FaultPoint.AFTER_DOT,
            FaultPoint.BEFORE_OUTCOME,
        )
        for policy in ("hold", "resend")
    },
    "smtp_modes_hold": partial(smtp_modes, policy="hold"),
    "smtp_modes_resend": partial(smtp_modes, policy="resend"),
    "lost_acknowledgements": lost_acknowledgements,
    "refused_log_in": refused_log_in,
    "redis_wiped": redis_wiped,
    "two_workers_on_one_lane": two_workers_on_one_lane,
    "limits_and_gaps": limits_and_gaps,
    "nothing_before_its_time": nothing_before_its_time,
    "suppressed_meanwhile": suppressed_meanwhile,
}
# These disturb the servers that all cases share, and run by themselves.
ALONE: dict[str, Scenario] = {
    "nothing_goes_without_redis": nothing_goes_without_redis,
    "redis_out_of_memory": redis_out_of_memory,
    "postgres_crashes": postgres_crashes,
    "redis_crashes": redis_crashes,
}
