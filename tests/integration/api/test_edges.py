"""What every route has in common: who may ask, what a body may be, and how errors look."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from paceline.api import ApiParts
from paceline.errors import OperationalError
from tests.api import http_to
from tests.integration.api.conftest import SENDER, Client

WRITES = {"post", "patch"}


async def document(ann: Client) -> dict[str, Any]:
    found: dict[str, Any] = (await ann.http.get("/api/openapi.json")).json()
    return found


async def test_no_route_answers_without_a_key(ann: Client, http: httpx2.AsyncClient) -> None:
    paths = (await document(ann))["paths"]
    asked = 0
    for path, methods in paths.items():
        for method in methods:
            if not path.startswith("/api/v1"):
                continue
            url = re.sub(r"\{[^}]+\}", "0190a000-0000-7000-8000-000000000000", path)
            for headers in ({}, {"Authorization": "Bearer pl_wrong"}, {"Authorization": "Basic x"}):
                answer = await http.request(
                    method, url, headers=headers, json={} if method in WRITES else None
                )
                assert answer.status_code == 401, (method, path)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
                assert answer.headers["content-type"] == "application/problem+json"
                asked += 1
    assert asked > 60


async def test_another_owner_finds_nothing_by_any_id_on_any_route(ann: Client, bob: Client) -> None:
    sender = await ann.sender()
    campaign = await ann.campaign(sender_id=sender["id"], recipients=[{"email": "a@x.org"}])
    email = await ann.email(sender_id=sender["id"])
    attached = await ann.post(f"/campaigns/{campaign['id']}/attachments?file_name=a.json", {"a": 1})
    key = (await ann.get("/api-keys")).json()["items"][0]
    await ann.post("/suppressions", {"addresses": ["gone@example.com"]})
    ids = {
        "sender_id": sender["id"],
        "campaign_id": campaign["id"],
        "email_id": email["id"],
        "attachment_id": attached.json()["id"],
        "key_id": key["id"],
        "address": "gone@example.com",
    }
    bodies: dict[str, object] = {
        "/senders/{sender_id}/test": {"to": "a@x.org"},
        "/campaigns/{campaign_id}/recipients": {"recipients": [{"email": "b@x.org"}]},
        "/emails/{email_id}": {"scheduled_at": "2030-01-01T00:00:00Z"},
        "/emails/{email_id}/resolve": {"resolution": "sent"},
    }
    asked = 0
    for path, methods in (await document(ann))["paths"].items():
        if "{" not in path:
            continue
        for method in methods:
            short = path.removeprefix("/api/v1")
            body = bodies.get(short, {}) if method in WRITES else None
            answer = await bob.call(method.upper(), path.format(**ids), json=body)
            assert answer.status_code == 404, (method, path, answer.text)
            asked += 1
    assert asked >= 18
    for path in ("/senders", "/campaigns", "/emails", "/suppressions"):
        assert (await bob.get(path)).json()["items"] == []
    assert (await bob.get(f"/emails?campaign_id={campaign['id']}")).status_code == 404
    assert (await bob.get(f"/emails?sender_id={sender['id']}")).json()["items"] == []
    assert (await ann.get(f"/campaigns/{campaign['id']}")).json()["total"] == 1
    assert len((await ann.get(f"/campaigns/{campaign['id']}/attachments")).json()["items"]) == 1
    assert (await ann.get("/api-keys")).json()["items"][0]["id"] == key["id"]


async def test_another_owners_sender_cannot_be_sent_with(ann: Client, bob: Client) -> None:
    sender = await ann.sender()
    for path in ("/campaigns", "/emails"):
        refused = await bob.post(
            path,
            {"sender_id": sender["id"], "subject": "S", "text": "T"}
            | ({"to": "a@x.org"} if path == "/emails" else {}),
        )
        assert [e["field"] for e in refused.json()["errors"]] == ["sender_id"]


async def test_a_key_that_was_revoked_opens_nothing(ann: Client) -> None:
    key = (await ann.get("/api-keys")).json()["items"][0]
    assert (await ann.call("DELETE", f"/api/v1/api-keys/{key['id']}")).status_code == 204
    assert (await ann.get("/senders")).status_code == 401


RAW = [
    (b"{", 400),
    (b"not json", 400),
    (b"\xff\xfe", 400),
    (b'{"name": "\\ud800"}', 422),
    (b"[" * 100_000, 400),
    (b'{"smtp_port": NaN}', 422),
    (b'{"smtp_port": 1e999}', 422),
    (b'{"smtp_port": ' + b"9" * 5_000 + b"}", 400),
    (b"[]", 422),
    (b"null", 422),
    (b'"text"', 422),
    (b"", 422),
    (b'{"name": ["a"], "smtp_host": {"a": 1}}', 422),
]


@pytest.mark.parametrize("path", ["/senders", "/campaigns", "/emails", "/suppressions"])
async def test_a_body_that_is_no_such_thing_is_refused_and_never_breaks_anything(
    ann: Client, path: str
) -> None:
    for body, status in RAW:
        answer = await ann.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, (body[:40], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert {"type", "title", "status", "detail"} <= problem.keys()
        assert problem["status"] == status


async def test_what_is_refused_is_said_in_our_words_and_not_in_a_librarys(ann: Client) -> None:
    async def said(answer: httpx2.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["detail"]

    assert await said(await ann.get("/emails?limit=0")) == (
        422,
        "limit: must be greater than or equal to 1",
    )
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    json_type = {"Content-Type": "application/json"}
    answer = await ann.call("POST", "/api/v1/campaigns", content=deep, headers=json_type)
    assert await said(answer) == (400, "the body is not valid JSON, or nested too deeply")


async def test_values_that_json_allows_and_databases_do_not_are_refused(ann: Client) -> None:
    sender = await ann.sender()
    for fields in ('{"a": NaN}', '{"a": Infinity}', '{"a": 1e400}', '{"a": "\\u0000"}'):
        body = (
            f'{{"sender_id": "{sender["id"]}", "subject": "S", "text": "T", '
            f'"recipients": [{{"email": "a@x.org", "fields": {fields}}}]}}'
        )
        answer = await ann.post(
            "/campaigns", content=body.encode(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_kind_is_refused(ann: Client, kind: str) -> None:
    answer = await ann.post(
        "/senders", content=json.dumps(SENDER).encode(), headers={"Content-Type": kind}
    )
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


async def _endless(chunk: bytes) -> AsyncIterator[bytes]:
    while True:
        yield chunk


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/senders", "application/json"),
        ("/campaigns", "application/json"),
        ("/campaigns/{id}/recipients", "text/csv"),
        ("/campaigns/{id}/recipients", "application/json"),
    ],
)
async def test_a_body_without_an_end_is_cut_off(ann: Client, path: str, kind: str) -> None:
    campaign = await ann.campaign()
    answer = await ann.post(
        path.format(id=campaign["id"]),
        content=_endless(b"a@x.org\n" * 100_000),
        headers={"Content-Type": kind},
    )
    assert answer.status_code == 413
    assert (await ann.get(f"/campaigns/{campaign['id']}")).json()["total"] == 0


async def test_a_body_that_announces_its_size_is_refused_unread(ann: Client) -> None:
    answer = await ann.post(
        "/senders",
        content=b"{}",
        headers={"Content-Type": "application/json", "Content-Length": str(3 << 20)},
    )
    assert answer.status_code == 413


WRONG_TURNS = [
    ("GET", "/api", 404),
    ("GET", "/api/v2/senders", 404),
    ("GET", "/api/v1/nothing", 404),
    ("GET", "/api/v1/senders/not-an-id", 404),
    ("GET", "/api/v1/senders/", 404),
    ("DELETE", "/api/v1/senders", 405),
    ("PUT", "/api/v1/campaigns", 405),
    ("GET", "/nothing", 404),
]


async def test_there_is_a_problem_document_for_every_wrong_turn(ann: Client) -> None:
    for method, path, status in WRONG_TURNS:
        answer = await ann.call(method, path)
        assert answer.status_code == status, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"
        if status == 405:
            assert "GET" in answer.headers["Allow"]


async def test_the_description_covers_every_route_and_hides_no_secret(ann: Client) -> None:
    described = await document(ann)
    assert described["openapi"].startswith("3.")
    assert "/api/v1/campaigns/{campaign_id}/recipients" in described["paths"]
    schemas = described["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)):
        assert name in schemas
    assert "#/$defs/" not in json.dumps(described)
    assert "smtp_password" not in schemas["SenderOut"]["properties"]


async def test_health_says_that_the_process_lives_and_readiness_what_does_not_answer(
    parts: ApiParts,
) -> None:
    async def well() -> None:
        pass

    async def ill() -> None:
        raise OperationalError("does not answer")

    for database, queue, status in ((well, well, 200), (well, ill, 200), (ill, well, 503)):
        probes = {"postgresql": database, "redis": queue}
        async with http_to(_with(parts, probes=probes)) as http:
            assert (await http.get("/healthz")).json() == {"status": "ok"}
            ready = await http.get("/readyz")
            assert ready.status_code == status
            assert ready.json()["checks"] == {
                "postgresql": "ok" if database is well else "does not answer",
                "redis": "ok" if queue is well else "does not answer",
            }
            assert ("Retry-After" in ready.headers) == (status == 503)


async def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(
    ann: Client, parts: ApiParts
) -> None:
    class Away:
        async def authenticate(self, token: str) -> None:
            raise OperationalError("PostgreSQL: connection refused at 10.0.0.7")

    async with http_to(_with(parts, api_keys=Away())) as http:
        answer = await http.get("/api/v1/senders", headers={"Authorization": "Bearer pl_x"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "10.0.0.7" not in answer.text


def _with(parts: ApiParts, **changes: Any) -> ApiParts:
    from dataclasses import replace

    return replace(parts, **changes)
