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

    error = AssertionError(f"it computes for more than {cpu_seconds:g} s")
    with interrupted(signal.ITIMER_VIRTUAL, signal.SIGVTALRM, cpu_seconds, error):
        yield


@contextmanager
def interrupted(
    timer: int, number: signal.Signals, seconds: float, error: Exception
) -> Iterator[None]:
    """Raise `error` in a block when its timer, which sends this signal, has run for so long."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise error

    before = signal.signal(number, ring)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)
