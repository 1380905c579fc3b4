"""Named places between the durable marks where a test may have this process die or freeze.

`FAULTS="before_dot:10:KILL"` ends the process the tenth time it passes there; STOP freezes it until
somebody sends SIGCONT. Unset, as always in production, a fault point is one look at a variable.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from enum import StrEnum

from paceline.errors import SettingsError

VARIABLE = "FAULTS"
_SIGNALS = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP}
# The event loop may put off a write until its task waits for something: the dot is out only then.
_ON_THE_WIRE_SECONDS = 0.005


class FaultPoint(StrEnum):
    """In the order in which an email passes them."""

    BEFORE_CLAIM = "before_claim"  # its slot is booked, nothing is claimed
    AFTER_CLAIM = "after_claim"  # claimed, nothing begun
    AFTER_354 = "after_354"  # the server waits for the body
    AFTER_BODY = "after_body"  # the body is handed over, nothing is written ahead
    AFTER_WRITE_AHEAD = "after_write_ahead"  # committed; the lease is not looked at yet
    BEFORE_DOT = "before_dot"  # the guard has said yes
    AFTER_DOT = "after_dot"  # out, and no reply: nobody can know
    AFTER_REPLY = "after_reply"  # read, and noted nowhere
    BEFORE_OUTCOME = "before_outcome"  # in the black box, not in the ledger
    AFTER_OUTCOME = "after_outcome"  # on disk; the lane does not know yet


@dataclass(slots=True)
class Fault:
    """What is to happen where, and at which hit (from 1)."""

    point: FaultPoint
    at_hit: int
    signal: signal.Signals
    hits: int = field(default=0, init=False)

    def reached(self, point: FaultPoint) -> None:
        """Strike, if it is time."""
        if point is not self.point:
            return
        self.hits += 1
        if self.hits != self.at_hit:
            return
        if point is FaultPoint.AFTER_DOT:
            asyncio.get_running_loop().call_later(_ON_THE_WIRE_SECONDS, self._strike)
        else:
            self._strike()

    def _strike(self) -> None:
        os.kill(os.getpid(), self.signal)


def parse(text: str | None) -> Fault | None:
    """`point:hit:KILL|STOP`, or nothing at all. Raises `SettingsError`."""
    if not text:
        return None
    point, _, rest = text.partition(":")
    hit, _, name = rest.partition(":")
    known = point in {member.value for member in FaultPoint} and name in _SIGNALS
    if not known or not (hit.isascii() and hit.isdigit()) or int(hit) < 1:
        raise SettingsError(
            f"{VARIABLE} must look like before_dot:10:KILL (or STOP), not {text!r}; the points are "
            + ", ".join(FaultPoint)
        )
    return Fault(FaultPoint(point), int(hit), _SIGNALS[name])


_fault = parse(os.environ.get(VARIABLE))


def faultpoint(point: FaultPoint) -> None:
    """Nothing, unless this point was chosen."""
    if _fault is not None:
        _fault.reached(point)
