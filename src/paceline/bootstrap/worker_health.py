"""A worker's own `/healthz` and `/readyz`, for whoever watches its process.

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

from paceline.bootstrap.readiness import probes_of
from paceline.engine.queue import LaneQueue, connect
from paceline.errors import Conflict
from paceline.observability.probing import answer_of
from paceline.persistence.database import Database
from paceline.settings import Settings

READ_SECONDS = 5.0
MAX_HEAD_OCTETS = 8 * 1024

log = logging.getLogger(__name__)

Probes = Mapping[str, Callable[[], Awaitable[None]]]


@asynccontextmanager
async def health_check(settings: Settings) -> AsyncIterator[None]:
    """Answers on PACELINE_HOST and PACELINE_HEALTH_PORT for the length of a block, if that is set.

    It has connections of its own: what the lanes wait for must not keep it waiting.
    """
    port = settings.worker.health_port
    if port is None:
        yield
        return
    async with AsyncExitStack() as stack:
        database = Database(settings.database.url, pool_size=1)
        stack.push_async_callback(database.close)
        redis = connect(settings.redis.url)
        stack.push_async_callback(redis.aclose)
        answers = _Answers(probes_of(database, LaneQueue(redis), settings))
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
    def __init__(self, probes: Probes) -> None:
        self._probes = probes

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, answer it, hang up."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            status, body = await self._answer(head.split(b" ", 2)[1:2])
            content = json.dumps(body).encode()
            writer.write(
                b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
                % (status, status.phrase.encode(), len(content))
            )
            writer.write(content)
            async with asyncio.timeout(READ_SECONDS):
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # no request, or nobody who waits for the answer
        finally:
            writer.close()

    async def _answer(self, path: list[bytes]) -> tuple[HTTPStatus, dict[str, object]]:
        match path:
            case [b"/healthz"]:
                return HTTPStatus.OK, {"status": "ok"}
            case [b"/readyz"]:
                checks = {name: await answer_of(probe) for name, probe in self._probes.items()}
                if all(found == "ok" for found in checks.values()):
                    return HTTPStatus.OK, {"status": "ready", "checks": checks}
                return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready", "checks": checks}
        return HTTPStatus.NOT_FOUND, {"status": "there is only /healthz and /readyz"}
