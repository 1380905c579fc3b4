"""Errors of the system, as a person reads them."""

from __future__ import annotations

import errno
import socket

import pytest

from paceline.system_words import in_words


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "the name is not known"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "no name server answers"),
        (socket.gaierror(-5, "No address associated"), "the name is not known"),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"),
            "nothing listens there",
        ),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "there is no way to it from here"),
        (OSError(errno.EISCONN, "Is connected"), "is connected"),
        (OSError(), "oserror"),
        (UnicodeError("label too long"), "that cannot be the name of a host"),
    ],
)
def test_no_number_of_an_error_reaches_a_person(error: OSError, told: str) -> None:
    assert in_words(error) == told
