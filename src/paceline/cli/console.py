"""Speaking to the person at the terminal: results on standard output, all else on the other."""

from __future__ import annotations

import logging

from rich.console import Console

from paceline.observability import redact, writes_json

FAILED = 1  # exit codes
MISUSED = 2  # as typer has it for an option that it knows nothing of
UNUSABLE = 78  # EX_CONFIG of sysexits.h: no restart will mend it
INTERRUPTED = 130

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A result, alone on its line, as a script would want it."""
    out.print(text, markup=False)


_log = logging.getLogger("paceline")
_in_log = False


def speak_in_log(on: bool) -> None:
    """Whether what is not the result goes into the log, where that is JSON: a part's words are for
    whoever collects its log."""
    global _in_log  # noqa: PLW0603  # one process has one standard error
    _in_log = on


def note(text: str) -> None:
    """Something worth knowing that is not the result."""
    if _in_log and writes_json():
        _log.warning("%s", text)
    else:
        err.print(text, markup=False)


def complain(text: str) -> None:
    """What went wrong, in one line."""
    if _in_log and writes_json():
        _log.critical("%s", text)
    else:
        # A value that is refused may have a password in it, where none belongs.
        err.print(f"paceline: {redact(text)}", markup=False, style="red")
