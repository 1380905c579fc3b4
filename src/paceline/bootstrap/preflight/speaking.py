"""Whether a Redis that gives no answer would, if it were asked with TLS, or without.

One that speaks the other way hangs up, or waits for ever: by itself that looks like one that is
away, and no waiting would mend it. Nothing secret is said here, and no certificate is checked.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

ANSWER_SECONDS = 3
_PORT = 6379


async def other_scheme(url: str) -> str | None:
    """`rediss` or `redis`: the one that the server at this address of the other kind understands.

    None: neither, or not for certain.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"}:
        return None
    host, port = parts.hostname or "localhost", parts.port or _PORT
    with suppress(OSError, TimeoutError, UnicodeError):
        async with asyncio.timeout(ANSWER_SECONDS):
            if parts.scheme == "redis":
                return "rediss" if await _answers(host, port, _any_certificate()) else None
            return "redis" if await _answers(host, port, None) else None
    return None


async def _answers(host: str, port: int, tls: ssl.SSLContext | None) -> bool:
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        writer.write(b"PING\r\n")
        await writer.drain()
        return (await reader.readline())[:1] in {b"+", b"-"}
    finally:
        writer.close()


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
