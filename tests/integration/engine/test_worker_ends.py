"""A worker that cannot go on ends, whatever its parts are at: it never hangs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from paceline.bootstrap.worker import running_worker
from paceline.settings import Settings


async def test_a_worker_whose_block_ends_badly_at_any_moment_ends(
    settings: Settings, black_boxes: Path
) -> None:
    """BullMQ, while it connects, swallows a cancellation: one start in four never ended."""

    async def works() -> None:
        async with running_worker(settings, black_boxes=black_boxes):
            await asyncio.Event().wait()

    for turns_of_the_loop in range(0, 9_000, 150):
        work = asyncio.create_task(works())
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        work.cancel()
        with suppress(asyncio.CancelledError):
            async with asyncio.timeout(60):
                await work
