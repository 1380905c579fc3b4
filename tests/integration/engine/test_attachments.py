"""Files from the API to the receiver: attached to a draft, sent by a worker, read over there."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, cast

import dkim
import httpx2
import pytest

from paceline.auth.api_keys import ApiKeys
from paceline.bootstrap.server import application
from paceline.bootstrap.use_cases import use_cases
from paceline.settings import Settings
from tests.integration.engine import sink as sink_module
from tests.integration.engine.sink import Sink
from tests.world import World

pytestmark = pytest.mark.usefixtures("worker")

LOGO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
PLAN = b"%PDF-1.7\n" + b".\r\n.\n" * 2_000  # dots at line starts are nothing special in a file
LARGE = 10 * 1024 * 1024


@pytest.fixture
async def sink(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sink]:
    monkeypatch.setattr(sink_module, "MAX_LINE", 64 * 1024 * 1024)
    async with Sink() as sink:
        yield sink


@pytest.fixture
async def api(settings: Settings, world: World) -> AsyncIterator[httpx2.AsyncClient]:
    key = await ApiKeys(world.database).create("ann@owner.test", "test")
    async with use_cases(settings) as cases:
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=application(cases, settings)),
            base_url="http://paceline.test/api/v1",
            headers={"Authorization": f"Bearer {key}"},
        )
        async with client:
            yield client


async def made(api: httpx2.AsyncClient, path: str, **values: Any) -> dict[str, Any]:
    answer = await api.post(path, json=values)
    assert answer.is_success, answer.text
    return cast("dict[str, Any]", answer.json())


async def draft(api: httpx2.AsyncClient, sink: Sink, *, recipients: int) -> tuple[str, str]:
    """The path of a sender and of a campaign of its."""
    sender = await made(
        api,
        "/senders",
        name="News",
        from_address="news@example.com",
        smtp_host="127.0.0.1",
        smtp_port=sink.port,
        smtp_security="none",
        max_connections=32,
    )
    campaign = await made(
        api,
        "/campaigns",
        sender_id=sender["id"],
        subject="Hello {{ name }}",
        text="Dear {{ name }}",
        html='<img src="cid:logo.png"> Dear {{ name }}',
        recipients=[{"email": f"r{n}@example.org", "name": f"R{n}"} for n in range(recipients)],
    )
    return f"/senders/{sender['id']}", f"/campaigns/{campaign['id']}"


async def attach(
    api: httpx2.AsyncClient, campaign: str, name: str, kind: str, content: bytes, **query: str
) -> None:
    answer = await api.post(
        f"{campaign}/attachments",
        params={"file_name": name, **query},
        content=content,
        headers={"Content-Type": kind},
    )
    assert answer.status_code == 201, answer.text


async def test_files_arrive_as_they_were_uploaded_and_under_the_signature(
    api: httpx2.AsyncClient, sink: Sink
) -> None:
    sender, campaign = await draft(api, sink, recipients=20)
    record = await made(api, f"{sender}/dkim")
    await attach(api, campaign, "logo.png", "image/png", LOGO, inline="true")
    await attach(api, campaign, "Überblick “2027”.pdf", "application/pdf", PLAN)
    await made(api, f"{campaign}/launch")
    bodies = set()
    for taken in await sink.wait_for(20):
        assert dkim.verify(taken.raw, dnsfunc=lambda *_, **__: record["text"].encode())
        parsed = BytesParser(policy=policy.default).parsebytes(taken.raw)
        logo, plan = (cast(EmailMessage, p) for p in parsed.walk() if p.get_filename())
        assert plan.get_filename() == "Überblick “2027”.pdf"
        assert (logo.get_payload(decode=True), plan.get_payload(decode=True)) == (LOGO, PLAN)
        html = cast(EmailMessage, parsed.get_body(("html",))).get_content()
        assert f'src="cid:{logo["Content-ID"].strip("<>")}"' in html
        bodies.add((html, str(logo["Content-ID"])))
    assert len(bodies) == 20
    assert len({content_id for _, content_id in bodies}) == 1


async def test_a_second_attempt_is_the_same_to_the_octet(
    api: httpx2.AsyncClient, sink: Sink, world: World
) -> None:
    answers = iter(["drop"])  # once, after the dot: taken, and nobody is told
    sink.at_dot = lambda _: next(answers, None)
    sender, campaign = await draft(api, sink, recipients=1)
    await made(api, f"{sender}/dkim")
    await attach(api, campaign, "logo.png", "image/png", LOGO, inline="true")
    await attach(api, campaign, "plan.pdf", "application/pdf", PLAN)
    await made(api, f"{campaign}/launch")
    ids = [row["email_id"] for row in await world.fetch("SELECT email_id FROM email_jobs")]
    await world.until_all_are(ids, "in_doubt")
    await made(api, f"/emails/{ids[0]}/resolve", resolution="resend")
    first, second = await sink.wait_for(2)
    assert first.raw == second.raw


async def test_large_files_to_many_recipients_take_no_more_memory_than_to_few(
    api: httpx2.AsyncClient, sink: Sink
) -> None:
    _, campaign = await draft(api, sink, recipients=16)
    for name in ("a.bin", "b.bin"):
        await attach(api, campaign, name, "application/octet-stream", b"x" * LARGE)
    sizes: list[int] = []

    def forget(_: str) -> None:
        """What the far end has taken is not ours to hold."""
        sizes.extend(len(taken.raw) for taken in sink.taken if taken.raw)
        sink.taken = [type(t)(at=0, mail_from="", rcpt_to="", raw=b"") for t in sink.taken]

    sink.at_dot = forget
    tracemalloc.start()
    try:
        await made(api, f"{campaign}/launch")
        await sink.wait_for(16, within=60)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    forget("")
    assert len(sizes) == 16
    assert min(sizes) > 2 * LARGE * 4 / 3
    # Two at a time, at both ends. All at once would be 450 MB before a single copy is made.
    assert peak < 384 * 1024 * 1024
