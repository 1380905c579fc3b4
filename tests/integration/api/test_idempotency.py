from __future__ import annotations

import asyncio
from typing import Any

from paceline.services.idempotency import Idempotency, Ticket
from tests.integration.api.conftest import SENDER, Client


def key(value: str) -> dict[str, str]:
    return {"Idempotency-Key": value}


async def count(world: Any, table: str) -> int:
    n: int = await world.fetchval(f"SELECT count(*) FROM {table}")
    return n


async def test_the_same_request_again_is_answered_again_and_done_once(
    ann: Client, world: Any
) -> None:
    first = await ann.post("/senders", SENDER, headers=key("k1"))
    again = await ann.post("/senders", SENDER, headers=key("k1"))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await count(world, "senders") == 1


async def test_a_key_is_not_for_another_request(ann: Client) -> None:
    await ann.post("/senders", SENDER, headers=key("k1"))
    for path, body in (("/senders", {**SENDER, "name": "X"}), ("/emails", SENDER)):
        refused = await ann.post(path, body, headers=key("k1"))
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_of_many_at_once_one_is_carried_out(ann: Client, world: Any) -> None:
    requests = [ann.post("/senders", SENDER, headers=key("k1")) for _ in range(8)]
    answers = await asyncio.gather(*requests)
    assert {a.status_code for a in answers} <= {201, 409}
    assert len({a.content for a in answers if a.status_code == 201}) == 1
    assert await count(world, "senders") == 1


async def test_what_was_refused_may_be_mended_under_the_same_key(ann: Client) -> None:
    assert (await ann.post("/senders", {}, headers=key("k1"))).status_code == 422
    assert (await ann.post("/senders", SENDER, headers=key("k1"))).status_code == 201


async def test_owners_do_not_share_keys(ann: Client, bob: Client) -> None:
    first = await ann.post("/senders", SENDER, headers=key("k1"))
    second = await bob.post("/senders", SENDER, headers=key("k1"))
    assert first.json()["id"] != second.json()["id"]


async def test_a_key_must_be_plain(ann: Client) -> None:
    refused = await ann.post("/senders", SENDER, headers=key("x" * 256))
    assert refused.status_code == 422


async def test_after_a_crash_the_same_request_finds_what_was_made(ann: Client, world: Any) -> None:
    sender = await ann.sender()
    body = {"sender_id": sender["id"], "to": "a@x.org", "subject": "S", "text": "T"}
    first = (await ann.post("/emails", body, headers=key("k1"))).json()
    # The process died after the email was stored and before its answer was.
    await world.execute(
        "UPDATE idempotency_keys SET status = NULL, body = decode(replace($1, '-', ''), 'hex')",
        first["id"],
    )
    assert (await ann.post("/emails", body, headers=key("k1"))).status_code == 409
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '3 minutes'")
    again = await ann.post("/emails", body, headers=key("k1"))
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    assert await count(world, "emails") == 1


async def test_a_key_is_free_again_after_a_day(ann: Client, world: Any) -> None:
    first = await ann.post("/senders", SENDER, headers=key("k1"))
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    second = await ann.post("/senders", {**SENDER, "name": "X"}, headers=key("k1"))
    assert second.status_code == 201
    assert first.json()["id"] != second.json()["id"]


async def test_an_expired_key_gives_a_new_id_to_the_next_request(world: Any, database: Any) -> None:
    idempotency = Idempotency(database)
    first = await idempotency.begin(world.owner_id, "k", b"request")
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    second = await idempotency.begin(world.owner_id, "k", b"other")
    assert isinstance(first, Ticket)
    assert isinstance(second, Ticket)
    assert first.reserved_id != second.reserved_id
    assert await count(world, "idempotency_keys") == 1


async def test_an_upload_is_idempotent_too(ann: Client) -> None:
    campaign = await ann.campaign()
    path = f"/campaigns/{campaign['id']}/recipients"
    headers = {**key("k1"), "Content-Type": "text/csv"}
    first = await ann.post(path, content=b"a@x.org\n", headers=headers)
    again = await ann.post(path, content=b"a@x.org\n", headers=headers)
    assert first.json() == again.json()
    assert again.json()["accepted"] == 1
