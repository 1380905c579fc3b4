"""A bound on what a test computes: processor time of this process, whatever else goes on beside it.

What takes quadratic work over a megabyte would take hours, and be a test that hangs.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def bounded_work(*, cpu_seconds: float) -> Iterator[None]:
    """Fail a block that computes for longer; waiting counts for nothing. Main thread only.

    A regular expression is interrupted, too: it looks for signals as it goes along.
    """

    def too_much(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"it computes for more than {cpu_seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, too_much)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
