"""Whose lane it is, by what BullMQ tells."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from bullmq.lock_manager import LockManager

from paceline.engine.locks import LaneLocks


@pytest.fixture
def bull() -> Any:
    """BullMQ's own manager of locks, and a place for who listens to it."""
    manager = LockManager(SimpleNamespace(), 4_000, 8_000, "worker")  # type: ignore[arg-type]
    heard: dict[str, Callable[[object], None]] = {}
    return SimpleNamespace(lockManager=manager, on=heard.__setitem__, heard=heard)


def test_a_lane_is_ours_from_when_it_is_taken_until_it_is_left(bull: Any) -> None:
    locks = LaneLocks(bull, lock_ms=8_000)
    locks.taken("first")
    assert locks.holds("first")
    locks.left("first")
    assert not locks.holds("first")


def test_the_end_of_an_old_run_takes_no_renewal_from_a_newer_one(bull: Any) -> None:
    locks = LaneLocks(bull, lock_ms=8_000)
    bull.lockManager.track_job("lane", "old", 0)
    locks.taken("old")
    locks.give_up("old")
    bull.lockManager.track_job("lane", "new", 0)
    locks.taken("new")
    locks.left("old")
    bull.lockManager.untrack_job("lane")
    assert bull.lockManager.tracked_jobs["lane"]["token"] == "new"
    locks.left("new")
    bull.lockManager.untrack_job("lane")
    assert not bull.lockManager.tracked_jobs


def test_a_lock_that_could_not_be_renewed_is_ours_no_longer(bull: Any) -> None:
    locks = LaneLocks(bull, lock_ms=8_000)
    bull.lockManager.track_job("lane", "token", 0)
    locks.taken("token")
    bull.heard["lockRenewalFailed"](["lane"])
    assert not locks.holds("token")
