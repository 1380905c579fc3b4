"""The sign-ins whose pages are open: what stands for all that each sees, read about once a second.

Once one of them does something in this process, all are read again before the next answer. A cookie
of nobody's moves nothing: whoever is asked for the first time waits for the next look.
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
        """None: the session is over, or not looked at yet, or nobody can say right now."""
        if session not in self._asked_at and len(self._asked_at) >= MAX_WATCHED:
            return None
        self._asked_at[session] = clock.boottime()
        if self._is_fresh():
            return self._found.get(session)
        async with self._looking:
            if not self._is_fresh():
                acts = self._acts
                await self._look()
                if acts != self._acts:  # it may have been read before what was done
                    self._looked_at = _NEVER
                    return None
        return self._found.get(session)

    def look_anew(self, session: bytes) -> None:
        """Before anybody is answered again: this one does something, if it is somebody's."""
        if session in self._found:
            self._acts += 1
            self._looked_at = _NEVER

    def _is_fresh(self) -> bool:
        return clock.boottime() < self._looked_at + LOOK_EVERY_SECONDS

    async def _look(self) -> None:
        """At all who have asked lately; who is not found is asked for no more."""
        begun = clock.boottime()
        lately = begun - ASKS_WITHIN_SECONDS
        self._asked_at = {each: at for each, at in self._asked_at.items() if at > lately}
        asked = list(self._asked_at)
        try:
            self._found = await self._watcher.of(asked)
        except OperationalError:
            self._found = {}  # the page itself says what is wrong
        for each in asked:
            if each not in self._found:
                self._asked_at.pop(each, None)
        self._looked_at = begun
