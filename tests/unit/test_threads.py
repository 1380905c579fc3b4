"""Threads of which each owner has a share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from paceline.threads import OWNER, FairThreads


@pytest.fixture
async def fair() -> AsyncIterator[None]:
    threads = FairThreads(8, each=2)
    asyncio.get_running_loop().set_default_executor(threads)
    yield
    threads.shutdown()


async def done_for(owner: str | None, work: Callable[[], str]) -> str:
    OWNER.set(owner)
    return await asyncio.to_thread(work)


@pytest.mark.usefixtures("fair")
async def test_one_owner_has_two_at_a_time_and_others_have_theirs() -> None:
    go, inside = threading.Event(), threading.Semaphore(0)
    most, running, lock = 0, 0, threading.Lock()

    def long() -> str:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        inside.release()
        go.wait()
        with lock:
            running -= 1
        return "long"

    asked = [asyncio.create_task(done_for("ann", long)) for _ in range(20)]
    for _ in range(2):
        await done_for(None, lambda: inside.acquire() and "seen")
    assert await done_for("bob", lambda: "short") == "short"
    assert not any(task.done() for task in asked)
    go.set()
    assert await asyncio.gather(*asked) == ["long"] * 20
    assert most == 2


@pytest.mark.usefixtures("fair")
async def test_what_fails_is_told_and_what_is_given_up_is_not_begun() -> None:
    go, begun = threading.Event(), []

    def fails() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await done_for("ann", fails)
    held = [asyncio.create_task(done_for("ann", lambda: str(go.wait()))) for _ in range(2)]
    left = asyncio.create_task(done_for("ann", lambda: str(begun.append("left"))))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left])
    go.set()
    await asyncio.gather(*held)
    assert await done_for("ann", lambda: "next") == "next"
    assert begun == []
