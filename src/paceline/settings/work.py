"""How much a worker does at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from paceline.errors import SettingsError
from paceline.settings.values import number


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSettings:
    """How much one worker process does at a time, and how long a claim of its holds."""

    concurrency: int = 64
    lanes: int = 32
    lease_seconds: int = 12
    heartbeat_seconds: int = 4
    guard_margin_seconds: int = 3
    health_port: int | None = None  # where its own health checks are answered; None: nowhere


def read_worker(env: Mapping[str, str]) -> WorkerSettings:
    """Leases must outlast a heartbeat that is lost."""
    settings = WorkerSettings(
        concurrency=number(env, "WORKER_CONCURRENCY", 64, 1, 1024),
        lanes=number(env, "PACELINE_LANES", 32, 1, 1024),
        lease_seconds=number(env, "PACELINE_LEASE_SECONDS", 12, 3, 600),
        heartbeat_seconds=number(env, "PACELINE_HEARTBEAT_SECONDS", 4, 1, 200),
        guard_margin_seconds=number(env, "PACELINE_GUARD_MARGIN_SECONDS", 3, 1, 200),
        health_port=number(env, "PACELINE_HEALTH_PORT", 0, 1, 65535) or None,
    )
    needed = 2 * settings.heartbeat_seconds + settings.guard_margin_seconds
    if settings.lease_seconds < needed:
        # One lost heartbeat must not cost a healthy worker its claims.
        raise SettingsError(
            f"PACELINE_LEASE_SECONDS is {settings.lease_seconds}: it must be at least {needed}, "
            "two heartbeats and the guard margin"
        )
    return settings
