"""A sink, and a worker that may talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paceline.bootstrap.worker import RunningWorker, running_worker
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import settings_for


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as sink:
        yield sink


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


@pytest.fixture
def black_boxes(tmp_path: Path) -> Path:
    return tmp_path / "blackbox"


@pytest.fixture
async def worker(settings: Settings, black_boxes: Path) -> AsyncIterator[RunningWorker]:
    async with running_worker(settings, black_boxes=black_boxes) as running:
        yield running
        await running.stop()
