"""How soon a connection is given up whose other end is gone without a word.

A host that loses its power or its network says nothing, and the system's own patience is a quarter
of an hour for what was sent, and two hours for a connection that only listens. The numbers are for
both ends: our sockets, and PostgreSQL's, which are told them with each session.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress

IDLE_SECONDS = 5
INTERVAL_SECONDS = 2
COUNT = 3
# Sent, or asked whether it is still there, and not acknowledged.
UNHEARD_MILLISECONDS = 10_000
NOTICED_SECONDS = 12  # at the latest, by all of this

_OPTIONS = (
    ("TCP_KEEPIDLE", IDLE_SECONDS),
    ("TCP_KEEPINTVL", INTERVAL_SECONDS),
    ("TCP_KEEPCNT", COUNT),
    ("TCP_USER_TIMEOUT", UNHEARD_MILLISECONDS),
)


def tcp_options() -> Mapping[int, int]:
    """What there is of them on this system, by their numbers."""
    named = ((getattr(socket, name, None), value) for name, value in _OPTIONS)
    return {number: value for number, value in named if number is not None}


def notice_cuts(connected: socket.socket | None) -> None:
    """Have a TCP connection notice a cut. One within this machine has none to notice.

    None: it was lost at once, which a transport over TLS tells so.
    """
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):  # it is just being closed
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for number, value in tcp_options().items():
            connected.setsockopt(socket.IPPROTO_TCP, number, value)


# Settings of a session in PostgreSQL, about its own end of the connection.
OF_POSTGRESQL = {
    "tcp_keepalives_idle": str(IDLE_SECONDS),
    "tcp_keepalives_interval": str(INTERVAL_SECONDS),
    "tcp_keepalives_count": str(COUNT),
    "tcp_user_timeout": str(UNHEARD_MILLISECONDS),
}
