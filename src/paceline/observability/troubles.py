"""A trouble that lasts: a line when it begins, one a minute while it lasts, one when it ends.

A Redis that is full, or a database that is away, is met by every turn of every lane; ten lines a
second say no more than one.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from paceline import clock
from paceline.errors import OperationalError

T = TypeVar("T")

_log = logging.getLogger(__name__)

SAY_AGAIN_SECONDS = 60.0
# What goes well between two failures ends nothing: half of a system may be away.
QUIET_SECONDS = 5.0
# What is met by requests, and not by a loop, may be met a while later again.
QUIET_FOR_REQUESTS_SECONDS = 30.0


class Trouble:
    """One kind of it, in one process. `now` measures seconds."""

    def __init__(
        self,
        log: logging.Logger,
        what: str,
        *,
        quiet_seconds: float | None = None,
        now: Callable[[], float] = clock.boottime,
    ) -> None:
        self._log = log
        self._what = what
        self._quiet_seconds = QUIET_SECONDS if quiet_seconds is None else quiet_seconds
        self._now = now
        self._began_at: float | None = None
        self._said_at = 0.0
        self._met_at = 0.0
        self._times = 0

    @property
    def lasts(self) -> bool:
        return self._began_at is not None

    def met(self, why: object, *, trace: BaseException | None = None) -> None:
        """It is there, or still there. `trace`: of a bug, which is to be found."""
        self._met_at = now = self._now()
        self._times += 1
        if self._began_at is None:
            self._began_at = self._said_at = now
            self._log.warning("%s: %s", self._what, why, exc_info=trace)
        elif now - self._said_at >= SAY_AGAIN_SECONDS:
            self._said_at = now
            seconds = now - self._began_at
            self._log.warning(
                "%s, still, after %.0f s and %d times: %s",
                self._what,
                seconds,
                self._times,
                why,
                exc_info=trace,
            )

    def over(self) -> None:
        """It went well. Cheap where there was no trouble."""
        if self._began_at is None or self._now() - self._met_at < self._quiet_seconds:
            return
        self._log.warning(
            "%s: over after %.0f s, met %d times",
            self._what,
            self._met_at - self._began_at,
            self._times,
        )
        self._began_at, self._times = None, 0


class Faults:
    """Bugs that are met again and again, each kind of error as a trouble of its own."""

    def __init__(
        self, log: logging.Logger, what: str, *, now: Callable[[], float] = clock.boottime
    ) -> None:
        self._log = log
        self._what = what
        self._now = now
        self._kinds: dict[type[BaseException], Trouble] = {}

    def met(self, error: BaseException, *, about: str = "") -> None:
        """With its traceback, where it is told, and what it was met at."""
        kind = type(error)
        if kind not in self._kinds:
            self._kinds[kind] = Trouble(
                self._log, self._what, quiet_seconds=SAY_AGAIN_SECONDS, now=self._now
            )
        told = f"{about}: {kind.__name__}" if about else kind.__name__
        self._kinds[kind].met(f"{told}: {error}", trace=error)

    def over(self) -> None:
        """It went well, for somebody; a kind is over when it was not met for a minute."""
        for trouble in self._kinds.values():
            trouble.over()


class Beside:
    """What goes on beside all that a process is for: a failure of it is told, and no more."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._trouble = Trouble(log, what)
        self._faults = Faults(log, f"a fault of ours: {what}")

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """What comes of it; None where it failed."""
        try:
            done = await work()
        except OperationalError as error:
            self._trouble.met(error)
        except Exception as error:  # noqa: BLE001 - whatever becomes of it
            self._faults.met(error)
        else:
            self._trouble.over()
            self._faults.over()
            return done
        return None


def of_requests(log: logging.Logger, what: str) -> Trouble:
    """One that nobody would meet if nobody asked."""
    return Trouble(log, what, quiet_seconds=QUIET_FOR_REQUESTS_SECONDS)


def unanswered() -> Trouble:
    """For what requests of people and programs stand on."""
    return of_requests(_log, "requests are not carried out, or their answers lost")


def silent_provider() -> Trouble:
    """For who vouches for people, and for their mailboxes."""
    return of_requests(_log, "a provider does not answer")
