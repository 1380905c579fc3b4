"""Speaking to the person at the terminal: results on standard output, all else on the other."""

from __future__ import annotations

from rich.console import Console

FAILED = 1  # exit codes
MISUSED = 2  # as typer has it for an option that it knows nothing of
UNUSABLE = 78  # EX_CONFIG of sysexits.h: no restart will mend it
INTERRUPTED = 130

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A result, alone on its line, as a script would want it."""
    out.print(text, markup=False)


def note(text: str) -> None:
    """Something worth knowing that is not the result."""
    err.print(text, markup=False)


def complain(text: str) -> None:
    """What went wrong, in one line."""
    err.print(f"paceline: {text}", markup=False, style="red")
