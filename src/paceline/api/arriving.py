"""A request's turn begins when its body has arrived: what its owner still sends keeps nothing back.

A small body is read before the turn. A large one arrives in a turnstile of its own, which bounds
how many of them are in memory at once, and takes its turn with its last octet.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from paceline.services.turnstile import Turnstile

ARRIVAL = "arrival"  # its name in a request's state
SMALL_OCTETS = 64 * 1024  # a connection holds as many before anybody reads


class Arrival:
    """How far a request's body has come, as it is on the wire."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        self.is_small = (
            "content-encoding" not in headers
            and "transfer-encoding" not in headers
            and declared.isdecimal()
            and int(declared) <= SMALL_OCTETS
        )
        self.is_over = self.is_small and int(declared) == 0
        self._receive = receive
        self._at_its_end: Callable[[], Awaitable[Any]] | None = None

    async def receive(self) -> Message:
        """The next of it, and what was asked for with the last one."""
        message = await self._receive()
        if not self.is_over and not message.get("more_body", False):
            self.is_over = True
            if self._at_its_end is not None and message["type"] == "http.request":
                await self._at_its_end()
        return message

    def at_its_end(self, then: Callable[[], Awaitable[Any]]) -> None:
        """What is awaited before the last of the body is handed on."""
        self._at_its_end = then


@asynccontextmanager
async def turn_of(
    request: Request, owner_id: uuid.UUID, *, work: Turnstile, uploads: Turnstile
) -> AsyncIterator[None]:
    """This request's turn at work, which it has once its body is there. Raises `TooMuchAtOnce`."""
    arrival: Arrival = getattr(request.state, ARRIVAL)
    if arrival.is_small and not arrival.is_over:
        await request.body()  # kept by the request for whoever reads it
    async with AsyncExitStack() as turns:
        if arrival.is_over:
            await turns.enter_async_context(work.turn(owner_id))
        else:
            await turns.enter_async_context(uploads.turn(owner_id))
            then = work.turn(owner_id, patient=True)  # no more of these than uploads has turns
            arrival.at_its_end(lambda: turns.enter_async_context(then))
        yield
