"""How a process of ours ends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal

from paceline.cli.loops import run_until_stopped


def test_a_process_that_is_told_to_stop_does_not_look_for_garbage_at_its_end() -> None:
    stopped = []

    async def work(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        stopped.append(True)

    gc.unfreeze()
    try:
        run_until_stopped(work)
        assert stopped
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
