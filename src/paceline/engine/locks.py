"""Whether lanes that run here are still ours, as far as anybody can know without asking Redis.

BullMQ gives a lane to another worker when its lock was not renewed for `LOCK_MS`, as of a host that
is cut off. Its turn has to end before that: two workers would open the sender's connections twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from paceline import clock

LOCK_MS = 8_000
# BullMQ renews it at least twice in its time. What is left is for letting go of connections.
_SURE = 0.75


class LaneLocks:
    """Hears from BullMQ which locks it has renewed. A fetched job is known by its token."""

    def __init__(self, bull: Any, *, lock_ms: int) -> None:
        self._sure_seconds = _SURE * lock_ms / 1000
        self._tracked = bull.lockManager.tracked_jobs
        bull.lockManager.untrack_job = self._untrack
        self._renewed_at: dict[str, float] = {}  # boot time, seconds
        bull.on("locksRenewed", lambda told: self._renewed(told["jobIds"]))
        bull.on("lockRenewalFailed", self._lost)

    def taken(self, token: str) -> None:
        """A job was just fetched."""
        self._renewed_at[token] = clock.boottime()

    def left(self, token: str) -> None:
        """It runs no longer."""
        self._renewed_at.pop(token, None)

    def give_up(self, token: str) -> None:
        """Renew its lock no longer: BullMQ gives the lane to another worker."""
        self.left(token)
        for job_id, tracked in list(self._tracked.items()):
            if tracked["token"] == token:
                del self._tracked[job_id]

    def holds(self, token: str) -> bool:
        """Whether nobody else can have it by now."""
        renewed_at = self._renewed_at.get(token)
        return renewed_at is not None and clock.boottime() - renewed_at < self._sure_seconds

    def _untrack(self, job_id: str) -> None:
        """As BullMQ does at the end of a run, except for a newer run of the same lane."""
        tracked = self._tracked.get(job_id)
        if tracked and tracked["token"] not in self._renewed_at:
            del self._tracked[job_id]

    def _renewed(self, job_ids: Sequence[str]) -> None:
        for token in self._tokens(job_ids):
            if token in self._renewed_at:
                self._renewed_at[token] = clock.boottime()

    def _lost(self, job_ids: Sequence[str]) -> None:
        for token in self._tokens(job_ids):
            self.left(token)

    def _tokens(self, job_ids: Sequence[str]) -> list[str]:
        return [self._tracked[each]["token"] for each in job_ids if each in self._tracked]


@dataclass(frozen=True, slots=True)
class LaneHold:
    """What one run has of its lane. BullMQ knows the run by its token."""

    locks: LaneLocks
    token: str
    step_aside: Callable[[], None]  # what is waited for from now on keeps no other lane waiting

    def stands(self) -> bool:
        """Whether the lane is still ours."""
        return self.locks.holds(self.token)

    def give_up(self) -> None:
        """Let another worker have it."""
        self.locks.give_up(self.token)
