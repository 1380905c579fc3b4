"""Ports of this machine: is this one free, which one is, and is what listens there well?"""

from __future__ import annotations

import errno
import http.client
import socket
from contextlib import closing, suppress

from paceline.errors import Conflict, SettingsError
from paceline.system_words import in_words

PROBE_TIMEOUT_SECONDS = 2.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on


def claim_check(host: str, port: int, *, option: str) -> None:
    """Raises, in one line, `Conflict` for a port that is taken, and `SettingsError` where nothing
    could ever listen."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}, PACELINE_HOST: {in_words(error)}") from error
    for family, _, _, _, address in found:
        with closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                why = f"port {port} on {host}: {(error.strerror or 'not possible').lower()}"
                if error.errno == errno.EADDRINUSE:
                    raise Conflict(f"{why}; choose another with {option}") from error
                raise SettingsError(f"{why}; choose other PACELINE_HOST or {option}") from error


def free_port(host: str, *, preferred: int) -> int:
    """The preferred port, or any other that is free on `host`."""
    with suppress(Conflict):
        claim_check(host, preferred, option="")
        return preferred
    with closing(socket.socket()) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def answers(host: str, port: int, path: str) -> bool:
    """Whether `GET path` is answered with 200."""
    connection = http.client.HTTPConnection(
        _EVERYWHERE.get(host, host), port, timeout=PROBE_TIMEOUT_SECONDS
    )
    with closing(connection), suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    return False


def accepts(host: str, port: int) -> bool:
    """Whether a connection is accepted."""
    with suppress(OSError), socket.create_connection((host, port), PROBE_TIMEOUT_SECONDS):
        return True
    return False
