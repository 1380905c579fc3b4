"""CPU time and memory of process trees, so that a figure says who spent it.

On a shared machine the CPU time per email means more than emails per second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
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


def rss_mb(root: psutil.Process) -> float:
    """The resident memory of a process and its descendants, in MiB."""
    total = 0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 2**20


class Meter:
    """Time on the wall, and CPU time of named processes, between `__init__` and `per`."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        self._processes = processes
        self._cpu = {name: cpu_seconds(process) for name, process in processes.items()}
        self._begun = time.perf_counter()

    def per(self, emails: int) -> dict[str, float]:
        """Emails per second, and what each process spent on one email, in µs."""
        seconds = time.perf_counter() - self._begun
        spent = {
            f"{name} CPU µs": (cpu_seconds(process) - self._cpu[name]) / emails * 1e6
            for name, process in self._processes.items()
        }
        return {"emails/s": emails / seconds, **spent}
