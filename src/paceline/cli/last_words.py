"""What a process said before it ended: the one line of its log that explains it best."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

from paceline.embedded import tail

SHOWN_CHARACTERS = 300
# What the servers and our own commands put before the line that matters.
_TELLING = re.compile(r"(?:.*\b(?:FATAL|PANIC):\s+|paceline: )(?P<why>.+)")


def last_words(log: Path, *, since: int) -> str:
    """The explanation among what was logged after the byte `since`; else the last line, or ""."""
    lines = [_message(line) for line in tail(log, since=since).splitlines() if line.strip()]
    telling = [found["why"] for line in lines if (found := _TELLING.match(line))]
    return next(iter(reversed(telling or lines)), "").strip()[:SHOWN_CHARACTERS]


def _message(line: str) -> str:
    with suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict):
            said = str(entry.get("exception") or entry.get("message") or line)
            return said.strip().splitlines()[-1]
    return line
