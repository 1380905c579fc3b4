"""What the operating system says about a connection, in words for a person.

`[Errno -2] Name or service not known` is nobody's language, and differs from system to system.
"""

from __future__ import annotations

import errno
import socket

_LOOKING_UP = {
    socket.EAI_NONAME: "the name is not known",
    socket.EAI_AGAIN: "no name server answers",
    socket.EAI_FAIL: "the name server cannot answer",
}
_CONNECTING = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.ETIMEDOUT: "it did not answer in time",
    errno.EHOSTUNREACH: "there is no way to it from here",
    errno.ENETUNREACH: "there is no way to it from here",
    errno.EADDRNOTAVAIL: "there is no way to it from here",
    errno.ECONNRESET: "it closed the connection",
    errno.ECONNABORTED: "the connection was cut",
    errno.EPIPE: "it closed the connection",
    errno.EACCES: "this system does not allow it",
    errno.EPERM: "this system does not allow it",
    errno.EMFILE: "this process has too many connections open",
    errno.ENFILE: "this system has too many connections open",
}


def in_words(error: OSError | UnicodeError) -> str:
    """Why there is no connection, or no address; in the system's words where ours know it not."""
    if isinstance(error, UnicodeError):
        return "that cannot be the name of a host"
    known = _LOOKING_UP if isinstance(error, socket.gaierror) else _CONNECTING
    words = known.get(error.errno or 0)
    if words is None and isinstance(error, socket.gaierror):
        words = _LOOKING_UP[socket.EAI_NONAME]  # EAI_NODATA, where there is such a thing
    return words or (error.strerror or type(error).__name__).lower()
