"""Redis and PostgreSQL: killed, wiped, full, or heard too late."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from datetime import timedelta
from functools import partial

from paceline.observability.faultpoints import FaultPoint
from tests.faults.case import TEXT, Case
from tests.faults.processes import until
from tests.faults.proxy import LossyProxy
from tests.faults.verdict import Verdict


async def lost_acknowledgements(case: Case) -> Verdict:
    """Statements are committed and their answers lost, again and again."""
    server = case.stage.postgres.server.directory
    folder = case.folder / "proxy"
    async with LossyProxy(server, folder, every=7) as proxy:
        proxy.on = False
        case.worker(database_url=case.database_url.replace(str(server), str(folder)))
        await case.until_listening(1)  # at its start it gives up where an answer is lost
        proxy.on = True
        sender = await case.sender(max_connections=4)
        for policy in ("hold", "resend"):
            campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
            await case.emails(sender, campaign, 75, modes=("", "", "451_at_rcpt", "", "451_at_dot"))
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
    # One that was taken back from its worker, for want of answered heartbeats, is not deferred.
    rows = await case.world.fetch(
        """
        SELECT m.address, j.deferrals FROM emails m JOIN email_jobs j ON j.email_id = m.id
         WHERE (j.deferrals > 1)
            OR (j.deferrals = 0 AND m.address LIKE '%451%'
                AND NOT EXISTS (SELECT 1 FROM history h WHERE h.email_id = m.id
                                 AND h.was = 'claimed' AND h.is_now = 'scheduled'))
        """
    )
    for row in rows:
        verdict.add(f"{row['address']} was deferred once, and counts {row['deferrals']}")
    return verdict


async def redis_wiped(case: Case) -> Verdict:
    """Redis loses everything while a limit is being kept and while lanes sleep."""
    limited = await case.sender(hourly_limit=10)
    modes = ("slow_reply", "slow_reply", "451_at_rcpt")  # the third gives its booking back
    slow = await case.sender(min_delay_ms=150)
    later = await case.sender()
    for policy in ("hold", "resend"):
        campaign = await case.world.campaign(limited, doubt_policy=policy)
        await case.emails(limited, campaign, 15, modes=modes)
        campaign = await case.world.campaign(slow, doubt_policy=policy)
        await case.emails(slow, campaign, 6, modes=("slow_log",))
    await case.emails(later, None, 5, due_in=timedelta(seconds=4))
    case.worker()
    for milestone in (4, 10, 14):
        await case.until_taken(milestone)
        await case.flush_redis()
    for other in (slow, later):
        await until(
            partial(case.is_done, other),
            within=2 * case.patience,
            what="the senders without a limit",
        )
    await until(partial(case.is_held, limited), within=2 * case.patience, what="the limit to hold")
    # A booking that was given back while its counter was rebuilt is spent: rather one too few than
    # one too many. With nobody under way the counter is rebuilt as it must be.
    expected = 10 + 12 + 5
    await case.flush_redis()
    await case.world.signal(limited)
    await case.until_taken(expected)
    await case.flush_redis()
    # Once more round for the limited sender, which must find its counter rebuilt.
    for _ in range(3):
        await case.world.signal(limited)
        await case.flush_redis()
    await until(partial(case.is_held, limited), within=2 * case.patience, what="the limit to hold")
    verdict = await case.verdict(all_final=False)
    if len(case.dots()) != expected and case.is_within_its_hour():
        verdict.add(f"{len(case.dots())} emails left instead of {expected}")
    return verdict


async def nothing_goes_without_redis(case: Case) -> Verdict:
    """Redis dies in the middle of a turn: the limits cannot be asked."""
    sender = await case.sender(hourly_limit=3, max_connections=1)
    ids = await case.emails(sender, None, 30, modes=("slow_reply-always",))
    case.worker()
    await case.until_taken(1)
    await asyncio.to_thread(case.stage.redis.end, signal.SIGKILL)
    # A look at a limit that nobody can be asked about: the lane gives up and says so.
    await until(
        partial(_logged, case, ("Redis", "looks again")), within=2 * case.patience, what="trouble"
    )
    await case.stage.redis.start_again()
    await until(partial(case.is_held, sender), within=2 * case.patience, what="the limit to hold")
    states = Counter(await case.world.states(ids))
    verdict = await case.verdict(all_final=False)
    if states["sent"] != 3 and case.is_within_its_hour():
        verdict.add(f"{states['sent']} were sent with a limit of 3")
    return verdict


async def redis_dies_before_the_confirmation(case: Case) -> Verdict:
    """What was claimed just now is not confirmed: it waits again, though its worker lives."""
    sender = await case.sender(hourly_limit=3, max_connections=1)
    ids = await case.emails(sender, None, 9)
    worker = case.worker(faults=f"{FaultPoint.AFTER_CLAIM}:1:STOP")
    await case.until_frozen(worker)
    await asyncio.to_thread(case.stage.redis.end, signal.SIGKILL)
    worker.signal(signal.SIGCONT)

    async def wait_again() -> bool:
        return set(await case.world.states(ids)) == {"scheduled"}

    await until(wait_again, within=case.patience, what="what was claimed to wait again")
    await case.stage.redis.start_again()
    await until(partial(case.is_held, sender), within=2 * case.patience, what="the limit to hold")
    verdict = await case.verdict(all_final=False)
    verdict.struck = FaultPoint.AFTER_CLAIM
    return verdict


async def redis_remembers_less(case: Case) -> Verdict:
    """Redis comes back with counters of a while ago: its last second is lost, or another one has
    taken its place."""
    sender = await case.sender(hourly_limit=5)
    await case.emails(sender, await case.world.campaign(sender), 30)
    case.worker()
    await until(partial(case.is_held, sender), within=2 * case.patience, what="the limit to hold")
    await case.set_counters(1)
    await case.stage.redis.crash(signal.SIGKILL, away=0.1)
    await case.another_look(sender)
    return await case.verdict(all_final=False)


async def redis_out_of_memory(case: Case) -> Verdict:
    """Redis takes nothing more for a while; lanes cannot move, and nothing is lost."""
    await _work_for_two(case, 250)
    await case.until_taken(60)
    async with case.stage.redis_out_of_memory():
        await until(
            case.stage.has_refused_scripts, within=2 * case.patience, what="a lane to meet it"
        )
        sender = await case.sender()
        await case.emails(sender, None, 20)
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
    for policy in ("hold", "resend"):
        sender = await case.sender(max_connections=4)
        campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
        await case.emails(sender, campaign, each)
    case.worker()
    case.worker()
