"""A worker tells people of what becomes of their mail, while it sends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from paceline.auth.secretbox import SecretBox, hook_url_label
from paceline.bootstrap.worker import RunningWorker, running_worker
from paceline.domain.notifications import Kind
from paceline.settings import Settings
from tests.hook_receiver import HookReceiver
from tests.integration.engine.sink import Sink
from tests.world import SECRET_KEY, World


@pytest.fixture
async def worker(
    settings: Settings, black_boxes: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningWorker]:
    monkeypatch.setattr("paceline.engine.notifier.LOOK_SECONDS", 0.1)
    async with running_worker(settings, black_boxes=black_boxes) as running:
        yield running
        await running.stop()


@pytest.mark.usefixtures("worker")
async def test_a_limit_that_is_reached_and_a_campaign_that_is_done_are_told(
    world: World, sink: Sink, receiver: HookReceiver
) -> None:
    await world.execute(
        "INSERT INTO notification_settings (owner_id, hook_url, kinds) VALUES ($1, $2, $3)",
        world.owner_id,
        SecretBox(SECRET_KEY).seal(receiver.url, label=hook_url_label(owner_id=world.owner_id)),
        [*Kind],
    )
    slow = await world.sender(name="Slow", port=sink.port, hourly_limit=1)
    await world.emails(slow, await world.campaign(slow, name="Endless"), 3)
    quick = await world.sender(name="Quick", port=sink.port)
    campaign = await world.campaign(quick, name="Spring", hourly_limit=2)
    await world.emails(quick, campaign, 2)
    late = await world.campaign(quick, name="Summer", hourly_limit=2)
    await world.emails(quick, late, 4, due_in=-timedelta(minutes=1))
    await world.signal(slow)
    await world.signal(quick)
    await receiver.until(
        "Sender “Slow” has reached its hourly limit",
        "Campaign “Summer” has reached its hourly limit",
        "Campaign “Spring” is done: 2 sent.",
    )
    assert "Endless" not in "".join(receiver.texts)
