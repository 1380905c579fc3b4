"""CPU time and memory of process trees, so that a figure says who spent it.

On a shared machine the CPU time per email means more than emails per second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil


def cpu_seconds(root: psutil.Process) -> float:
    """What a process, its living descendants and those that it has buried have used so far."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
            total += times.children_user + times.children_system
    return total


def rss_mb(roots: Sequence[psutil.Process]) -> float:
    """The resident memory of processes and their descendants, in MiB."""
    total = 0
    for root in roots:
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total / 2**20


class Others:
    """How much of the machine went to processes that have nothing to do with us."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._before = self._seconds()

    def percent(self) -> float:
        """Of all its cores, since `__init__`."""
        available = (time.perf_counter() - self._begun) * (psutil.cpu_count() or 1)
        return max(0.0, self._seconds() - self._before) / available * 100

    @staticmethod
    def _seconds() -> float:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Guests are counted as user time as well.
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        return sum(times) - idle - guests - cpu_seconds(psutil.Process())


class Meter:
    """Time on the wall, and CPU time of named groups of processes, between `__init__` and `per`."""

    def __init__(self, processes: Mapping[str, Sequence[psutil.Process]]) -> None:
        self._processes = processes
        self._cpu = self._spent()
        self._begun = time.perf_counter()

    def per(self, emails: int) -> dict[str, float]:
        """Emails per second, and what each process spent on one email, in µs."""
        seconds = time.perf_counter() - self._begun
        spent = {
            f"{name} CPU µs": (cpu - self._cpu[name]) / emails * 1e6
            for name, cpu in self._spent().items()
        }
        return {"emails/s": emails / seconds, **spent}

    def _spent(self) -> dict[str, float]:
        return {name: sum(map(cpu_seconds, group)) for name, group in self._processes.items()}
