"""A large answer has a turn until its client has taken it: for so long it is in memory.

It waits for that turn when it has given back the one at work, so that slow readers keep no command
of their owner back. Few wait, and not for long: what was read is refused then, and what was done is
answered all the same.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack

from fastapi import Request
from starlette.responses import Response

from paceline.errors import TooMuchAtOnce
from paceline.services.turnstile import Turnstile

UNTIL_SENT = "until_sent"  # its name in a request's state: what ends when the answer is gone
SMALL_OCTETS = 64 * 1024  # a connection takes as many before anybody waits
WAIT_SECONDS = 5.0
RETRY_AFTER_SECONDS = 5
_READING = frozenset({"GET", "HEAD"})
_WITHOUT_BODY = frozenset({204, 304})  # and so without a length (RFC 9110 §8.6)


async def stays_until_sent(
    request: Request, response: Response, owner_id: uuid.UUID, *, downloads: Turnstile
) -> None:
    """Wait for the turn of this answer, which it has until it is gone. Raises `TooMuchAtOnce`."""
    if not _is_large(request, response):
        return
    until_sent: AsyncExitStack = getattr(request.state, UNTIL_SENT)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await until_sent.enter_async_context(downloads.turn(owner_id))
    except (TimeoutError, TooMuchAtOnce):
        if request.method in _READING:
            told = "as many large answers as may be are leaving for you already"
            raise TooMuchAtOnce(told, retry_after_seconds=RETRY_AFTER_SECONDS) from None


def _is_large(request: Request, response: Response) -> bool:
    if request.method == "HEAD" or response.status_code in _WITHOUT_BODY:
        return False
    octets = response.headers.get("content-length")
    return octets is None or int(octets) > SMALL_OCTETS
