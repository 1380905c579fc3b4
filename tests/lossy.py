"""A proxy on this machine that loses answers: the server does its work, and nobody is told.

It knows just enough of HTTP to tell which request an answer is for. What is lost is lost with the
connection, as by a load balancer that is restarted or a laptop that changes its network.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

_REQUEST = re.compile(rb"(?:^|\n)(GET|POST|PATCH|DELETE) (/[^ ]*) HTTP/1\.1\r\n")
_CHUNK_OCTETS = 256 * 1024
_AWAY = '{"detail": "turned away"}'


class Fate(Enum):
    """What becomes of a request."""

    PASSES = "passes"
    ANSWER_LOST = "the server did it, and its answer is lost"
    REQUEST_LOST = "it never got there"


# Of method and path. What is no fate is the answer of somebody in between, who asks no server.
Judge = Callable[[str, str], Fate | bytes]


def turned_away(status: int, *headers: str) -> bytes:
    """The answer of whoever stands at the door."""
    lines = (f"HTTP/1.1 {status} No", f"Content-Length: {len(_AWAY)}", *headers, "", _AWAY)
    return "\r\n".join(lines).encode()


def _all_pass(_method: str, _path: str) -> Fate:
    return Fate.PASSES


class LossyProxy:
    """Between a client and the server at `port`. `judge` decides, and may be changed meanwhile."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._serving: set[asyncio.Task[None]] = set()
        self.judge: Judge = _all_pass
        self.seen: list[tuple[str, str]] = []

    async def __aenter__(self) -> LossyProxy:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # the connections end with the loop's next turn

    @property
    def url(self) -> str:
        return f"http://localhost:{self._listener.sockets[0].getsockname()[1]}"

    def lose_once_each(self, fate: Fate = Fate.ANSWER_LOST) -> None:
        """Lose the first answer to every request, by method and path, and no other."""
        lost: set[tuple[str, str]] = set()

        def judge(method: str, path: str) -> Fate:
            if (method, path) in lost:
                return Fate.PASSES
            lost.add((method, path))
            return fate

        self.judge = judge

    def lose(
        self, ending: str, fate: Fate | bytes = Fate.ANSWER_LOST, *then: bytes, method: str = "POST"
    ) -> None:
        """Lose every one to paths that end so, or what comes `then`; the last goes for the rest."""
        fates = [fate, *then]

        def judge(asked: str, path: str) -> Fate | bytes:
            is_it = asked == method and path.partition("?")[0].endswith(ending)
            if not is_it:
                return Fate.PASSES
            return fates.pop(0) if len(fates) > 1 else fates[0]

        self.judge = judge

    def cut_off(
        self,
        ending: str,
        fate: Fate,
        then: Fate | bytes = Fate.REQUEST_LOST,
        *,
        method: str = "POST",
    ) -> None:
        """Lose the first one to a path that ends so; from then on that is what all get."""
        is_cut = False

        def judge(asked: str, path: str) -> Fate | bytes:
            nonlocal is_cut
            if is_cut:
                return then
            is_cut = asked == method and path.partition("?")[0].endswith(ending)
            return fate if is_cut else Fate.PASSES

        self.judge = judge

    def let_all_pass(self) -> None:
        self.judge = _all_pass

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        # Even when it never came to its first step.
        serving.add_done_callback(lambda _: _hang_up(writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", self._server_port)
        fates: list[Fate | bytes] = [Fate.PASSES]
        forth = asyncio.create_task(self._requests(reader, to_there, writer, fates))
        back = asyncio.create_task(_answers(there, writer, fates))
        try:
            await asyncio.wait({forth, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            _hang_up(to_there)
            for pump in (forth, back):
                pump.cancel()
            await asyncio.gather(forth, back, return_exceptions=True)

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        fates: list[Fate | bytes],
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK_OCTETS):
                found = _REQUEST.findall(data)
                for method, path in found:
                    self.seen.append((method.decode(), path.decode()))
                    fates[0] = self.judge(method.decode(), path.decode())
                if fates[0] is Fate.REQUEST_LOST:
                    return
                if isinstance(fates[0], bytes):
                    for _ in found:
                        back.write(fates[0])
                    continue
                writer.write(data)
                await writer.drain()


def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    writer.close()


async def _answers(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fates: list[Fate | bytes]
) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK_OCTETS):
            if fates[0] is Fate.ANSWER_LOST:
                return
            writer.write(data)
            await writer.drain()
