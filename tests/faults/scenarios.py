"""What is done to the workers, one function per story; each ends with its verdict.

The same stories run against the real code, where they must find nothing, and against copies with a
planted bug, where they must find it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from paceline.observability.faultpoints import FaultPoint
from tests.faults.case import Case
from tests.faults.clocks import wall_clocks_jump
from tests.faults.crashes import (
    ONCE_PER_BATCH,
    counters_lost_before_the_claim,
    freeze_at,
    kill_at,
    redis_wiped_while_frozen,
    two_attempts_ask_together,
    two_workers_on_one_lane,
)
from tests.faults.limits import (
    limits_and_gaps,
    nothing_before_its_time,
    suppressed_meanwhile,
    unsubscribed_in_doubt,
)
from tests.faults.servers import (
    lost_acknowledgements,
    nothing_goes_without_redis,
    postgres_crashes,
    redis_crashes,
    redis_dies_before_the_confirmation,
    redis_out_of_memory,
    redis_remembers_less,
    redis_wiped,
)
from tests.faults.verdict import Verdict
from tests.faults.wire import opening_goes_wrong, refused_log_in, smtp_modes

Scenario: TypeAlias = Callable[[Case], Awaitable[Verdict]]

SCENARIOS: dict[str, Scenario] = {
    **{
        f"kill_{point}_{policy}": partial(kill_at, point=point, policy=policy, hit=hit)
        for point in FaultPoint
        for policy, hit in (("hold", 1 if point in ONCE_PER_BATCH else 4), ("resend", 7))
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
    **{
        f"freeze_while_the_clock_goes_back_{policy}": partial(
            freeze_at, point=FaultPoint.AFTER_WRITE_AHEAD, policy=policy, jump=timedelta(hours=-3)
        )
        for policy in ("hold", "resend")
    },
    **{
        f"redis_wiped_while_frozen_{point}": partial(redis_wiped_while_frozen, point=point)
        for point in (FaultPoint.BEFORE_CLAIM, FaultPoint.AFTER_CLAIM, FaultPoint.AFTER_354)
    },
    "two_attempts_ask_together": two_attempts_ask_together,
    "counters_lost_before_the_claim": counters_lost_before_the_claim,
    "wall_clocks_jump": wall_clocks_jump,
    "smtp_modes_hold": partial(smtp_modes, policy="hold"),
    "smtp_modes_resend": partial(smtp_modes, policy="resend"),
    "opening_goes_wrong": opening_goes_wrong,
    "lost_acknowledgements": lost_acknowledgements,
    "refused_log_in": refused_log_in,
    "redis_wiped": redis_wiped,
    "two_workers_on_one_lane": two_workers_on_one_lane,
    "limits_and_gaps": limits_and_gaps,
    "nothing_before_its_time": nothing_before_its_time,
    "suppressed_meanwhile": suppressed_meanwhile,
    "unsubscribed_in_doubt": unsubscribed_in_doubt,
}
# These disturb the servers that all cases share, and run by themselves.
ALONE: dict[str, Scenario] = {
    "nothing_goes_without_redis": nothing_goes_without_redis,
    "redis_dies_before_the_confirmation": redis_dies_before_the_confirmation,
    "redis_remembers_less": redis_remembers_less,
    "redis_out_of_memory": redis_out_of_memory,
    "postgres_crashes": postgres_crashes,
    "redis_crashes": redis_crashes,
}
