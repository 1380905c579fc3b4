"""One owner takes up neither the servers' descriptors nor the database's connections."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import islice
from typing import Any

import pytest

from paceline.api import ApiParts, create_api, departing
from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns as store
from paceline.services.senders import MAX_CHECKS
from paceline.services.turnstile import MAX_REQUESTS, MAX_UPLOADS, Turnstile
from tests.integration.api.conftest import SENDER, Client
from tests.world import World


class Tarpit:
    """A server that takes connections and never says a word."""

    def __init__(self) -> None:
        self.port = 0
        self.open = 0
        self._changed = asyncio.Condition()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._count(1)
        await reader.read()
        await self._count(-1)
        writer.close()

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.open += change
            self._changed.notify_all()

    async def until(self, connections: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.open == connections)


class Queue:
    """How many have come to wait for a turn, at each turnstile."""

    def __init__(self) -> None:
        self._come: Counter[Turnstile] = Counter()
        self._changed = asyncio.Event()

    def count(self, turnstile: Turnstile) -> None:
        """At once: a turn that is free by now would never be handed on."""
        self._come[turnstile] += 1
        self._changed.set()

    async def until(self, count: int, *, at: Turnstile) -> None:
        while self._come[at] < count:
            self._changed.clear()
            await self._changed.wait()
        assert self._come[at] == count


def asked_by(client: Client, method: str, path: str) -> dict[str, Any]:
    """A request as a server hands it on, for a test that has both ends of it."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {client.key}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("paceline.test", 80),
        "scheme": "http",
    }


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue, wait = Queue(), Turnstile._wait

    async def waiting(self: Turnstile, *arguments: Any, **more: Any) -> None:
        queue.count(self)
        await wait(self, *arguments, **more)

    monkeypatch.setattr(Turnstile, "_wait", waiting)
    return queue


@pytest.fixture
async def tarpit() -> AsyncIterator[Tarpit]:
    tarpit = Tarpit()
    server = await asyncio.start_server(tarpit.connected, "127.0.0.1", 0)
    tarpit.port = server.sockets[0].getsockname()[1]
    async with server:
        yield tarpit


async def test_one_owners_checks_of_silent_servers_are_few_and_others_have_theirs(
    ann: Client, bob: Client, tarpit: Tarpit
) -> None:
    sender = await ann.sender(smtp_port=tarpit.port)
    asked = [asyncio.create_task(ann.post(f"/senders/{sender['id']}/verify")) for _ in range(30)]
    await tarpit.until(MAX_CHECKS)
    refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    answer = refused.pop().result()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "20")
    theirs = await bob.sender(smtp_port=tarpit.port)
    checking = asyncio.create_task(bob.post(f"/senders/{theirs['id']}/verify"))
    await tarpit.until(MAX_CHECKS + 1)
    for task in (*asked, checking):
        task.cancel()
    await asyncio.gather(*asked, checking, return_exceptions=True)


async def test_a_check_ends_when_nobody_waits_for_it_any_more(
    ann: Client, parts: ApiParts, tarpit: Tarpit
) -> None:
    sender = await ann.sender(smtp_port=tarpit.port)
    left = asyncio.Event()
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = asked_by(ann, "POST", f"/api/v1/senders/{sender['id']}/verify")
    asking = asyncio.create_task(create_api(parts)(scope, receive, send))  # type: ignore[arg-type]
    await tarpit.until(1)
    left.set()
    await tarpit.until(0)
    await asking


async def test_a_test_goes_to_nobody_who_is_suppressed(ann: Client, tarpit: Tarpit) -> None:
    sender = await ann.sender(smtp_port=tarpit.port)
    made = await ann.post("/suppressions", {"addresses": ["Gone@Example.com"]})
    assert made.status_code < 300, made.text
    answer = await ann.post(f"/senders/{sender['id']}/test", {"to": "gone@example.com"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "to")
    assert tarpit.open == 0


async def test_a_command_gives_up_waiting_for_another_one_about_the_same_campaign(
    ann: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await ann.campaign()
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 1)
    async with database.transaction() as session:
        await store.take_turns(session, uuid.UUID(campaign["id"]))
        answer = await ann.post(f"/campaigns/{campaign['id']}/launch")
    assert answer.status_code == 409
    assert "at work" in answer.json()["detail"]
    assert "Retry-After" in answer.headers


async def test_one_owners_waiting_commands_leave_the_database_to_others(
    ann: Client, bob: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 60)  # until all of them have come
    campaign = await ann.campaign()
    async with AsyncExitStack() as held:
        session = await held.enter_async_context(database.transaction())
        await store.take_turns(session, uuid.UUID(campaign["id"]))
        path = f"/campaigns/{campaign['id']}/launch"
        asked = [asyncio.create_task(ann.post(path)) for _ in range(40)]
        await World(database).until_blocked(MAX_REQUESTS)
        assert (await bob.get("/campaigns")).status_code == 200
        assert (await bob.post("/senders", SENDER)).status_code == 201
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} <= {409, 422}


class SlowFile:
    """A file whose first octet is sent, and the last one when somebody says so."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.over = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"a"
        self.begun.set()
        await self.go_on.wait()
        yield b"b"
        self.over.set()


def attached(client: Client, campaign_id: str, name: str, **sent: Any) -> asyncio.Task[Any]:
    path = f"/campaigns/{campaign_id}/attachments?file_name={name}"
    return asyncio.create_task(client.post(path, **sent))


async def test_files_that_are_still_arriving_keep_nothing_else_of_their_owner_waiting(
    ann: Client,
) -> None:
    campaign = await ann.campaign()
    files = [SlowFile() for _ in range(MAX_UPLOADS)]
    sending = [
        attached(ann, campaign["id"], f"{n}.txt", content=file) for n, file in enumerate(files)
    ]
    for file in files:
        await file.begun.wait()
    async with asyncio.timeout(60):
        assert (await ann.get("/campaigns")).status_code == 200
        assert (await ann.post("/senders", {**SENDER, "name": "Other"})).status_code == 201
        small = await attached(ann, campaign["id"], "small.txt", content=b"as a whole")
        assert small.status_code == 201
    for file in files:
        file.go_on.set()
    assert {(await sent).status_code for sent in sending} == {201}


async def test_a_file_takes_its_turn_when_all_of_it_is_there(
    ann: Client, parts: ApiParts, queue: Queue
) -> None:
    campaign, file = await ann.campaign(), SlowFile()
    caller = await parts.api_keys.authenticate(ann.key)
    assert caller is not None
    sending = attached(ann, campaign["id"], "slow.txt", content=file)
    await file.begun.wait()
    async with AsyncExitStack() as turns:
        for _ in range(MAX_REQUESTS):
            await turns.enter_async_context(parts.turnstile.turn(caller.user_id))
        file.go_on.set()
        await queue.until(1, at=parts.turnstile)
        assert file.over.is_set()
        assert not sending.done()
    assert (await sending).status_code == 201


async def test_no_body_is_read_under_a_key_before_its_turn(
    ann: Client, parts: ApiParts, queue: Queue
) -> None:
    campaign = await ann.campaign()
    files = [SlowFile() for _ in range(MAX_UPLOADS + 2)]
    sending = [
        attached(
            ann, campaign["id"], f"{n}.txt", content=file, headers={"Idempotency-Key": f"k{n}"}
        )
        for n, file in enumerate(files)
    ]
    await some_begun(files, MAX_UPLOADS)
    await queue.until(2, at=parts.uploads)
    assert sum(file.begun.is_set() for file in files) == MAX_UPLOADS
    for file in files:
        file.go_on.set()
    assert {(await sent).status_code for sent in sending} == {201}


class SlowReader:
    """A client that has its answer begun, and takes more of it when somebody says so."""

    def __init__(self, parts: ApiParts, client: Client, path: str) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        scope = asked_by(client, "GET", path)
        app = create_api(parts)
        self.asking = asyncio.create_task(app(scope, self._nothing, self._take))  # type: ignore[arg-type]

    async def _nothing(self) -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError("it never leaves")

    async def _take(self, message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            self.begun.set()
        else:
            await self.go_on.wait()


async def some_begun(slow: Sequence[SlowFile | SlowReader], count: int) -> None:
    for begun in islice(asyncio.as_completed([one.begun.wait() for one in slow]), count):
        await begun


async def test_large_answers_leave_some_at_a_time_and_keep_nothing_else_waiting(
    ann: Client, bob: Client, parts: ApiParts, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departing, "WAIT_SECONDS", 3600)
    await ann.campaign()
    path = "/api/v1/suppressions/export"
    readers = [SlowReader(parts, ann, path) for _ in range(MAX_UPLOADS + 2)]
    await some_begun(readers, MAX_UPLOADS)
    await queue.until(2, at=parts.downloads)
    async with asyncio.timeout(60):
        assert (await ann.get("/campaigns")).status_code == 200
        theirs = SlowReader(parts, bob, path)
        await theirs.begun.wait()
    assert sum(reader.begun.is_set() for reader in readers) == MAX_UPLOADS
    for reader in (*readers, theirs):
        reader.go_on.set()
        await reader.asking


@pytest.fixture
async def all_leaving(
    ann: Client, parts: ApiParts, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """As many large answers of Ann's as may be are on their way, and go on being: others wait."""
    monkeypatch.setattr(departing, "WAIT_SECONDS", 3600)
    caller = await parts.api_keys.authenticate(ann.key)
    assert caller is not None
    async with AsyncExitStack() as turns:
        for _ in range(MAX_UPLOADS):
            await turns.enter_async_context(parts.downloads.turn(caller.user_id))
        yield


@pytest.mark.usefixtures("all_leaving")
async def test_what_has_nothing_to_say_waits_for_no_large_answer(ann: Client) -> None:
    await ann.post("/suppressions", {"addresses": ["gone@example.com"]})
    campaign = f"/campaigns/{(await ann.campaign())['id']}"
    tag = (await ann.get(campaign)).headers["ETag"]
    async with asyncio.timeout(60):
        assert (await ann.delete("/suppressions/gone@example.com")).status_code == 204
        known = await ann.get(campaign, headers={"If-None-Match": tag})
    assert known.status_code == 304


@pytest.mark.usefixtures("all_leaving")
async def test_large_answers_that_wait_to_leave_keep_no_command_back(
    ann: Client, parts: ApiParts
) -> None:
    path = "/api/v1/suppressions/export"
    readers = [SlowReader(parts, ann, path) for _ in range(2 * MAX_REQUESTS)]
    campaign = await ann.campaign()
    async with asyncio.timeout(60):
        cancelled = await ann.post(f"/campaigns/{campaign['id']}/cancel")
    assert cancelled.status_code == 200
    for reader in readers:
        reader.asking.cancel()
    await asyncio.gather(*(reader.asking for reader in readers), return_exceptions=True)


@pytest.mark.usefixtures("all_leaving")
async def test_who_waits_long_to_read_is_told_to_come_back_and_a_write_is_answered(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departing, "WAIT_SECONDS", 0.1)
    async with asyncio.timeout(60):
        refused = await ann.get("/suppressions/export")
        made = await ann.campaign(text="a" * 2 * departing.SMALL_OCTETS)  # asserts its 201
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert "leaving" in refused.json()["detail"]
    assert len(made["text"]) > departing.SMALL_OCTETS
