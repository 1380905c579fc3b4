"""Runs a command of Paceline's and tells what stops its event loop, however slow the machine is.

Run as `python -P tests/watched.py FILE … worker`: a line of FILE for each time that the loop stood
still. No clock says so, since a busy machine holds everybody up: a thread of the same process ticks
beside the loop, and waits for the same processors and the same interpreter. Whatever lets it tick
on and on between two turns of the loop holds up the loop alone. What computes without letting
either of them go on shows in the time that the loop's thread has had a processor.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from paceline.cli import loops

TICK_SECONDS = 0.005
MOST_TICKS = 50  # between two turns of the loop: 250 ms, where the machine has nothing to do
MOST_CPU_SECONDS = 0.25  # of the loop's thread, from one turn to the next
FRAMES = 6  # of the loop's stack, the innermost


class Watch:
    """Over the loop of the thread that makes it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._loops = threading.get_ident()
        self._ticks = 0
        threading.Thread(target=self._tick, daemon=True).start()

    async def turns(self) -> None:
        """A turn of the loop after the other."""
        while True:
            computed = time.thread_time()
            await asyncio.sleep(TICK_SECONDS)
            self._ticks = 0
            computed = time.thread_time() - computed
            if computed > MOST_CPU_SECONDS:
                self._tell(f"computed for {computed:.1f} s")

    def _tick(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            self._ticks += 1
            if self._ticks == MOST_TICKS:
                stack = traceback.extract_stack(sys._current_frames()[self._loops])[-FRAMES:]
                self._tell(" < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(stack)))

    def _tell(self, what: str) -> None:
        with self._file.open("a") as file:
            file.write(what + "\n")


def stops_in(file: Path) -> list[str]:
    """What was told until now."""
    return file.read_text().splitlines() if file.exists() else []


def main(file: Path, *command: str) -> None:
    run = loops.run_quickly

    def run_watched(work: Coroutine[Any, Any, Any]) -> Any:
        async def watched() -> Any:
            turning = asyncio.create_task(Watch(file).turns())
            try:
                return await work
            finally:
                turning.cancel()

        return run(watched())

    loops.run_quickly = run_watched  # type: ignore[assignment]
    sys.argv = ["paceline", *command]
    from paceline.__main__ import main as paceline

    paceline()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[-1])
