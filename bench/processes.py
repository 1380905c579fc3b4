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
