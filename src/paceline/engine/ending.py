"""Ends tasks for certain.

Once is not enough: on Python 3.11 `asyncio.wait_for`, through which redis-py sends each command,
swallows a cancellation that arrives together with its result (python/cpython#86296). A loop that
lost it so would go on for ever, and whoever stops the process would wait for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

# Long enough for a task to clean up after itself, which a second cancellation would cut short.
PATIENCE_SECONDS = 1.0


async def end(tasks: Iterable[asyncio.Task[Any]], *, patience: float = PATIENCE_SECONDS) -> None:
    """Cancel these tasks, again and again, and return when the last one is over."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=patience)


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Whether `work` came to its end; it is broken off as soon as `stop` is set."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        await end([task, stopped])
