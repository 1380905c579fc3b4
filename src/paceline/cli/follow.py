"""Watches the components' logs: shows what matters at the terminal, keeps the files bounded.

The components write their files themselves. Were they to write to us instead, a terminal that is
held up (Ctrl-S) would in the end hold up the sending of mail.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

POLL_SECONDS = 0.5
MAX_LOG_BYTES = 20 * 1024 * 1024
MAX_READ_BYTES = 256 * 1024
SHOWN_CHARACTERS = 300
_SHOWN_LEVELS = frozenset({"warning", "error", "critical"})


class LogFollower:
    """Reads what is added to the logs from now on. `show` takes (component, one line)."""

    def __init__(self, logs: Mapping[str, Path], show: Callable[[str, str], None]) -> None:
        self._logs = logs
        self._show = show
        self._offsets = {name: _size(log) for name, log in logs.items()}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self.look()

    def look(self) -> None:
        """Show what is new, and cut what has become too long."""
        for name, log in self._logs.items():
            with suppress(OSError):
                for line in self._new_lines(name, log):
                    if (message := warning_in(line)) is not None:
                        self._show(name, message)
                if _size(log) > MAX_LOG_BYTES:
                    cut(log)

    def _new_lines(self, name: str, log: Path) -> list[bytes]:
        size = _size(log)
        start = self._offsets[name] if self._offsets[name] <= size else 0  # cut meanwhile
        start = max(start, size - MAX_READ_BYTES)
        with log.open("rb") as file:
            file.seek(start)
            text = file.read(size - start)
        complete = text[: text.rfind(b"\n") + 1]  # the rest of a line comes with the next look
        self._offsets[name] = start + len(complete)
        return complete.splitlines()


def warning_in(line: bytes) -> str | None:
    """The message of a JSON line that is a warning or worse, short and on one line."""
    with suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict) and entry.get("level") in _SHOWN_LEVELS:
            return " ".join(str(entry.get("message", "")).split())[:SHOWN_CHARACTERS]
    return None


def cut(log: Path) -> None:
    """Keep the old content as `.1` and go on with an empty file.

    Copied, not renamed: the writer holds the file open, and appends wherever its end is.
    """
    shutil.copyfile(log, log.with_name(log.name + ".1"))
    with log.open("r+b") as file:
        file.truncate(0)


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0
