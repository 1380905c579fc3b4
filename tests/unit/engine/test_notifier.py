"""The loop that has people told."""

from __future__ import annotations

import asyncio

import pytest

from paceline.engine import notifier


async def test_a_fault_while_people_are_told_ends_neither_the_worker_nor_the_next_look(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifier, "LOOK_SECONDS", 0.0)
    looked_again = asyncio.Event()
    looks = 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise ZeroDivisionError
        looked_again.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(notifier.Notifier(look).run())
    await asyncio.wait_for(looked_again.wait(), 60)
    running.cancel()
    await asyncio.wait([running])
    assert "ZeroDivisionError" in caplog.text
