"""Why a server does not answer, without its name in front and without numbers of errors."""

from __future__ import annotations

import os
import re

from paceline.system_words import in_words

_LATE = "no answer in time"
_NUMBER = re.compile(r"(?:Errno|Error) (-?\d+)")


def refusal(error: BaseException) -> str:
    """Why a server that answers lets us not in, in its words or its driver's."""
    said = str(error).partition(": ")[2].strip()
    return said.splitlines()[0].rstrip(".") if said else why(error)


def why(error: BaseException) -> str:
    """In words for a person."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return in_words(cause)
        if isinstance(cause, TimeoutError):
            return _LATE
        cause = cause.__cause__ or cause.__context__
    said = str(error).partition(": ")[2] or str(error)
    numbered = _NUMBER.search(said)
    if numbered and int(numbered[1]) > 0:
        number = int(numbered[1])
        return in_words(OSError(number, os.strerror(number)))
    return said.strip().splitlines()[0].rstrip(".") if said.strip() else _LATE
