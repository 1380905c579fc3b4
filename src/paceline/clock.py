"""The clocks: wall time for what people read, boot time for measuring intervals.

Due times, leases and limits are judged by PostgreSQL's and Redis' clocks, not by these.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

# CLOCK_MONOTONIC stands still while a machine is suspended; a lease does not.
_BOOT_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> datetime:
    """The wall clock, aware and in UTC."""
    return datetime.now(UTC)


def boottime() -> float:
    """Seconds on a clock that never jumps and counts suspended time where the system has one."""
    return time.clock_gettime(_BOOT_CLOCK)
