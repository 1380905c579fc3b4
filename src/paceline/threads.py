"""Threads of which each owner has a share: what one has read or rendered keeps nobody else waiting.

Threads that compete for the interpreter make the loop wait for each of them, so that the share is
small. It holds for everything that goes to the loop's own threads, wherever that is written.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

OWNER: ContextVar[Hashable] = ContextVar("OWNER", default=None)
"""For whom something is done, in this task and in those that it starts. None: for everybody."""


class FairThreads(ThreadPoolExecutor):
    """To be the loop's own. What is done for one owner has `each` threads, and waits for them."""

    def __init__(self, threads: int, *, each: int) -> None:
        super().__init__(threads, thread_name_prefix="threads")
        self._each = each
        self._lock = threading.Lock()
        self._running: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[tuple[Future[Any], Callable[[], Any]]]] = {}

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As everywhere; in the owner's turn."""
        owner = OWNER.get()
        if owner is None:
            return super().submit(fn, *args, **kwargs)
        future: Future[T] = Future()
        work = future, partial(fn, *args, **kwargs)
        with self._lock:
            if self._running.get(owner, 0) >= self._each:
                self._waiting.setdefault(owner, deque()).append(work)
                return future
            self._running[owner] = self._running.get(owner, 0) + 1
        super().submit(self._run, owner, *work)
        return future

    def _run(self, owner: Hashable, future: Future[Any], call: Callable[[], Any]) -> None:
        _carry_out(future, call)
        while (following := self._next(owner)) is not None:
            _carry_out(*following)

    def _next(self, owner: Hashable) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._lock:
            if waiting := self._waiting.get(owner):
                return waiting.popleft()
            self._waiting.pop(owner, None)
            self._running[owner] -= 1
            if not self._running[owner]:
                del self._running[owner]
            return None


def _carry_out(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
        future.set_exception(error)
    else:
        future.set_result(result)
