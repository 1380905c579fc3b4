"""Ids: UUID version 7 (RFC 9562 §5.7), strictly increasing within a process.

The time comes first, so that rows made later sort later and B-trees grow at one end. Rows made in
the same millisecond keep their order too: the random tail counts up (RFC 9562 §6.2, method 2),
which is what keeps the recipients of a campaign in the order of their file.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import datetime

_TAIL_BITS = 74  # rand_a (12) and rand_b (62)
_TAIL_MASK = (1 << _TAIL_BITS) - 1
_RAND_B_BITS = 62
_STEP_OCTETS = 4
_MAX_STEP = 1 << 8 * _STEP_OCTETS  # the next id of the same millisecond is not to be guessed


class _Sequence:
    """The last id handed out, behind a lock: uploads are read on threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._tail = 0

    def next(self, step: int | None = None) -> uuid.UUID:
        """`step`: a random number below `_MAX_STEP`, where somebody has drawn many at once."""
        with self._lock:
            millisecond = time.time_ns() // 1_000_000
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                self._tail = secrets.randbits(_TAIL_BITS - 1)  # headroom to count up in
            else:
                self._tail += 1 + (secrets.randbelow(_MAX_STEP) if step is None else step)
                if self._tail > _TAIL_MASK:
                    self._millisecond += 1
                    self._tail = secrets.randbits(_TAIL_BITS - 1)
            return _assemble(self._millisecond, self._tail)


def _assemble(millisecond: int, tail: int) -> uuid.UUID:
    rand_a, rand_b = tail >> _RAND_B_BITS, tail & ((1 << _RAND_B_BITS) - 1)
    return uuid.UUID(int=millisecond << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


_sequence = _Sequence()


def new_id() -> uuid.UUID:
    """A new id, greater than every id that this process has made before."""
    return _sequence.next()


def first_id_at(instant: datetime) -> uuid.UUID:
    """Less than every id that was made after this instant, greater than those before it."""
    return uuid.UUID(int=int(instant.timestamp() * 1000) << 80)


def new_ids(count: int) -> Iterator[uuid.UUID]:
    """`count` new ids in increasing order."""
    steps = memoryview(secrets.token_bytes(count * _STEP_OCTETS)).cast("I")
    return map(_sequence.next, steps)
