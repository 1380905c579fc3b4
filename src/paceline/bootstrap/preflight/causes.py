"""Why a server does not answer, without its name in front and without numbers of errors."""

from __future__ import annotations

import os
import re
import ssl

from paceline.system_words import in_words

_LATE = "no answer in time"
_NO_REDIS = "Protocol Error"  # how the driver begins
_NUMBER = re.compile(r"(?:Errno|Error) (-?\d+)")


def refusal(error: BaseException) -> str:
    """Why a server that answers lets us not in, in its words or its driver's."""
    distrust = _distrust(error)
    if distrust is not None:
        return f"its certificate is not trusted: {distrust.verify_message}"
    said = str(error).partition(": ")[2].strip()
    return said.splitlines()[0].rstrip(".") if said else why(error)


def is_distrusted(error: BaseException) -> bool:
    """Whether its certificate was the reason."""
    return _distrust(error) is not None


def why(error: BaseException) -> str:
    """In words for a person."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):  # its number is none of the system's
            return f"it speaks no TLS that we understand ({(cause.reason or str(cause)).lower()})"
        if isinstance(cause, OSError) and cause.errno:
            return in_words(cause)
        if isinstance(cause, TimeoutError):
            return _LATE
        cause = cause.__cause__ or cause.__context__
    said = str(error).partition(": ")[2] or str(error)
    if said.startswith(_NO_REDIS):
        return "what listens there is no Redis"
    numbered = _NUMBER.search(said)
    if numbered and int(numbered[1]) > 0:
        number = int(numbered[1])
        return in_words(OSError(number, os.strerror(number)))
    return said.strip().splitlines()[0].rstrip(".") if said.strip() else _LATE


def _distrust(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None
