"""How many connections are kept for a sender that has no turn: as its cap over all workers allows.

Its next turn may be another worker's, which opens as many as the cap says. What is still kept here
then is too much for the server. Alone, a worker keeps what it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Neighbours:
    """One per worker process; the roll of workers says what it hears."""

    let_go_of_all: Callable[[], None]  # connections that are idle
    others: int | None = None  # None: nobody knows, so there may be some

    def heard(self, others: int | None) -> None:
        """So many others live."""
        if self.others == 0 and others != 0:
            self.let_go_of_all()
        self.others = others

    def kept(self, *, most: int, one_at_a_time: bool) -> int | None:
        """For a sender that may have `most`, after its turn. None: all of them.

        One that sends one email at a time would log in for each of them: every worker keeps one
        connection of it, where that fits under the cap.
        """
        if self.others == 0:
            return None
        fits = self.others is not None and self.others < most
        return 1 if one_at_a_time and fits else 0
