"""Ports for servers that have to be told theirs, such as another process.

One that the kernel chose and that was let go of is soon given to somebody else. These are below
those that it chooses, and each stays with the process that asked for it, for as long as it lives.
"""

from __future__ import annotations

import random
import socket
from contextlib import closing

# Below the kernel's own, which begin at 32768 (Linux: ip_local_port_range).
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """One that nothing on this machine listens on, and that no other test is given."""
    for port in random.sample(_PORTS, len(_PORTS)):
        if _is_ours(port) and _is_unused(port):
            return port
    raise AssertionError("all ports are taken")


def _is_ours(port: int) -> bool:
    """Take the UDP port of the same number, which nothing else uses, and never let go of it."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        taken.bind(("127.0.0.1", port))
    except OSError:
        taken.close()
        return False
    taken.detach()
    return True


def _is_unused(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
