"""What is known of a write that was not answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from paceline.cli.client import ApiUnreachable

_SAFE = "Running the same command again is safe."


@contextmanager
def may_be_done(*, then: str = _SAFE) -> Iterator[None]:
    """Around a write: where its answer is lost, says that it may have been done, and what to do."""
    try:
        yield
    except ApiUnreachable as lost:
        if not lost.may_be_done:
            raise
        raise ApiUnreachable(f"{lost}\nIt may have been done all the same. {then}") from lost
