"""Running the asynchronous parts: a quick event loop where there is one, a soft stop by signal."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")
# New objects before a look for garbage in cycles. Some thousand live for as long as one batch of
# emails, which is nothing to look for: 700, as by default, takes a worker five per cent longer.
GC_THRESHOLDS = (20_000, 20, 50)
# How long a thread that computes keeps the interpreter from the loop, at each of its steps; 5 ms by
# default. It costs something only where threads compete.
SWITCH_SECONDS = 0.001
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_quickly(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, on uvloop where that exists."""
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)


def run_until_stopped(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `work`, which stops softly once its event is set: by SIGINT, SIGTERM or SIGHUP.

    The process is expected to end then. What it holds is left to the system: the interpreter would
    look through all of it for garbage first, for up to two seconds on a busy machine, and whoever
    waits for the end would take that for a process that does not stop.
    """

    async def until_stopped() -> None:
        async with stop_event() as stop:
            await work(stop)

    try:
        run_quickly(until_stopped())
    finally:
        gc.freeze()


@asynccontextmanager
async def stop_event() -> AsyncIterator[asyncio.Event]:
    """An event that the signals set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
