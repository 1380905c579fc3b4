"""What must not be too many, too soon, too early, or to somebody who does not want it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from tests.faults.case import TEXT, Case
from tests.faults.processes import until
from tests.faults.verdict import Verdict
from tests.world import World


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
    await until(
        partial(_limit_is_used_up, case, limited),
        within=2 * case.patience,
        what="the limit to hold",
    )
    await until(partial(case.is_done, slow), within=2 * case.patience, what="the slow campaign")
    return await case.verdict(all_final=False)


async def _limit_is_used_up(case: Case, sender: UUID) -> bool:
    await case.hurry()
    return await case.is_held(sender)


async def nothing_before_its_time(case: Case) -> Verdict:
    """Emails for later, while others go now and everything is woken over and over."""
    sender = await case.sender()
    campaign = await case.world.campaign(sender, text_body=TEXT)
    case.worker()
    await case.until_listening(1)
    await case.emails(sender, campaign, 20, modes=("slow_reply",))
    await case.emails(sender, None, 10, due_in=timedelta(seconds=3))
    await case.until_quiet()
    return await case.verdict()


async def suppressed_meanwhile(case: Case) -> Verdict:
    """Somebody unsubscribes after the emails were made and before they go: from us, or from
    somebody else who sends with Paceline."""
    sender = await case.sender()
    campaign = await case.world.campaign(sender)
    ids = await case.emails(sender, campaign, 5, due_in=timedelta(seconds=1))
    other = await World.create(case.world.database, watched=False)
    for world, name in ((case.world, "r2"), (other, "r3")):
        await world.execute(
            """
            INSERT INTO suppressions (owner_id, address_key, reason)
            VALUES ($1, $2, 'unsubscribed')
            """,
            world.owner_id,
            f"{name}@{case.domain}",
        )
    case.worker()
    await case.until_quiet()
    verdict = await case.verdict()
    states = await case.world.states(ids)
    if states[2] != "failed" or any(dot["rcpt"].startswith("r2@") for dot in case.dots()):
        verdict.add(f"r2 had unsubscribed, and is {states[2]}")
    if states[3] != "sent":
        verdict.add(f"r3 had unsubscribed from somebody else, and is {states[3]}")
    return verdict


async def unsubscribed_in_doubt(case: Case) -> Verdict:
    """An email has arrived, which nobody knows, and before it goes out again its reader
    unsubscribes: then it has not failed."""
    sender = await case.sender()
    campaign = await case.world.campaign(sender, doubt_policy="resend")
    ids = await case.emails(sender, campaign, 1, modes=("accepted_drop",))
    case.worker()
    await until(partial(_is_in_doubt, case), within=2 * case.patience, what="doubt")
    await case.world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason) VALUES ($1, $2, 'unsubscribed')",
        case.world.owner_id,
        f"r0+accepted_drop@{case.domain}",
    )
    await case.until_quiet()
    verdict = await case.verdict()
    if await case.world.fetchval("SELECT attempt FROM email_jobs WHERE email_id = $1", ids[0]) < 2:
        verdict.add("it was not to go out again")
    return verdict


async def _is_in_doubt(case: Case) -> bool:
    return bool(
        await case.world.fetchval("SELECT count(*) FROM email_jobs WHERE state = 'in_doubt'")
    )
