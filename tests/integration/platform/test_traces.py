"""A real API and a real worker tell a collector what they do, from a request to a reply."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan

from paceline.auth.api_keys import ApiKeys
from paceline.bootstrap.admission import admission_of
from paceline.bootstrap.server import run_api
from paceline.bootstrap.worker import run_worker
from paceline.domain.scopes import Scope
from paceline.observability import spans, tracing
from paceline.observability.tracing import Tracing, Tried
from paceline.settings import Settings
from tests.faults.processes import Worker
from tests.integration.engine.sink import Sink
from tests.otlp_receiver import OtlpReceiver
from tests.ports import free_port
from tests.world import World, settings_for

CALLER = "0af7651916cd43dd8448eb211c80319c"  # a trace of whoever calls the API
CALLED_FROM = "b7ad6b7169203331"
PATIENCE_SECONDS = 120  # the machine may have much else to do
QUEUED, BATCH = 2_048, 512  # by OpenTelemetry's own defaults


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OtlpReceiver]:
    monkeypatch.setattr(spans, "CLOSE_SECONDS", 60)  # it answers, if a busy machine lets it
    async with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as sink:
        yield sink


@pytest.fixture
def settings(database_url: str, redis_url: str, receiver: OtlpReceiver) -> Settings:
    made = settings_for(database_url, redis_url)
    tracing = Tracing(endpoint=f"{receiver.url}/v1/traces", headers={"x-key": "hush"})
    return replace(made, api=replace(made.api, port=free_port()), tracing=tracing)


@asynccontextmanager
async def running(settings: Settings, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """An API and a worker, as their processes run them; afterwards all is told."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as parts:
        parts.create_task(run_api(settings, stop))
        parts.create_task(run_worker(settings, stop, black_boxes=folder))
        base = f"http://127.0.0.1:{settings.api.port}"
        try:
            async with httpx2.AsyncClient(base_url=base) as client:
                await answering(client)
                yield client
        finally:
            stop.set()


async def answering(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await client.get("/healthz")
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


async def key_of(settings: Settings, world: World) -> dict[str, str]:
    keys = ApiKeys(world.database, admission_of(settings))
    key = await keys.create_for(world.owner_id, "test", scope=Scope.ADMIN, expires_at=None)
    return {"Authorization": f"Bearer {key}"}


async def campaign_of(
    client: httpx2.AsyncClient, key: dict[str, str], sender: uuid.UUID, *addresses: str
) -> str:
    """A campaign that was launched, and its id."""
    asked: dict[str, Any] = {
        "sender_id": str(sender),
        "name": "Secret name",
        "subject": "Secret subject",
        "text": "Secret text",
        "recipients": [{"email": address} for address in addresses],
    }
    made = await client.post("/api/v1/campaigns", json=asked, headers=key)
    assert made.status_code == 201, made.text
    path = f"/api/v1/campaigns/{made.json()['id']}/launch"
    headers = {**key, "traceparent": f"00-{CALLER}-{CALLED_FROM}-01"}
    launched = await client.post(path, headers=headers)
    assert launched.status_code == 200, launched.text
    return str(made.json()["id"])


async def test_an_api_call_is_followed_over_the_turn_to_the_reply(
    settings: Settings, receiver: OtlpReceiver, sink: Sink, world: World, tmp_path: Path
) -> None:
    sink.at_rcpt = lambda to: "550 5.1.1 no such user ada" if to.startswith("ada") else None
    sender = await world.sender(port=sink.port)
    key = await key_of(settings, world)
    async with running(settings, tmp_path) as client:
        campaign = await campaign_of(client, key, sender, "ada@example.org", "bob@example.org")

        async def ended() -> bool:
            return await world.fetchval(
                "SELECT count(*) = 2 FROM attempts WHERE ended_at > '-infinity'"
            )

        await world.until(ended)

    # The request: part of its caller's trace, with the number that the log has.
    (launch,) = receiver.named("POST /api/v1/campaigns/{id}/launch")
    assert (launch.service, launch.trace, launch.parent) == ("paceline-api", CALLER, CALLED_FROM)
    assert launch.attributes["http.response.status_code"] == 200
    assert re.fullmatch("[0-9a-f]{16}", launch.attributes["paceline.request_id"])
    # The campaign: a trace that has its id, linked from the request and to it.
    (let_go,) = receiver.named("let go")
    assert (let_go.trace, let_go.parent) == (uuid.UUID(campaign).hex, "")
    assert launch.links == [(let_go.trace, let_go.id)]
    assert let_go.links == [(CALLER, launch.id)]
    # The attempts: in that trace, linked to the turn in which they were made.
    turns = {(turn.trace, turn.id): turn for turn in receiver.named("lane turn")}
    attempts = {span.attributes["paceline.outcome"]: span for span in receiver.named("attempt")}
    assert attempts.keys() == {"sent", "rejected"}
    for attempt in attempts.values():
        assert attempt.service == "paceline-worker"
        assert (attempt.trace, attempt.parent) == (let_go.trace, let_go.id)
        assert set(attempt.links) <= turns.keys()
        assert attempt.attributes["server.address"] == "127.0.0.1"
        assert attempt.seconds > 0
    assert attempts["sent"].attributes["smtp.reply_code"] == 250
    assert not attempts["sent"].is_error
    assert attempts["rejected"].attributes["smtp.phase"] == "rcpt"
    assert attempts["rejected"].attributes["smtp.reply_code"] == 550
    assert attempts["rejected"].attributes["smtp.reply_enhanced"] == "5.1.1"
    assert attempts["rejected"].is_error
    assert sum(turn.attributes["paceline.attempts"] for turn in turns.values()) == 2
    # Nobody's address, name or text is told, and headers go along.
    assert not re.search("example|ada|bob|[Ss]ecret", repr([s.attributes for s in receiver.spans]))
    assert all("x-key: hush" in head.lower() for head in receiver.heads)


async def test_of_campaigns_that_are_not_chosen_nothing_is_told_by_any_process(
    settings: Settings, receiver: OtlpReceiver, sink: Sink, world: World, tmp_path: Path
) -> None:
    assert settings.tracing is not None
    none = replace(settings, tracing=replace(settings.tracing, ratio=0.0))
    sender = await world.sender(port=sink.port)
    key = await key_of(settings, world)
    async with running(none, tmp_path) as client:
        await campaign_of(client, key, sender, "ada@example.org")
        await sink.wait_for(1)
    # Whoever calls wants this request traced.
    assert {span.trace for span in receiver.spans} == {CALLER}


async def test_a_thousand_emails_a_second_are_no_thousand_spans_and_refusals_have_room(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.clock.boottime", lambda: 5.0)  # all within one second
    traces = spans.SpanTraces(Tracing(endpoint=f"{receiver.url}/v1/traces"), part="worker")
    campaign = uuid.uuid4()
    with traces.turn(uuid.uuid4()):
        for number in range(1_000):
            traces.tried(tried(campaign, evidence="rejected" if number % 100 == 99 else "sent"))
    await traces.close()
    told = [span.attributes["paceline.outcome"] for span in receiver.named("attempt")]
    assert told.count("sent") == tracing.MAX_PER_SECOND
    assert told.count("rejected") == 10
    (turn,) = receiver.named("lane turn")
    assert turn.attributes["paceline.attempts"] == 1_000
    assert turn.attributes["paceline.attempts_told"] == len(told)


@pytest.mark.parametrize("collector", ["away", "silent"])
async def test_without_an_answer_from_the_collector_emails_are_sent_and_the_worker_ends(
    collector: str,
    receiver: OtlpReceiver,
    sink: Sink,
    world: World,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
) -> None:
    receiver.is_silent = True
    endpoint = receiver.url if collector == "silent" else f"http://127.0.0.1:{free_port()}"
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_TIMEOUT": str(10 * PATIENCE_SECONDS),  # not what ends it
        "OTEL_BSP_SCHEDULE_DELAY": "1",
    }
    sender = await world.sender(port=sink.port)
    await world.emails(sender, await world.campaign(sender), 100)
    await world.signal(sender)
    worker = Worker.start(
        database_url=database_url,
        redis_url=redis_url,
        home=tmp_path / "home",
        log=tmp_path / "log",
        env=env,
    )
    try:
        await sink.wait_for(1, within=PATIENCE_SECONDS)
        if collector == "silent":
            await receiver.until_asked()
        await sink.wait_for(100, within=PATIENCE_SECONDS)
        worker.signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.process.wait, PATIENCE_SECONDS) == 0
    finally:
        worker.kill()


async def test_what_a_silent_collector_does_not_take_is_bounded(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "CLOSE_SECONDS", 0.1)
    seconds = count()
    monkeypatch.setattr("paceline.clock.boottime", lambda: float(next(seconds)))  # all are told
    receiver.is_silent = True
    traces = spans.SpanTraces(Tracing(endpoint=f"{receiver.url}/v1/traces"), part="worker")
    for _ in range(10_000):
        traces.tried(tried(uuid.uuid4(), evidence="rejected"))
    await receiver.until_asked()
    kept = sum(isinstance(each, ReadableSpan) for each in gc.get_objects())
    await traces.close()  # nobody has answered yet
    assert kept <= QUEUED + 2 * BATCH  # of the batch that is leaving there may be a copy


async def test_a_collector_that_takes_no_traces_is_one_line(
    receiver: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.refuses = True
    traces = spans.SpanTraces(Tracing(endpoint=f"{receiver.url}/v1/traces"), part="worker")
    for number in range(40):
        traces.tried(tried(uuid.uuid4(), evidence="rejected" if number % 2 else "sent"))
    await traces.close()
    (record,) = caplog.records
    assert record.getMessage().startswith("traces are lost, for the collector does not take them")


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    script = (
        "import sys, paceline.bootstrap.server, paceline.bootstrap.worker\n"
        "from paceline.settings import Settings\n"
        "from paceline.observability.tracing import NO_TRACES, traces_of\n"
        "assert traces_of(Settings.from_environment({}).tracing, part='api') is NO_TRACES\n"
        # Others may look whether the SDK is there; it is of the tests.
        "names = ('paceline.observability.spans', 'opentelemetry.exporter', 'google.protobuf')\n"
        "print([m for m in sys.modules if m.startswith(names)])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_without_its_library_a_line_says_so_and_the_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from paceline.observability.tracing import NO_TRACES, traces_of

    monkeypatch.setitem(sys.modules, "paceline.observability.spans", None)
    assert traces_of(Tracing(endpoint="http://x/v1/traces"), part="api") is NO_TRACES
    assert "pip install 'paceline[otel]'" in caplog.text


def tried(campaign_id: uuid.UUID, *, evidence: str) -> Tried:
    return Tried(
        email_id=uuid.uuid4(),
        campaign_id=campaign_id,
        number=1,
        began_at_ns=1_790_000_000_000_000_000,
        server="smtp.example.com",
        evidence=evidence,
        state="sent",
        phase="dot",
        reply_code=250,
        reply_enhanced=None,
    )
