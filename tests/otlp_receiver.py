"""A collector on loopback: takes traces as OTLP over HTTP has them, and knows no Paceline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.loopback import LoopbackHttp

PATIENCE_SECONDS = 60  # the machine may have much else to do
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REFUSED = _OK.replace(b"200 OK", b"403 Forbidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A span as it arrived; ids in hex."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    is_error: bool
    seconds: float


@dataclass(kw_only=True)
class OtlpReceiver(LoopbackHttp):
    """What it was told, and the heads of the requests that told it."""

    refuses: bool = False
    is_silent: bool = False  # it takes the connection, and never answers
    spans: list[Told] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def named(self, name: str) -> list[Told]:
        return [span for span in self.spans if span.name == name]

    async def until_asked(self) -> None:
        """Somebody has told it something."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._asked.wait()

    def answer_to(self, head: str, body: bytes) -> bytes | None:
        self.heads.append(head)
        self._asked.set()
        asked = ExportTraceServiceRequest.FromString(body)
        for of_resource in asked.resource_spans:
            service = _values(of_resource.resource.attributes)["service.name"]
            for of_scope in of_resource.scope_spans:
                self.spans += [_told(service, span) for span in of_scope.spans]
        if self.is_silent:
            return None
        return _REFUSED if self.refuses else _OK


def _told(service: str, span: Any) -> Told:
    return Told(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_values(span.attributes),
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        is_error=span.status.code == 2,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
