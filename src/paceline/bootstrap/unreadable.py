"""What is no HTTP is refused, and ends its connection. A stranger who sends it by the thousand gets
no line in the log for each.
"""

from __future__ import annotations

import logging
import sys

import h11

from paceline.bootstrap.taking import TakenInTime
from paceline.observability.troubles import Trouble, of_requests

_SERVERS_OWN = logging.getLogger("uvicorn.error")
_ITS_LINE = "Invalid HTTP request received."

log = logging.getLogger(__name__)


def _all_but_its_line(record: logging.LogRecord) -> bool:
    return record.msg != _ITS_LINE


_SERVERS_OWN.addFilter(_all_but_its_line)


class NothingUnreadable(TakenInTime):
    """Tells of what cannot be read as a trouble, which lasts or does not."""

    trouble: Trouble = of_requests(log, "connections bring what is no HTTP")

    def send_400_response(self, msg: str) -> None:
        """Say so, where an answer is still to be given."""
        who = self.client[0] if self.client else "somebody"
        what = str(sys.exception()).partition(":")[0]  # without the octets
        self.trouble.met(f"{what}, from {who}")
        if self.cycle is not None:
            self.cycle.disconnected = True  # its request has no end, and so no other answer
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()
            self._watch()

    def on_response_complete(self) -> None:
        """Somebody is understood."""
        super().on_response_complete()
        self.trouble.over()

    def _should_upgrade(self) -> bool:
        return False  # nothing is offered, and nobody has to know who asked
