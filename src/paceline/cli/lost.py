"""What is known of a write that was not answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from paceline.cli.client import ApiUnreachable

_KNOWN = "It may have been done all the same. Running the same command again is safe."


@contextmanager
def safe_to_repeat() -> Iterator[None]:
    """Around a request that does no more when it comes twice: says so where its answer is lost."""
    try:
        yield
    except ApiUnreachable as lost:
        if not lost.may_be_done:
            raise
        raise ApiUnreachable(f"{lost}\n{_KNOWN}") from lost
