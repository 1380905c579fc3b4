"""One thread for messages that take long to make, beside the loop that sends everybody's.

One, because threads that compete for the interpreter make the loop wait for each of them. And of
each owner one email at a time, so that another owner's comes after one of them, however many
campaigns and senders they come from.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class Beside:
    """Runs what takes long."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="messages")
        self._turns: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()

    async def run(self, owner_id: uuid.UUID, work: Callable[[], T]) -> T:
        """What comes of `work`, which is this owner's."""
        turn = self._turns.setdefault(owner_id, asyncio.Lock())
        async with turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
