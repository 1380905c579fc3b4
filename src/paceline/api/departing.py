"""A large answer has a turn until its client has taken it: for so long it is in memory.

It gets that turn while its request still has the one at work, so that no more are made than can go.
"""

from __future__ import annotations

import uuid
from contextlib import AsyncExitStack

from fastapi import Request
from starlette.responses import Response

from paceline.services.turnstile import Turnstile

UNTIL_SENT = "until_sent"  # its name in a request's state: what ends when the answer is gone
SMALL_OCTETS = 64 * 1024  # a connection takes as many before anybody waits


async def stays_until_sent(
    request: Request, response: Response, owner_id: uuid.UUID, *, downloads: Turnstile
) -> None:
    """Wait for the turn of this answer, which it has until it is gone."""
    octets = response.headers.get("content-length")
    if octets is not None and int(octets) <= SMALL_OCTETS:
        return
    until_sent: AsyncExitStack = getattr(request.state, UNTIL_SENT)
    await until_sent.enter_async_context(downloads.turn(owner_id, patient=True))
