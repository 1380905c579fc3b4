"""One owner who does what they can to hold everybody else up, in a process of their own.

Run as `python -m tests.hostile URL KEY SENDER [WAY…]`: prints a line when each way was done once,
and goes on with all of them until it is ended; then how often each of them was done, as JSON.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx2

NOBODY = "0190a5d0-0000-7000-8000-000000000000"
JSON, CSV = {"Content-Type": "application/json"}, {"Content-Type": "text/csv"}
FIELDS = {f"field{n}": "value " * 3 for n in range(5)}
RECIPIENTS = [{"email": f"user{n}@example.org", "fields": FIELDS} for n in range(15_000)]
LIST = "email,name\n" + "".join(f"user{n}@example.org,User {n}\n" for n in range(30_000))
SLOW = (
    "{% for a in '" + "x" * 1_000 + "' %}{% for b in name %}{{ a }}{{ b }}{% endfor %}{% endfor %}"
)
LONGEST_NAME = 6  # letters: with one more it takes too long to be taken in
MANY = "".join(f"{{% if f{n} %}}{{{{ f{n} }}}}{{% endif %}}" for n in range(1_000))
MESSAGE = {"sender_id": NOBODY, "subject": "S", "text": "T"}
LARGE = json.dumps({**MESSAGE, "recipients": RECIPIENTS}).encode()
NESTED = json.dumps({**MESSAGE, "recipients": [[[]] * 200_000]}).encode()
STALLED = 20  # connections that a way of holding some has open


class Hostile:
    """The owner, and what they do."""

    def __init__(self, client: httpx2.AsyncClient, url: str, key: str, sender: str) -> None:
        self.client = client
        self.done: Counter[str] = Counter()
        self.sender = sender
        self._key = key
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port

    async def post(self, path: str, body: bytes | None = None, **headers: str) -> httpx2.Response:
        given = {"Authorization": f"Bearer {self._key}", **headers}
        return await self.client.post(f"/api/v1{path}", content=body, headers=given)

    async def draft(self, **values: object) -> str:
        message = {**MESSAGE, "sender_id": self.sender, **values}
        made = await self.post("/campaigns", json.dumps(message).encode(), **JSON)
        return str(made.json()["id"])

    async def large_json(self) -> None:
        for body in (LARGE, NESTED):
            await self.post("/campaigns", body, **JSON)

    async def packed_json(self) -> None:
        await self.post("/campaigns", gzip.compress(LARGE), **JSON, **{"Content-Encoding": "gzip"})

    async def bodies_under_a_key(self) -> None:
        key = {"Idempotency-Key": f"k{self.done['bodies_under_a_key']}"}
        await asyncio.gather(*(self.post("/campaigns", LARGE, **JSON, **key) for _ in range(4)))

    async def templates(self) -> None:
        for text in (SLOW, MANY, "{{ name }}" * 5_000, '{{ "\\"\\"' * 2_000):
            body = json.dumps({**MESSAGE, "text": text}).encode()
            await self.post("/campaigns", body, **JSON)

    async def slow_emails(self) -> None:
        name = "x" * LONGEST_NAME
        people = [{"email": f"user{n}@example.org", "name": name} for n in range(20)]
        campaign = await self.draft(text=SLOW, recipients=people)
        await self.post(f"/campaigns/{campaign}/launch")

    async def lists(self) -> None:
        await self.post("/recipients/preview", LIST.encode(), **CSV)

    async def imports(self) -> None:
        campaign = await self.draft()
        path = f"/campaigns/{campaign}"
        importing = self.post(f"{path}/recipients", LIST.encode(), **CSV)
        await asyncio.gather(importing, *(self.post(f"{path}/pause") for _ in range(40)))

    async def checks(self) -> None:
        async with await asyncio.start_server(_silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            account = {"name": "Tarpit", "from_address": "a@example.com", "smtp_port": port}
            more = {"smtp_host": "127.0.0.1", "smtp_security": "none"}
            made = await self.post("/senders", json.dumps({**account, **more}).encode(), **JSON)
            path = f"/senders/{made.json()['id']}/verify"
            asked = [asyncio.create_task(self.post(path)) for _ in range(STALLED)]
            await asyncio.wait(asked, timeout=2)
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def unread_answers(self) -> None:
        ask = f"GET /api/v1/emails/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}"
        await self._stalled(ask.encode() + b"\r\n\r\n")

    async def slow_requests(self) -> None:
        ask = f"POST /api/v1/campaigns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\n"
        await self._stalled(ask.encode() + b"Content-Length: 7000000\r\n\r\n[")

    async def strangers(self) -> None:
        refused = [
            self.client.post("/api/v1/campaigns", content=LARGE, headers=JSON) for _ in range(4)
        ]
        await asyncio.gather(*refused)

    async def strangers_heads(self) -> None:
        await self.client.get("/" + "a" * 60_000)
        await self.client.get("/login", headers={f"X-{n}": "x" for n in range(3_000)})

    async def strangers_forms(self) -> None:
        body = b"token=" + b"a" * 5_000_000
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        await self.client.post("/auth/link", content=body, headers=kind)

    async def _stalled(self, request: bytes) -> None:
        """Connections on which nothing goes on, for two seconds."""
        connected = []
        for _ in range(STALLED):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            one.connect((self._host, self._port))
            one.sendall(request)
            connected.append(one)
        await asyncio.sleep(2)
        for one in connected:
            one.close()

    async def again_and_again(self, way: Callable[[], Awaitable[None]]) -> None:
        name = way.__name__
        while True:
            try:
                await way()
                self.done[name] += 1
                if self.done[name] == 1:
                    print(name, flush=True)
            except (httpx2.HTTPError, KeyError, OSError):
                await asyncio.sleep(0.05)  # refused, or cut off: that is how it is held off


WAYS: tuple[Callable[[Hostile], Awaitable[None]], ...] = (
    *(Hostile.large_json, Hostile.packed_json, Hostile.bodies_under_a_key, Hostile.templates),
    *(Hostile.slow_emails, Hostile.lists, Hostile.imports, Hostile.checks),
    *(Hostile.unread_answers, Hostile.slow_requests, Hostile.strangers),
    *(Hostile.strangers_heads, Hostile.strangers_forms),
)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def main(url: str, key: str, sender: str, *only: str) -> None:
    async with httpx2.AsyncClient(base_url=url, timeout=120) as client:
        hostile = Hostile(client, url, key, sender)
        trying = [
            asyncio.create_task(hostile.again_and_again(getattr(hostile, way.__name__)))
            for way in WAYS
            if not only or way.__name__ in only
        ]
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()
        for task in trying:
            task.cancel()
        await asyncio.gather(*trying, return_exceptions=True)
        print(json.dumps(hostile.done), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
