"""What stands behind the question mark, and the methods of every address."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.api.conftest import Client

AN_ID = "0190a000-0000-7000-8000-000000000000"


async def paths_of(ann: Client) -> dict[str, dict[str, Any]]:
    found = (await ann.http.get("/api/openapi.json")).json()["paths"]
    return {path: methods for path, methods in found.items() if path.startswith("/api/v1")}


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", AN_ID, path)


async def test_no_route_passes_over_a_parameter_that_it_does_not_know(ann: Client) -> None:
    asked = 0
    for path, methods in (await paths_of(ann)).items():
        for method in methods:
            body = {} if method in {"post", "patch"} else None
            url = f"{filled(path)}?colour=red"
            answer = await ann.call(method.upper(), url, json=body)
            assert answer.status_code == 422, (method, path)
            [error] = answer.json()["errors"]
            assert error["field"] == "colour"
            assert error["message"].startswith("is not known here")
            asked += 1
    assert asked > 25


async def test_the_names_that_exist_are_told(ann: Client) -> None:
    told = (await ann.get("/campaigns?sate=draft")).json()["errors"]
    assert told == [{"field": "sate", "message": "is not known here, only state, cursor, limit"}]
    told = (await ann.get("/emails?search=x&q=a")).json()["errors"]
    message = (
        "is not known here, only list, state, reason, reply, begin, end, q, campaign_id,"
        " sender_id, sort, cursor, limit"
    )
    assert told == [{"field": "search", "message": message}]
    told = (await ann.get(f"/senders/{AN_ID}?x=1")).json()["errors"][0]["message"]
    assert told == "is not known here: this takes no query parameters"


async def test_whoever_has_no_key_learns_that_first(ann: Client) -> None:
    assert (await ann.http.get("/api/v1/emails?colour=red")).status_code == 401


async def test_a_parameter_is_given_once_unless_it_is_a_list(ann: Client) -> None:
    told = (await ann.get("/emails?limit=1&limit=2")).json()["errors"]
    assert told == [{"field": "limit", "message": "is given more than once"}]
    assert (await ann.get("/emails?state=sent&state=failed")).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=1.5", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=" + "a" * 601, "cursor"),
        ("q=" + "a" * 201, "q"),
        ("q=%00", "q"),
        ("state=gone", "state[0]"),
        ("campaign_id=7", "campaign_id"),
    ],
)
async def test_what_a_list_is_asked_for_wrongly_is_said(
    ann: Client, query: str, field: str
) -> None:
    answer = await ann.get(f"/emails?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_head_answers_as_get_does_without_the_body(ann: Client) -> None:
    sender = await ann.sender()
    campaign = await ann.campaign(sender_id=sender["id"])
    for path in ("/campaigns", f"/campaigns/{campaign['id']}", "/emails?limit=5", "/senders"):
        got = await ann.get(path)
        head = await ann.call("HEAD", f"/api/v1{path}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.headers["content-length"] == str(len(got.content))
    for path in ("/api/v1/campaigns/nothing", "/api/v1/nothing"):
        head = await ann.call("HEAD", path)
        assert (head.status_code, head.content) == (404, b"")
    assert (await ann.http.head("/healthz")).status_code == 200
    assert (await ann.http.head("/api/v1/emails")).status_code == 401


async def test_every_address_says_what_it_answers(ann: Client) -> None:
    known = await paths_of(ann)
    for path in known:
        methods = set(known[path])  # a word of ours beside `{id}` answers for itself
        expected = {method.upper() for method in methods} | {"OPTIONS"}
        expected |= {"HEAD"} if "get" in methods else set()
        options = await ann.call("OPTIONS", filled(path))
        refused = await ann.call("PUT", filled(path))
        strange = await ann.call("BREW", filled(path))
        assert (options.status_code, options.content) == (204, b""), path
        assert refused.status_code == strange.status_code == 405
        assert refused.headers["content-type"] == "application/problem+json"
        for answer in (options, refused, strange):
            assert set(answer.headers["allow"].split(", ")) == expected, path
        for method in {"GET", "HEAD", "POST", "PATCH", "DELETE"} - expected:
            refused = await ann.call(method, filled(path))
            assert refused.status_code == 405, (method, path)
            assert set(refused.headers["allow"].split(", ")) == expected, (method, path)


async def test_the_health_checks_and_the_description_say_what_they_answer(ann: Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/api/openapi.json"):
        refused = await ann.http.post(path)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS"), path


async def test_head_is_not_allowed_where_there_is_nothing_to_get(ann: Client) -> None:
    refused = await ann.call("HEAD", f"/api/v1/campaigns/{AN_ID}/launch")
    assert (refused.status_code, refused.headers["allow"]) == (405, "OPTIONS, POST")


async def test_nothing_is_nothing_under_any_method(ann: Client) -> None:
    for method in ("GET", "POST", "OPTIONS", "HEAD", "BREW"):
        assert (await ann.call(method, "/api/v1/nothing")).status_code == 404
