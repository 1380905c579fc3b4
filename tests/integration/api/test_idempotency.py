from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from paceline.api import ApiParts
from paceline.auth.api_keys import ApiKeys
from paceline.errors import TooMuchAtOnce
from paceline.persistence.database import Database
from paceline.services.idempotency import ANSWER_OCTETS, Answer, Idempotency, Ticket, UnderWay
from paceline.services.rooms import Rooms
from tests.integration.api.conftest import SENDER, Client

CAMPAIGN = {"name": "Launch"}


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
    first = await ann.post("/senders", SENDER, headers=key("k1"))
    for path, body in (("/senders", {**SENDER, "name": "X"}), ("/emails", SENDER)):
        refused = await ann.post(path, body, headers=key("k1"))
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
        assert refused.json()["made"] == f"/api/v1/senders/{first.json()['id']}"


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


async def test_keys_of_a_day_are_bounded_and_those_known_are_still_answered(
    world: Any, database: Database
) -> None:
    idempotency = Idempotency(database, keys_per_owner=2)
    for number in range(2):
        ticket = await idempotency.begin(world.owner_id, f"k{number}", b"request")
        assert isinstance(ticket, Ticket)
        await idempotency.finish(ticket, Answer(status=200))
    for _ in range(2):
        with pytest.raises(TooMuchAtOnce, match="more than 2 Idempotency-Keys"):
            await idempotency.begin(world.owner_id, "k2", b"request")
    assert isinstance(await idempotency.begin(world.owner_id, "k1", b"request"), Answer)
    form = await idempotency.begin_form(world.owner_id, "token", b"form", patience_seconds=0)
    assert isinstance(form, Ticket)  # a program that has gone wild leaves its owner the pages
    assert await count(world, "idempotency_keys") == 3


async def test_forms_of_a_day_are_bounded_too(world: Any, database: Database) -> None:
    idempotency = Idempotency(database, keys_per_owner=1)
    await idempotency.begin_form(world.owner_id, "one", b"form", patience_seconds=0)
    with pytest.raises(TooMuchAtOnce, match="more than 1 forms"):
        await idempotency.begin_form(world.owner_id, "two", b"form", patience_seconds=0)
    assert isinstance(await idempotency.begin(world.owner_id, "k", b"request"), Ticket)


async def test_answers_that_are_kept_are_bounded_together(world: Any, database: Database) -> None:
    """Also by another process, which measures what is there."""
    one = Idempotency(database, keys_per_owner=100)
    ticket = await one.begin(world.owner_id, "k1", b"request")
    assert isinstance(ticket, Ticket)
    await one.finish(ticket, Answer(status=200, body=b"x" * 100 * ANSWER_OCTETS))
    for process in (one, Idempotency(database, keys_per_owner=100)):
        with pytest.raises(TooMuchAtOnce, match="larger than"):
            await process.begin(world.owner_id, "k2", b"request")
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    afterwards = Idempotency(database, keys_per_owner=100)
    assert isinstance(await afterwards.begin(world.owner_id, "k2", b"request"), Ticket)


async def test_one_key_too_many_is_told_when_to_come_back(
    ann: Client, world: Any, parts: ApiParts
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts.idempotency, "_of_programs", Rooms((-1, 0), _nothing))
        refused = await ann.post("/senders", SENDER, headers=key("k1"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "600")
    assert await count(world, "senders") == 0


async def test_a_preview_needs_no_key_and_keeps_no_answer(ann: Client, world: Any) -> None:
    for content in (b"a@x.org\n", b"b@x.org\n"):
        headers = {**key("k1"), "Content-Type": "text/csv"}
        shown = await ann.post("/recipients/preview", content=content, headers=headers)
        assert (shown.status_code, shown.json()["usable"]) == (200, 1)
    assert await count(world, "idempotency_keys") == 0


async def _nothing(*_: object) -> tuple[int, int]:
    return 0, 0


async def test_a_key_must_be_plain(ann: Client) -> None:
    refused = await ann.post("/senders", SENDER, headers=key("x" * 256))
    assert refused.status_code == 422


async def died_before_answering(world: Any, made_id: str) -> None:
    """As if the process had died after its commit: the lock of its sign of life is nobody's."""
    await world.execute(
        """UPDATE idempotency_keys
              SET status = NULL, body = NULL, headers = NULL, reserved_id = $1, holder = -1""",
        made_id,
    )


async def test_after_a_crash_the_same_request_finds_what_was_made_at_once(
    ann: Client, world: Any
) -> None:
    sender = await ann.sender()
    body = {"sender_id": sender["id"], "to": "a@x.org", "subject": "S", "text": "T"}
    for path, given in (("/emails", body), ("/senders", SENDER), ("/campaigns", CAMPAIGN | body)):
        sent = {
            name: value for name, value in given.items() if path != "/campaigns" or name != "to"
        }
        first = (await ann.post(path, sent, headers=key("k1"))).json()
        await died_before_answering(world, first["id"])
        again = await ann.post(path, sent, headers=key("k1"))
        assert (again.status_code, again.json()["id"]) == (201, first["id"])
        assert again.headers["Location"] == f"/api/v1{path}/{first['id']}"
        await world.execute("DELETE FROM idempotency_keys")
    assert await count(world, "emails") == 1
    assert await count(world, "senders") == 2
    assert await count(world, "campaigns") == 1


async def test_a_key_whose_process_lives_is_taken(
    ann: Client, database: Database, database_url: str
) -> None:
    other = Database(database_url)
    try:
        caller = await ApiKeys(other).authenticate(ann.key)
        assert caller is not None
        standing = await Idempotency(other).begin(caller.user_id, "k1", b"its request")
        assert isinstance(standing, Ticket)
        elsewhere = await ann.post("/senders", SENDER, headers=key("k1"))
        assert elsewhere.status_code == 422  # it is another request, so it need not wait
        with pytest.raises(UnderWay):
            await Idempotency(database).begin(caller.user_id, "k1", b"its request")
    finally:
        await other.close()
    standing = await Idempotency(database).begin(caller.user_id, "k1", b"its request")
    assert isinstance(standing, Ticket)


async def test_a_key_under_way_says_when_to_ask_again(
    ann: Client, world: Any, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE senders"))
        first = asyncio.create_task(ann.post("/senders", SENDER, headers=key("k1")))
        await world.until_blocked(1)
        second = await ann.post("/senders", SENDER, headers=key("k1"))
        assert (second.status_code, second.headers["Retry-After"]) == (409, "1")
    assert (await first).status_code == 201


async def test_a_request_that_broke_may_be_tried_again_at_once(
    ann: Client, world: Any, database: Database
) -> None:
    await world.execute("ALTER TABLE senders ADD CONSTRAINT broken CHECK (false) NOT VALID")
    with pytest.raises(IntegrityError):
        await ann.post("/senders", SENDER, headers=key("k1"))
    await world.execute("ALTER TABLE senders DROP CONSTRAINT broken")
    assert (await ann.post("/senders", SENDER, headers=key("k1"))).status_code == 201


async def test_a_row_of_an_older_version_is_taken_over_after_two_minutes(
    ann: Client, world: Any
) -> None:
    first = (await ann.post("/senders", SENDER, headers=key("k1"))).json()
    await world.execute(
        """UPDATE idempotency_keys SET status = NULL, headers = NULL, reserved_id = NULL,
                  body = decode(replace($1, '-', ''), 'hex')""",
        first["id"],
    )
    assert (await ann.post("/senders", SENDER, headers=key("k1"))).status_code == 409
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '3 minutes'")
    again = await ann.post("/senders", SENDER, headers=key("k1"))
    assert (again.status_code, again.json()["id"]) == (201, first["id"])


async def test_a_key_is_free_again_after_a_day(ann: Client, world: Any) -> None:
    first = await ann.post("/senders", SENDER, headers=key("k1"))
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    second = await ann.post("/senders", {**SENDER, "name": "X"}, headers=key("k1"))
    assert second.status_code == 201
    assert first.json()["id"] != second.json()["id"]


async def test_an_expired_key_gives_a_new_id_to_the_next_request(world: Any, database: Any) -> None:
    idempotency = Idempotency(database)
    first = await idempotency.begin(world.owner_id, "k", b"request")
    assert isinstance(first, Ticket)
    await idempotency.finish(first, Answer(status=200))
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    second = await idempotency.begin(world.owner_id, "k", b"other")
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
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_an_upload_whose_process_died_after_it_is_reported_as_it_was(
    ann: Client, world: Any, parts: ApiParts
) -> None:
    campaign = await ann.campaign()
    path = f"/campaigns/{campaign['id']}/recipients"
    headers = {**key("k1"), "Content-Type": "text/csv"}

    async def dies(*_: object) -> None:
        raise RuntimeError("the process died between its commit and its answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(parts.idempotency), "finish", dies)
        with pytest.raises(RuntimeError):
            await ann.post(path, content=b"a@x.org\nb@x.org\n", headers=headers)
    again = await ann.post(path, content=b"a@x.org\nb@x.org\n", headers=headers)
    assert (again.status_code, again.json()["accepted"]) == (200, 2)
    assert await count(world, "emails") == 2


async def test_an_upload_whose_process_died_before_it_may_be_read_otherwise_at_once(
    ann: Client, world: Any, database_url: str
) -> None:
    """It was asked how its list is to be read, and is answered differently by now."""
    campaign = await ann.campaign()
    path = f"/campaigns/{campaign['id']}/recipients"
    headers = {**key("k1"), "Content-Type": "text/csv"}
    other = Database(database_url)
    try:
        caller = await ApiKeys(other).authenticate(ann.key)
        assert caller is not None
        await Idempotency(other).begin(caller.user_id, "k1", b"the same list, read otherwise")
        refused = await ann.post(f"{path}?header_line=0", content=b"a@x.org\n", headers=headers)
        assert refused.status_code == 422
    finally:
        await other.close()
    stored = await ann.post(f"{path}?header_line=0", content=b"a@x.org\n", headers=headers)
    assert (stored.status_code, stored.json()["accepted"]) == (200, 1)
    refused = await ann.post(f"{path}?header_line=1", content=b"a@x.org\n", headers=headers)
    assert (refused.status_code, await count(world, "emails")) == (422, 1)


async def test_the_query_belongs_to_what_is_compared(ann: Client, world: Any) -> None:
    campaign = await ann.campaign()
    path = f"/campaigns/{campaign['id']}/attachments"
    headers = {**key("k1"), "Content-Type": "application/pdf"}
    first = await ann.post(f"{path}?file_name=a.pdf", content=b"%PDF", headers=headers)
    other = await ann.post(f"{path}?file_name=b.pdf", content=b"%PDF", headers=headers)
    again = await ann.post(f"{path}?file_name=a.pdf", content=b"%PDF", headers=headers)
    assert (first.status_code, other.status_code, again.status_code) == (201, 422, 201)
    assert "different request" in other.json()["detail"]
    assert again.headers["Location"] == first.headers["Location"]
    assert await count(world, "campaign_attachments") == 1


async def test_a_replay_carries_the_location_and_status_of_the_first(ann: Client) -> None:
    first = await ann.post("/senders", SENDER, headers=key("k1"))
    again = await ann.post("/senders", SENDER, headers=key("k1"))
    for name in ("Location", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert again.status_code == first.status_code == 201


async def test_two_keys_are_none(ann: Client) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", ann.key)]
    answer = await ann.http.post("/api/v1/senders", json=SENDER, headers=headers)
    assert answer.status_code in (401, 422)


async def test_the_description_names_the_key_at_every_post_that_writes_and_nowhere_else(
    ann: Client,
) -> None:
    document = (await ann.http.get("/api/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            named = [p["name"] for p in operation.get("parameters", [])].count("Idempotency-Key")
            writes = method == "post" and not path.endswith("/preview") and "/persons/" not in path
            assert named == (1 if writes else 0), (method, path)
            if writes:
                assert "Retry-After" in operation["responses"]["409"]["headers"]
                done = next(code for code in operation["responses"] if code.startswith("2"))
                assert "Idempotency-Replayed" in operation["responses"][done]["headers"]
