"""A worker's own `/healthz`, `/readyz` and `/metrics`, for whoever watches its process.

HTTP as far as a probe needs it: one request per connection, read within bounds, answered, closed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from paceline.bootstrap.metrics import Metrics, Readers
from paceline.bootstrap.readiness import probes_of
from paceline.engine.queue import LaneQueue, connect
from paceline.errors import Conflict
from paceline.observability.exposition import CONTENT_TYPE
from paceline.observability.figures import Figures
from paceline.observability.probing import answer_of
from paceline.persistence.database import Database
from paceline.settings import Settings

READ_SECONDS = 5.0
MAX_HEAD_OCTETS = 8 * 1024

log = logging.getLogger(__name__)

Probes = Mapping[str, Callable[[], Awaitable[None]]]


@asynccontextmanager
async def health_check(settings: Settings, figures: Figures | None = None) -> AsyncIterator[None]:
    """Answers on PACELINE_HOST and PACELINE_HEALTH_PORT for the length of a block, if that is set.

    It has connections of its own: what the lanes wait for must not keep it waiting.
    """
    port = settings.worker.health_port
    if port is None:
        yield
        return
    async with AsyncExitStack() as stack:
        database = Database.of(settings.database, pool_size=1)
        stack.push_async_callback(database.close)
        redis = connect(settings.redis.url)
        stack.push_async_callback(redis.aclose)
        probes = probes_of(database, LaneQueue(redis), settings)
        readers = Readers.of_worker(settings.api)
        answers = _Answers(probes, Metrics(figures or Figures(), readers=readers, probes=probes))
        try:
            server = await asyncio.start_server(
                answers.one, settings.api.host, port, limit=MAX_HEAD_OCTETS
            )
        except OSError as error:
            where = f"{settings.api.host}, port {port}"
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            told = f"PACELINE_HEALTH_PORT: cannot listen on {where}: {why}; choose another"
            raise Conflict(told) from error
        async with server:
            log.info("health checks are answered on %s, port %d", settings.api.host, port)
            yield


class _Answers:
    def __init__(self, probes: Probes, metrics: Metrics) -> None:
        self._probes = probes
        self._metrics = metrics

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, answer it, hang up."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            status, kind, content = await self._answer(head)
            writer.write(
                b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
                b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
                % (status, status.phrase.encode(), kind.encode(), len(content))
            )
            writer.write(content)
            async with asyncio.timeout(READ_SECONDS):
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # no request, or nobody who waits for the answer
        finally:
            writer.close()

    async def _answer(self, head: bytes) -> tuple[HTTPStatus, str, bytes]:
        """Status, type and content."""
        match head.split(b" ", 2)[1:2]:
            case [b"/healthz"]:
                return _json(HTTPStatus.OK, {"status": "ok"})
            case [b"/readyz"]:
                checks = {name: await answer_of(probe) for name, probe in self._probes.items()}
                if all(found == "ok" for found in checks.values()):
                    return _json(HTTPStatus.OK, {"status": "ready", "checks": checks})
                not_ready = {"status": "not ready", "checks": checks}
                return _json(HTTPStatus.SERVICE_UNAVAILABLE, not_ready)
            case [b"/metrics"]:
                names = (b"authorization", b"host")
                told = await self._metrics.read(*(_header(head, name) for name in names))
                if isinstance(told, bytes):
                    return HTTPStatus.OK, CONTENT_TYPE, told
                return _json(HTTPStatus(told), {"status": "closed: see PACELINE_METRICS_TOKEN"})
        return _json(HTTPStatus.NOT_FOUND, {"status": "there is only /healthz, /readyz, /metrics"})


def _json(status: HTTPStatus, body: object) -> tuple[HTTPStatus, str, bytes]:
    return status, "application/json", json.dumps(body).encode()


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        before, _, value = line.partition(b":")
        if before.strip().lower() == name:
            return value.strip().decode("latin-1")
    return ""
