"""Wall clocks that are wrong: of the workers, never of PostgreSQL or Redis."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import partial
from uuid import UUID

from tests.faults.case import TEXT, Case
from tests.faults.elsewhere import WallClock
from tests.faults.processes import until
from tests.faults.verdict import Verdict

MODES = ("slow_reply", "", "451_at_rcpt")
HOUR = timedelta(hours=1).total_seconds()
# How wrong the clocks of the two workers become, as more and more emails have left.
JUMPS = (
    (20, 5 * HOUR, -7 * HOUR),
    (60, -26 * HOUR, HOUR),
    (100, 0.0, 3 * HOUR),
    (140, -HOUR, -2 * HOUR),
)
# A lane that was parked by a wrong clock is found by the keeper; the rest is for a slow machine.
LATE_SECONDS = 12.0


async def wall_clocks_jump(case: Case) -> Verdict:
    """The workers' clocks jump by hours, forth and back, while emails are sent and lanes sleep."""
    clocks = [WallClock(case.folder / f"clock-{number}") for number in range(2)]
    limited = await case.sender(hourly_limit=30, max_connections=2)
    slow = await case.sender(min_delay_ms=100)
    # One connection: beside others that work, a refused one would rest nobody.
    rests = await case.sender(
        port=case.stage.sink.door("421_at_greeting", times=3), max_connections=1
    )
    plain = await case.sender(max_connections=2)
    later = await case.sender()
    for number, clock in enumerate(clocks):
        case.worker(clock=clock, home=f"home-{number}")
    await case.until_listening(2)
    # Of the limited one more than two hours take: the hour may end meanwhile.
    for sender, count in ((limited, 90), (slow, 20), (plain, 150)):
        for policy in ("hold", "resend"):
            campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
            await case.emails(sender, campaign, count // 2, modes=MODES)
    for seconds in range(1, 9):
        await case.emails(later, None, 1, due_in=timedelta(seconds=seconds))
    for count, *offsets in JUMPS:
        await case.until_taken(count)
        for clock, offset in zip(clocks, offsets, strict=True):
            clock.jump_to(offset)
    await case.emails(rests, None, 6)
    for sender in (slow, rests, plain, later):
        await until(partial(case.is_done, sender), within=case.patience, what="what is not limited")
    await until(partial(case.is_held, limited), within=case.patience, what="the limit to hold")
    await case.stop_workers()
    verdict = await case.verdict(all_final=False)
    await _judge_the_late(case, verdict, later)
    return verdict


async def _judge_the_late(case: Case, verdict: Verdict, sender: UUID) -> None:
    """A clock that is wrong must not make emails late; that none is early is judged of all."""
    rows = await case.world.fetch(
        """
        SELECT m.message_id, m.address, extract(epoch FROM j.scheduled_at)::float8 AS scheduled_at
          FROM emails m JOIN email_jobs j ON j.email_id = m.id WHERE j.sender_id = $1
        """,
        sender,
    )
    walls = {dot["id"]: dot["wall"] for dot in case.dots()}
    for row in rows:
        late = walls.get(row["message_id"], math.inf) - row["scheduled_at"]
        if late > LATE_SECONDS:
            verdict.add(f"{row['address']} got it {late:.1f} s late")
