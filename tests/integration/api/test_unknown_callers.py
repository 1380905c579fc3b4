"""Whoever has no key is refused before anything of what they send is read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi.routing import APIRoute

from paceline.api.app import _application
from paceline.api.bodies import MAX_INLINE_OCTETS
from tests.integration.api.conftest import Client

MIB = 1024 * 1024
_SOME_ID = "0190a5d0-0000-7000-8000-000000000000"
WRITES = sorted(
    (method, re.sub(r"\{\w+\}", _SOME_ID, path))
    for path, described in _application().openapi()["paths"].items()
    for method in ("post", "put", "patch")
    if method in described and path.startswith("/api/v1/")
)


def to(recipients: list[object]) -> dict[str, object]:
    """A campaign that is wrong about them alone."""
    return {"sender_id": _SOME_ID, "subject": "S", "text": "T", "recipients": recipients}


class Sent:
    """A body of 50 MiB that knows how much of it was taken."""

    def __init__(self, piece: bytes = b"[" * MIB) -> None:
        self.taken = 0
        self._piece = piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(50):
            self.taken += len(self._piece)
            yield self._piece


@pytest.mark.parametrize("key", [None, "pl_nobodys"])
@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_nothing_is_read_of_what_nobody_sends(
    http: httpx2.AsyncClient, method: str, path: str, key: str | None
) -> None:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    sent = Sent()
    answer = await http.request(method.upper(), path, content=sent, headers=headers)
    assert answer.status_code == 401
    assert sent.taken <= MIB


async def test_a_body_of_brackets_alone_is_not_parsed(ann: Client) -> None:
    sent = Sent()
    answer = await ann.post(
        "/campaigns", content=sent, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert "values" in answer.json()["detail"]
    assert sent.taken < MAX_INLINE_OCTETS


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/campaigns", to([1] * 400_000), "recipients[0]"),
        ("/campaigns", to([{f"k{n}": 1 for n in range(200_000)}]), "recipients[0]"),
        (
            "/campaigns",
            to([{"email": "a@x.org", "fields": {f"k{n}": [] for n in range(200_000)}}]),
            "recipients[0].fields",
        ),
        ("/campaigns", {f"k{n}": 1 for n in range(200_000)}, "body"),
        ("/suppressions", {"addresses": [1] * 150_000}, "addresses[0]"),
        (f"/emails/{_SOME_ID}", {"fields": {f"k{n}": [] for n in range(50_000)}}, "fields"),
    ],
    ids=["recipients", "members", "fields", "names", "addresses", "merge fields"],
)
async def test_of_very_many_mistakes_few_are_told(
    ann: Client, path: str, body: object, field: str
) -> None:
    method = "PATCH" if _SOME_ID in path else "POST"
    answer = await ann.call(method, f"/api/v1{path}", json=body)
    assert answer.status_code == 422
    told = {error["field"] for error in answer.json()["errors"]}
    assert field in told
    assert len(told) < 5


def test_every_route_of_the_api_looks_at_the_key_first() -> None:
    assert len(WRITES) > 20
    assert not [r for r in _application().routes if type(r) is APIRoute and r.methods == {"POST"}]
