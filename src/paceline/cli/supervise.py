"""Keeps components running: starts them, waits until they answer, starts them again when they die.

One task owns each component. What a component is (a server of the embedded kind, a process of our
own) is its `Component`; what to do about a failed first start is the caller's.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from paceline import clock
from paceline.cli.console import UNUSABLE
from paceline.cli.last_words import last_words
from paceline.embedded import Command
from paceline.errors import OperationalError, PacelineError
from paceline.observability.troubles import Trouble

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 60.0
READY_TIMEOUT_SECONDS = 60.0
READY_POLL_SECONDS = 0.05

_log = logging.getLogger(__name__)


class StartFailed(OperationalError):
    """A component ended, or did not answer, at its first start; the message has its last words."""


class UnfitPart(StartFailed):
    """It ended because something has to be changed first: starting it again would not help."""


def _nothing() -> None:
    """What most components need before they start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """One process to keep running.

    `prepare` runs in a thread before each start; `is_ready` is asked in a thread, with the process
    id, until it says yes, and may block for about a second.
    """

    name: str
    command: Callable[[], Command]
    log: Path | None = None  # None: it writes where we write
    prepare: Callable[[], None] = _nothing
    is_ready: Callable[[int], bool] | None = None
    stop_seconds: float = 6.0


class Supervised:
    """One component being kept running. Call `start` once, `stop` once."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._first_start: asyncio.Future[None] | None = None
        self._log_offset = 0
        self._is_unfit = False
        self._trouble = Trouble(_log, f"{component.name} does not run")

    @property
    def pid(self) -> int | None:
        """Of the process as it is now."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises `StartFailed`; it is not tried again then."""
        self._first_start = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_running(), name=self.component.name)
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                await self._first_start
        except TimeoutError:
            why = self._with_last_words("does not answer")
            raise StartFailed(f"{self.component.name} {why}") from None

    async def given_up(self) -> None:
        """Wait until it is not started again. Raises `UnfitPart`, unless it was stopped."""
        assert self._task is not None, "started"
        await asyncio.shield(self._task)
        if self._is_unfit and not self._stopping.is_set():
            raise UnfitPart(f"{self.component.name} cannot work as it is set up")

    async def stop(self) -> None:
        """Ask it to stop, wait, then stop it by force. Harmless when it does not run."""
        self._stopping.set()
        if self._task is None:
            return
        self._signal(self.component.command().stop_signal)
        _, late = await asyncio.wait([self._task], timeout=self.component.stop_seconds)
        if late:
            _log.warning("%s does not stop: stopping it by force", self.component.name)
            self._signal(signal.SIGKILL)
        await self._task

    async def kill(self) -> None:
        """Stop it by force, at once."""
        self._stopping.set()
        self._signal(signal.SIGKILL)
        if self._task is not None:
            await self._task

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            started_at = clock.boottime()
            reason = await self._run_once()
            if self._stopping.is_set() or self._gave_up(reason):
                return
            if self._is_unfit:
                _log.error("%s %s; not started again", self.component.name, reason)
                return
            if clock.boottime() - started_at >= HEALTHY_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._trouble.met(f"it {reason}; starting it again in {pause:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _gave_up(self, reason: str) -> bool:
        if self._first_start is None or self._first_start.done():
            return False
        failure = UnfitPart if self._is_unfit else StartFailed
        self._first_start.set_exception(failure(f"{self.component.name} {reason}"))
        return True

    async def _run_once(self) -> str:
        """One life of the process; why it ended."""
        try:
            await asyncio.to_thread(self.component.prepare)
            process = await self._spawn()
        except (PacelineError, OSError) as error:
            return f"could not be started: {error}"
        self._process = process
        if self._stopping.is_set():  # asked while it was being born
            self._signal(signal.SIGKILL)
        watch = asyncio.create_task(self._watch(process))
        code = await process.wait()
        watch.cancel()
        self._is_unfit = code == UNUSABLE
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return self._with_last_words(f"ended with code {code}")

    async def _spawn(self) -> Process:
        command = self.component.command()
        if self.component.log is None:
            return await asyncio.create_subprocess_exec(*command.argv, **command.options(None))
        with self.component.log.open("ab") as log:
            self._log_offset = log.tell()
            return await asyncio.create_subprocess_exec(*command.argv, **command.options(log))

    async def _watch(self, process: Process) -> None:
        is_ready = self.component.is_ready
        while is_ready and not await asyncio.to_thread(is_ready, process.pid):  # noqa: ASYNC110
            await asyncio.sleep(READY_POLL_SECONDS)
        if self._first_start is not None and not self._first_start.done():
            self._first_start.set_result(None)
        await asyncio.sleep(HEALTHY_AFTER_SECONDS)
        self._trouble.over()

    def _with_last_words(self, reason: str) -> str:
        log = self.component.log
        said = last_words(log, since=self._log_offset) if log else ""
        return f"{reason}: {said}" if said else reason


async def start_all(components: list[Supervised]) -> None:
    """Start them side by side. Raises the first `StartFailed`."""
    try:
        async with asyncio.TaskGroup() as group:
            for component in components:
                group.create_task(component.start())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def stop_all(components: list[Supervised]) -> None:
    """Stop them side by side."""
    await asyncio.gather(*(component.stop() for component in components))
