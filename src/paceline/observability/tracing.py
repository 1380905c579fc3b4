"""What a process tells of its own work as traces: nothing, where no endpoint is set.

The only door to OpenTelemetry is `spans.py`, imported where there is an endpoint. Here is what the
parts that are traced say, in plain values; none of it is anybody's address, name or text.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from paceline import clock
from paceline.observability.requests import App

MAX_CAUSED = 16  # of one request, that are told
# Of each kind, in one process, whatever the rate of sending: the exporter's queue holds 2,048.
MAX_PER_SECOND = 50

log = logging.getLogger(__name__)

_caused: ContextVar[list[uuid.UUID] | None] = ContextVar("caused", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Where traces are told, and how many: `ratio` of all requests and of all campaigns."""

    endpoint: str  # of traces, the path too
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ratio: float = 1.0
    service: str = "paceline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt, from the message that was made to the server's reply."""

    email_id: uuid.UUID
    campaign_id: uuid.UUID | None
    number: int
    began_at_ns: int  # by the wall clock
    server: str
    evidence: str  # how it ended
    state: str  # what becomes of the email
    phase: str | None
    reply_code: int | None
    reply_enhanced: str | None


class Allowance:
    """So many in each second."""

    def __init__(self) -> None:
        self._second = 0
        self._left = 0

    def takes(self) -> bool:
        second = int(clock.boottime())
        if second != self._second:
            self._second, self._left = second, MAX_PER_SECOND
        self._left -= 1
        return self._left >= 0


class Traces:
    """Tells nobody. `spans.SpanTraces` tells."""

    is_on = False

    def of_requests(self, app: App) -> App:
        """`app`, each of its requests a span."""
        return app

    @contextmanager
    def turn(self, sender_id: uuid.UUID) -> Iterator[None]:
        """A lane's turn, whose attempts are those that are told within."""
        yield

    def tried(self, attempt: Tried) -> None:
        """An attempt that ended just now."""

    async def close(self) -> None:
        """Tell what is left, for a second at most."""


NO_TRACES = Traces()


def traces_of(tracing: Tracing | None, *, part: str) -> Traces:
    """Those of one process. Without their library a line says so, and all else works."""
    if tracing is None:
        return NO_TRACES
    try:
        from paceline.observability.spans import SpanTraces  # noqa: PLC0415 - off: not imported
    except ImportError:
        log.warning(
            "no traces are told, for OpenTelemetry is not installed: pip install 'paceline[otel]'"
        )
        return NO_TRACES
    return SpanTraces(tracing, part=part)


def causes(mail_id: uuid.UUID) -> None:
    """The request that is being answered lets this campaign, or single email, go."""
    caused = _caused.get()
    if caused is not None and len(caused) < MAX_CAUSED:
        caused.append(mail_id)


@contextmanager
def what_is_caused() -> Iterator[list[uuid.UUID]]:
    """Within it, `causes` is noted here."""
    caused: list[uuid.UUID] = []
    token = _caused.set(caused)
    try:
        yield caused
    finally:
        _caused.reset(token)
