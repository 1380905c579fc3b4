"""An SMTP server that takes everything as fast as Python can, in a process of its own.

Run as `python -m bench.sink`: prints its port, then counts. A line on its standard input makes it
print how many it has taken. It offers PIPELINING and does what RFC 5321 asks of it, no more.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._buffer = b""
        self._in_data = False
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies = []
        while True:
            if self._in_data:
                end = self._buffer.find(END)
                if end < 0:
                    break
                self._buffer = self._buffer[end + len(END) :]
                self._in_data = False
                Sink.taken += 1
                replies.append(b"250 2.0.0 taken\r\n")
                continue
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                break
            self._buffer = rest
            replies.append(self._answer(line[:4].upper()))
        if replies:
            self._transport.write(b"".join(replies))

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n"
        if verb == b"DATA":
            self._in_data = True
            return b"354 go on\r\n"
        if verb == b"QUIT":
            return b"221 bye\r\n"
        return b"250 ok\r\n"


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(Sink.taken, flush=True)


if __name__ == "__main__":
    uvloop.run(main())
