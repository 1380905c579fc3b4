"""What a command leaves behind, and a server on a real port for it to talk to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from paceline.bootstrap.server import application
from paceline.bootstrap.use_cases import use_cases
from paceline.settings import Settings


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str
    error: BaseException | None


Paceline = Callable[..., Awaitable[Ran]]


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[int]:
    """The port of API and pages."""
    with socket.create_server(("127.0.0.1", 0)) as listening:  # who comes early waits in line
        async with use_cases(settings) as cases:
            config = uvicorn.Config(
                application(cases, settings), lifespan="off", log_config=None, access_log=False
            )
            server = uvicorn.Server(config)
            task = asyncio.create_task(server.serve(sockets=[listening]))
            yield int(listening.getsockname()[1])
            server.should_exit = True
            await task
