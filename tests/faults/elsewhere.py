"""A worker in a place that is unlike this machine: `python -P elsewhere.py worker`.

- WALL_CLOCK names a file with one number: by how many seconds the wall clock of this process is
  wrong, from now on and whenever the number changes. Boot time goes on as it does.
- LANES_OF names lanes of its own in the same Redis: two workers then run one sender at once, as
  after a lane was given away too early, and share the limits.
- QUICKER: a dead worker's lane is taken over after two seconds rather than eight.

None of it is in the product: it is put in place before the product is loaded.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

UNUSUAL = frozenset({"WALL_CLOCK", "LANES_OF", "QUICKER"})
_NUMBER = struct.Struct("d")


class WallClock:
    """A wall clock that can be set from outside."""

    def __init__(self, file: Path) -> None:
        self._file = file
        if not file.exists():
            file.write_bytes(_NUMBER.pack(0.0))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), _NUMBER.size)
        self._real = time.time

    @property
    def file(self) -> Path:
        return self._file

    def jump_to(self, seconds: float) -> None:
        """From now on it is wrong by so much."""
        _NUMBER.pack_into(self._memory, 0, seconds)

    def time(self) -> float:
        return self._real() + float(_NUMBER.unpack_from(self._memory)[0])

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)


def main() -> None:
    with ExitStack() as changed:
        if file := os.environ.pop("WALL_CLOCK", ""):
            from paceline import clock as paceline_clock

            clock = WallClock(Path(file))
            # All that Paceline and BullMQ ask for the time of day.
            changed.enter_context(patch.object(time, "time", clock.time))
            changed.enter_context(patch.object(paceline_clock, "now", clock.now))
        if lanes := os.environ.pop("LANES_OF", ""):
            from paceline.engine import queue

            changed.enter_context(patch.object(queue, "PREFIX", lanes))
        if os.environ.pop("QUICKER", ""):
            from paceline.engine import worker

            changed.enter_context(patch.object(worker, "LOCK_MS", 2_000))
            changed.enter_context(patch.object(worker, "STALLED_CHECK_SECONDS", 1.0))
        from paceline.__main__ import main as run
        from paceline.observability import faultpoints

        # Where the product was loaded before its environment was there.
        fault = faultpoints.parse(os.environ.get(faultpoints.VARIABLE))
        changed.enter_context(patch.object(faultpoints, "_fault", fault))
        run()


if __name__ == "__main__":
    main()
