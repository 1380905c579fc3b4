"""What the API does where PostgreSQL has no schema, and where Redis is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2

from paceline.bootstrap.local import create_api_key
from paceline.bootstrap.server import application
from paceline.bootstrap.use_cases import use_cases
from paceline.settings import Settings
from tests.redis_disk import refusing_writes
from tests.world import settings_for

NOWHERE = "redis://127.0.0.1:1/0"
SENDER = {
    "name": "News",
    "from_address": "news@example.com",
    "smtp_host": "127.0.0.1",
    "smtp_port": 2525,
    "smtp_security": "none",
}


@asynccontextmanager
async def client(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with use_cases(settings) as cases:
        transport = httpx2.ASGITransport(app=application(cases, settings))
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://localhost:3001"
        ) as http:
            yield http


async def test_without_a_schema_nobody_is_sent_here(
    empty_database_url: str, redis_url: str
) -> None:
    async with client(settings_for(empty_database_url, redis_url)) as http:
        ready = await http.get("/readyz")
        key = {"Authorization": f"Bearer pl_{'a' * 43}"}
        asked = await http.get("/api/v1/campaigns", headers=key)
        http.cookies.set("paceline-session", "a" * 43, domain="localhost.local")
        page = await http.get("/campaigns")
    assert (asked.status_code, page.status_code) == (503, 503)
    assert asked.headers["Retry-After"]
    assert ready.status_code == 503
    assert ready.json()["checks"] == {
        "postgresql": "Schema: there is none; run `paceline migrate`",
        "redis": "ok",
    }


async def test_without_redis_work_is_taken_and_readiness_says_what_waits(
    database_url: str,
) -> None:
    settings = settings_for(database_url, NOWHERE)
    key = await create_api_key(settings, None)
    async with client(settings) as http:
        http.headers["Authorization"] = f"Bearer {key}"
        sender = await http.post("/api/v1/senders", json=SENDER)
        assert sender.status_code == 201
        email = {"to": "ada@example.com", "subject": "Hello", "text": "Dear Ada"}
        made = await http.post("/api/v1/emails", json={**email, "sender_id": sender.json()["id"]})
        assert made.status_code == 201
        assert (await http.get(made.headers["Location"])).status_code == 200
        ready = await http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"]["postgresql"] == "ok"
    assert ready.json()["checks"]["redis"].startswith("does not answer")


async def test_while_redis_refuses_writes_readiness_says_so(
    database_url: str, redis_url: str
) -> None:
    async with (
        client(settings_for(database_url, redis_url)) as http,
        refusing_writes(redis_url),
    ):
        ready = await http.get("/readyz")
    assert ready.status_code == 200
    told = ready.json()["checks"]["redis"]
    assert told == "refuses writes: what is due waits for it"


async def test_readiness_tells_nobody_where_the_database_is(redis_url: str) -> None:
    url = "postgresql://ada:s3cret@127.0.0.1:1/mail"
    async with client(settings_for(url, redis_url)) as http:
        ready = await http.get("/readyz")
    assert ready.status_code == 503
    assert "127.0.0.1" not in ready.text
    assert "ada" not in ready.text


async def test_answers_of_the_api_are_for_no_page_and_no_cache(
    database_url: str, redis_url: str
) -> None:
    settings = settings_for(database_url, redis_url)
    public = replace(settings, api=replace(settings.api, base_url="https://mail.example.com"))
    async with client(public) as http:
        answers = [await http.get(path) for path in ("/api/v1/senders", "/healthz", "/api/nope")]
        answers.append(await http.get("/api/openapi.json"))
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    async with client(settings) as http:
        assert "Strict-Transport-Security" not in (await http.get("/healthz")).headers
