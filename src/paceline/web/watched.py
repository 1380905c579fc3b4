"""The sign-ins whose pages are open: what stands for all that each sees, read about once a second.

Once somebody does something in this process, all are read again before the next answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from paceline import clock
from paceline.errors import OperationalError
from paceline.services.watching import Fingerprint

LOOK_EVERY_SECONDS = 0.8
ASKS_WITHIN_SECONDS = 10.0  # who has not asked for so long is not looked at any more
MAX_WATCHED = 2_000  # sign-ins; the pages of more are made anew each time
_NEVER = float("-inf")


class Watcher(Protocol):
    """Reads fingerprints."""

    async def of(self, sessions: Collection[bytes], /) -> Mapping[bytes, Fingerprint]:
        """By the hash of a session's id; a session that is over has none."""


class Watched:
    """Fingerprints that are at most `LOOK_EVERY_SECONDS` old."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._asked_at: dict[bytes, float] = {}
        self._found: Mapping[bytes, Fingerprint] = {}
        self._looked_at = _NEVER
        self._looking = asyncio.Lock()
        self._acts = 0

    async def of(self, session: bytes) -> Fingerprint | None:
        """None: the session is over, or nobody can say right now."""
        if session not in self._asked_at and len(self._asked_at) >= MAX_WATCHED:
            return None
        self._asked_at[session] = clock.boottime()
        if self._is_known(session):
            return self._found[session]
        async with self._looking:
            if not self._is_known(session):
                acts = self._acts
                await self._look(session)
                if acts != self._acts:  # it may have been read before what was done
                    self._looked_at = _NEVER
                    return None
        return self._found.get(session)

    def look_anew(self) -> None:
        """Before anybody is answered again: somebody does something."""
        self._acts += 1
        self._looked_at = _NEVER

    def _is_known(self, session: bytes) -> bool:
        is_fresh = clock.boottime() < self._looked_at + LOOK_EVERY_SECONDS
        return is_fresh and session in self._found

    async def _look(self, session: bytes) -> None:
        """At all who have asked lately."""
        begun = clock.boottime()
        lately = begun - ASKS_WITHIN_SECONDS
        self._asked_at = {each: at for each, at in self._asked_at.items() if at > lately}
        try:
            self._found = await self._watcher.of(list(self._asked_at))
        except OperationalError:
            self._found = {}  # the page itself says what is wrong
        if session not in self._found:
            self._asked_at.pop(session, None)  # it is over, and asked for no more
        self._looked_at = begun
