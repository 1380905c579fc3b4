"""The only door to `opentelemetry`: traces over OTLP, from a request to a server's reply.

A campaign's trace has the campaign's own id, a single email's the email's: each process knows it
without being told, and whoever looks for it can read it off a page's address. Its first span is
made by the request that let it go, linked to that request's span and linked from there; each
attempt is a child of it, linked to the turn of its lane. ADR 44 has the reasons.

Spans of requests and attempts are made when these are over, so that it is known whether they are
worth telling. That of a turn is begun with it, for its attempts are linked to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Thread

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from paceline.observability.requests import (
    App,
    Message,
    Receive,
    Scope,
    Send,
    is_often,
    request_id,
    words_of,
)
from paceline.observability.tracing import Allowance, Traces, Tracing, Tried, what_is_caused
from paceline.observability.troubles import Trouble

CLOSE_SECONDS = 1.0
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NOWHERE = Context()

log = logging.getLogger(__name__)


class _Ids(RandomIdGenerator):
    """Random ones, but for the first span of a campaign."""

    given: SpanContext | None = None

    def generate_trace_id(self) -> int:
        return self.given.trace_id if self.given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.given.span_id if self.given else super().generate_span_id()


class _Exporter(OTLPSpanExporter):
    """Says once a minute that nobody takes them."""

    def __init__(self, tracing: Tracing) -> None:
        super().__init__(endpoint=tracing.endpoint, headers=dict(tracing.headers))
        self._trouble = Trouble(log, "traces are lost, for the collector does not take them")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self._trouble.over()
        else:
            self._trouble.met("see OTEL_EXPORTER_OTLP_ENDPOINT")
        return result


class _Turn:
    def __init__(self, span: Span) -> None:
        self.span = span
        self.attempts = 0
        self.told = 0


_turn: ContextVar[_Turn | None] = ContextVar("turn", default=None)


class SpanTraces(Traces):
    """Of one process, `part` of an installation."""

    is_on = True

    def __init__(self, tracing: Tracing, *, part: str) -> None:
        self._ratio = tracing.ratio
        self._ids = _Ids()
        resource = Resource.create({"service.name": f"{tracing.service}-{part}"})
        # What is not to be told is not made: the sampler has nothing left to decide.
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False, id_generator=self._ids
        )
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # several lines for each try
        self._provider.add_span_processor(BatchSpanProcessor(_Exporter(tracing)))
        self._tracer = self._provider.get_tracer("paceline")
        self._requests = Allowance()
        # Apart, so that what goes well leaves room for what does not.
        self._sent, self._others = Allowance(), Allowance()

    def of_requests(self, app: App) -> App:
        """Inside of the access log, which knows the request's number."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or is_often(scope["path"]):
                await app(scope, receive, send)
                return
            status, began_at_ns = 0, time.time_ns()

            async def sending(message: Message) -> None:
                nonlocal status
                status = message.get("status", status)
                await send(message)

            with what_is_caused() as caused:
                try:
                    await app(scope, receive, sending)
                finally:
                    let_go = caused if 0 < status < 400 else []
                    with _in_nobodys_way():
                        self._answered(scope, status, began_at_ns, let_go)

        return traced

    @contextmanager
    def turn(self, sender_id: uuid.UUID) -> Iterator[None]:
        """Told if one of its attempts is: most turns only look, and go back to sleep."""
        turn = _Turn(
            self._tracer.start_span(
                "lane turn",
                context=_NOWHERE,
                kind=SpanKind.CONSUMER,
                attributes={"paceline.sender_id": str(sender_id)},
            )
        )
        token = _turn.set(turn)
        try:
            yield
        finally:
            _turn.reset(token)
            if turn.told:
                turn.span.set_attribute("paceline.attempts", turn.attempts)
                turn.span.set_attribute("paceline.attempts_told", turn.told)
                turn.span.end()

    def tried(self, attempt: Tried) -> None:
        """One of the turn that runs, if its campaign is traced and there is room for it."""
        turn = _turn.get()
        if turn is not None:
            turn.attempts += 1
        with _in_nobodys_way():
            self._tell(attempt, turn)

    def _tell(self, attempt: Tried, turn: _Turn | None) -> None:
        first = _first_span(attempt.campaign_id or attempt.email_id)
        allowance = self._sent if attempt.evidence == "sent" else self._others
        if not self._is_traced(first) or not allowance.takes():
            return
        span = self._tracer.start_span(
            "attempt",
            context=set_span_in_context(NonRecordingSpan(first), _NOWHERE),
            kind=SpanKind.CLIENT,
            start_time=attempt.began_at_ns,
            attributes=_attributes_of(attempt),
            links=[Link(turn.span.get_span_context())] if turn is not None else [],
        )
        if attempt.evidence != "sent":
            span.set_status(Status(StatusCode.ERROR, attempt.evidence))
        span.end()
        if turn is not None:
            turn.told += 1

    async def close(self) -> None:
        """Whatever the endpoint does meanwhile: an executor's thread would be waited for."""
        closed, loop = asyncio.Event(), asyncio.get_running_loop()

        def close() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(closed.set)

        Thread(target=close, daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await closed.wait()

    def _answered(
        self, scope: Scope, status: int, began_at_ns: int, caused: list[uuid.UUID]
    ) -> None:
        firsts = {mail_id: _first_span(mail_id) for mail_id in caused}
        traced = {mail: first for mail, first in firsts.items() if self._is_traced(first)}
        parent = _parent_of(scope)
        asked = get_current_span(parent).get_span_context()
        wanted = asked.trace_flags.sampled if asked.is_valid else random.random() < self._ratio
        if not traced and not (wanted and self._requests.takes()):
            return
        method = scope["method"]
        route = "" if status == 404 else words_of(scope["path"])
        span = self._tracer.start_span(
            f"{method} {route}" if route else method,
            context=parent,
            kind=SpanKind.SERVER,
            start_time=began_at_ns,
            attributes={
                "http.request.method": method,
                **({"http.route": route} if route else {}),
                "paceline.request_id": request_id(),
            },
            links=[Link(first) for first in traced.values()],
        )
        if status:
            span.set_attribute("http.response.status_code", status)
        if status == 0 or status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end()
        for mail_id, first in traced.items():
            self._let_go(mail_id, first, by=span.get_span_context())

    def _let_go(self, mail_id: uuid.UUID, first: SpanContext, *, by: SpanContext) -> None:
        self._ids.given = first
        try:
            span = self._tracer.start_span(
                "let go",
                context=_NOWHERE,
                kind=SpanKind.PRODUCER,
                attributes={"paceline.mail_id": str(mail_id)},
                links=[Link(by)],
            )
        finally:
            self._ids.given = None
        span.end()

    def _is_traced(self, first: SpanContext) -> bool:
        """The same in each process. Ids are in the order of time, so not by their own octets."""
        return first.span_id < self._ratio * (1 << 64)


@contextmanager
def _in_nobodys_way() -> Iterator[None]:
    """What goes wrong with a trace must not cost an outcome, nor an answer."""
    try:
        yield
    except Exception:  # foreign code, between a server's reply and its record
        log.exception("a trace is left out")


def _first_span(mail_id: uuid.UUID) -> SpanContext:
    digest = hashlib.blake2b(mail_id.bytes, digest_size=8).digest()
    return SpanContext(
        trace_id=mail_id.int,
        span_id=int.from_bytes(digest) or 1,
        is_remote=True,
        trace_flags=_SAMPLED,
    )


def _parent_of(scope: Scope) -> Context:
    """Of whoever asks, where a `traceparent` came along."""
    carried = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in {b"traceparent", b"tracestate"}
    }
    return TraceContextTextMapPropagator().extract(carried, context=_NOWHERE)


def _attributes_of(attempt: Tried) -> dict[str, str | int]:
    values: dict[str, str | int | None] = {
        "paceline.email_id": str(attempt.email_id),
        "paceline.attempt": attempt.number,
        "paceline.outcome": attempt.evidence,
        "paceline.state": attempt.state,
        "server.address": attempt.server,
        "smtp.phase": attempt.phase,
        "smtp.reply_code": attempt.reply_code,
        "smtp.reply_enhanced": attempt.reply_enhanced,
    }
    return {name: value for name, value in values.items() if value is not None}
