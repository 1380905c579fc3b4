"""What a key may do: held at every route, with a 403 that says what is needed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paceline import clock
from paceline.api import ApiParts
from paceline.domain.scopes import Scope
from paceline.persistence.database import Database
from tests.integration.api.conftest import Client
from tests.integration.api.test_queries_and_methods import filled, paths_of
from tests.world import World

# Whatever writes there needs `admin`; everything else that writes needs `send`.
FOR_ADMINS = (
    "/api/v1/persons",
    "/api/v1/senders",
    "/api/v1/api-keys",
    "/api/v1/suppressions/{address}",
)


async def with_scope(ann: Client, parts: ApiParts, scope: Scope) -> Client:
    return Client(ann.http, await parts.api_keys.create("ann@owner.test", "test", scope=scope))


@pytest.mark.parametrize("scope", list(Scope))
async def test_every_route_asks_for_the_scope_that_it_needs(
    ann: Client, parts: ApiParts, scope: Scope
) -> None:
    client = await with_scope(ann, parts, scope)
    asked = 0
    for path, methods in (await paths_of(ann)).items():
        for method in methods:
            needed = Scope.READ if method == "get" else Scope.SEND
            if method != "get" and path.startswith(FOR_ADMINS):
                needed = Scope.ADMIN
            # A parameter that no route knows is refused next: nothing is carried out.
            answer = await client.call(method.upper(), f"{filled(path)}?colour=red")
            assert answer.status_code == (422 if scope.covers(needed) else 403), (method, path)
            if answer.status_code == 403:
                told = answer.json()["detail"]
                assert f"has the scope `{scope}`, and this needs `{needed}`" in told
            asked += 1
    assert asked > 30


async def test_a_key_for_reading_sees_all_and_a_second_try_of_a_write_is_refused_too(
    ann: Client, parts: ApiParts
) -> None:
    reader = await with_scope(ann, parts, Scope.READ)
    sender = await ann.sender()
    assert (await reader.get(f"/senders/{sender['id']}")).status_code == 200
    given = {"name": "x", "subject": "s", "text": "t", "sender_id": sender["id"]}
    for _ in range(2):
        again = {"headers": {"Idempotency-Key": "one"}}
        assert (await reader.post("/campaigns", given, **again)).status_code == 403
    # The key of a refused request was used for nothing.
    assert (await ann.post("/campaigns", given, **again)).status_code == 201


async def test_a_key_that_has_expired_is_no_key_and_says_so_in_the_list(
    ann: Client, parts: ApiParts, database: Database, world: World
) -> None:
    until = clock.now() + timedelta(hours=1)
    key = await parts.api_keys.create("ann@owner.test", "short", expires_at=until)
    short = Client(ann.http, key)
    assert (await short.get("/senders")).status_code == 200
    await world.execute("UPDATE api_keys SET expires_at = now() WHERE name = 'short'")
    assert (await short.get("/senders")).status_code == 401
    listed = (await ann.get("/api-keys")).json()["items"]
    assert [(key["name"], key["scope"], key["has_expired"]) for key in listed] == [
        ("short", "admin", True),
        ("test", "admin", False),
    ]


async def test_a_key_for_sending_takes_nobody_off_the_suppression_list(
    ann: Client, parts: ApiParts, world: World
) -> None:
    email = await ann.email(to="gone@x.org")
    await world.execute("UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected'")
    await ann.post("/suppressions", {"addresses": ["gone@x.org"]})
    again = f"/emails/{email['id']}/retry"
    sending = await with_scope(ann, parts, Scope.SEND)
    refused = await sending.post(again, {"release": True})
    assert refused.status_code == 403
    assert "this needs `admin`" in refused.json()["detail"]
    assert (await sending.post(again, {"release": False})).status_code == 409
    assert (await ann.post(again, {"release": True})).status_code == 200
    [removal] = (await ann.get("/suppressions/removed")).json()["items"]
    assert removal["address"] == "gone@x.org"
    assert removal["removed_by"].startswith("ann@owner.test")
