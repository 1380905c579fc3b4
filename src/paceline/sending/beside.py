"""One thread for messages that take long to make, beside the loop that sends everybody's.

One, because threads that compete for the interpreter make the loop wait for each of them. And of
each campaign one email at a time, so that another campaign's comes after one of them, not after
all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class Beside:
    """Runs what takes long."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="messages")
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def run(self, of: Hashable, work: Callable[[], T]) -> T:
        """What comes of `work`, which is of this campaign, or of this sender."""
        turn = self._turns.setdefault(of, asyncio.Lock())
        async with turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
