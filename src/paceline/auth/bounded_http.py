"""HTTP to others, bounded: no redirects, only so many octets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import cache

import httpx2


class AnswerTooLarge(httpx2.TransportError):
    """The answer is past the bound; nobody reads on."""


class Bounded(httpx2.AsyncBaseTransport):
    """Reads an answer up to a bound."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inner = httpx2.AsyncHTTPTransport(verify=_context())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # Unpacked, a small answer could be a large one.
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise AnswerTooLarge("the answer is packed")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        stream = _Counted(response.stream, self._most)
        return httpx2.Response(
            status_code=response.status_code,
            headers=response.headers,
            stream=stream,
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > self._most:
                raise AnswerTooLarge(f"the answer has more than {self._most} octets")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
