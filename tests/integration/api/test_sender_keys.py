"""DKIM keys and access tokens of senders, over the API: made, shown as records, never shown."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import dkim
import pytest

from paceline.auth.secretbox import SecretBox, dkim_key_label
from tests.integration.api.conftest import SENDER, Client
from tests.integration.engine.sink import Sink
from tests.world import World

KINDS = ("rsa", "ed25519")


@pytest.fixture
async def sender(ann: Client) -> dict[str, Any]:
    return await ann.sender()


def dkim_of(sender: dict[str, Any]) -> str:
    return f"/senders/{sender['id']}/dkim"


@pytest.mark.parametrize("algorithm", KINDS)
async def test_a_key_is_made_and_its_record_shown(
    ann: Client, sender: dict[str, Any], algorithm: str
) -> None:
    assert sender["dkim"] is None
    made = await ann.post(dkim_of(sender), {"algorithm": algorithm})
    assert made.status_code == 201, made.text
    assert made.headers["Location"].endswith(dkim_of(sender))
    record = made.json()
    assert record["name"] == f"{record['selector']}._domainkey.example.com"
    assert record["text"].startswith(f"v=DKIM1; k={algorithm}; p=")
    assert record["value"].replace('" "', "").strip('"') == record["text"]
    assert (await ann.get(dkim_of(sender))).json() == record
    shown = (await ann.get(f"/senders/{sender['id']}")).json()["dkim"]
    told = {n: record[n] for n in ("selector", "domain", "algorithm")}
    assert shown == {**told, "is_lost": False}
    assert shown["domain"] == "example.com"


async def test_rsa_is_the_default_since_everybody_reads_it(
    ann: Client, sender: dict[str, Any]
) -> None:
    assert (await ann.post(dkim_of(sender), {})).json()["algorithm"] == "rsa"


async def test_selector_and_a_domain_above_froms_can_be_chosen(ann: Client) -> None:
    sender = await ann.sender(from_address="news@mail.example.com")
    wanted = {"algorithm": "ed25519", "selector": "Mail-2027", "domain": "Example.com"}
    record = (await ann.post(dkim_of(sender), wanted)).json()
    assert record["name"] == "mail-2027._domainkey.example.com"


async def test_an_international_domain_is_published_as_the_dns_has_it(ann: Client) -> None:
    sender = await ann.sender(from_address="post@bücher.example")
    record = (await ann.post(dkim_of(sender), {"algorithm": "ed25519"})).json()
    assert record["domain"] == "xn--bcher-kva.example"


WRONG: list[tuple[dict[str, object], str]] = [
    ({"algorithm": "dsa"}, "algorithm"),
    ({"selector": "a b"}, "selector"),
    ({"selector": "a;d=eve.test"}, "selector"),
    ({"selector": "a\r\nBcc: eve@eve.test"}, "selector"),
    ({"domain": "eve.test"}, "domain"),
    ({"domain": "com"}, "domain"),
    ({"domain": "badexample.com"}, "domain"),
    ({"domain": "x@example.com"}, "domain"),
    ({"private_key": "mine"}, "private_key"),
]


@pytest.mark.parametrize(("values", "field"), WRONG)
async def test_a_wrong_field_is_refused_by_its_name_and_makes_no_key(
    ann: Client, sender: dict[str, Any], values: dict[str, object], field: str
) -> None:
    refused = await ann.post(dkim_of(sender), {"algorithm": "ed25519", **values})
    assert refused.status_code == 422, refused.text
    assert [e["field"] for e in refused.json()["errors"]] == [field]
    assert (await ann.get(dkim_of(sender))).status_code == 404


async def test_a_second_key_needs_the_first_one_gone(ann: Client, sender: dict[str, Any]) -> None:
    answers = await asyncio.gather(
        *(ann.post(dkim_of(sender), {"algorithm": "ed25519"}) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    (first,) = (answer.json() for answer in answers if answer.status_code == 201)
    assert (await ann.call("DELETE", f"/api/v1{dkim_of(sender)}")).status_code == 204
    assert (await ann.get(dkim_of(sender))).status_code == 404
    assert (await ann.get(f"/senders/{sender['id']}")).json()["dkim"] is None
    assert (await ann.call("DELETE", f"/api/v1{dkim_of(sender)}")).status_code == 204
    second = (await ann.post(dkim_of(sender), {"algorithm": "ed25519"})).json()
    assert second["selector"] != first["selector"]


async def test_a_request_sent_again_makes_one_key(ann: Client, sender: dict[str, Any]) -> None:
    again = {"headers": {"Idempotency-Key": "k1"}}
    answers = [await ann.post(dkim_of(sender), {"algorithm": "rsa"}, **again) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_the_key_of_another_owner_is_not_there(
    ann: Client, bob: Client, sender: dict[str, Any]
) -> None:
    await ann.post(dkim_of(sender), {"algorithm": "ed25519"})
    for method in ("POST", "GET", "DELETE"):
        body = {"json": {"algorithm": "rsa"}} if method == "POST" else {}
        denied = await bob.call(method, f"/api/v1{dkim_of(sender)}", **body)
        assert denied.status_code == 404
    assert (await ann.get(dkim_of(sender))).status_code == 200


async def test_the_private_key_is_stored_sealed_and_never_shown(
    ann: Client, sender: dict[str, Any], world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [(await ann.post(dkim_of(sender), {"algorithm": "rsa"})).text]
    answers += [(await ann.get(path)).text for path in (dkim_of(sender), "/senders")]
    [row] = await world.fetch("SELECT id, owner_id, dkim_key FROM senders")
    label = dkim_key_label(owner_id=row["owner_id"], sender_id=row["id"])
    pem = SecretBox(b"k" * 32).open(row["dkim_key"], label=label)
    lines = pem.splitlines()
    assert lines[0] == "-----BEGIN PRIVATE KEY-----"
    told = "".join(answers) + caplog.text
    for line in lines[1:-1]:
        assert line not in told
        assert line.encode() not in row["dkim_key"]


async def test_a_key_stays_with_the_domain_that_it_was_published_for(
    ann: Client, sender: dict[str, Any]
) -> None:
    await ann.post(dkim_of(sender), {"algorithm": "ed25519"})
    path = f"/senders/{sender['id']}"
    moved = (await ann.patch(path, {"from_address": "news@other.test"})).json()
    assert moved["dkim"]["domain"] == "example.com"


@pytest.mark.parametrize("algorithm", KINDS)
async def test_a_test_message_is_signed(ann: Client, algorithm: str) -> None:
    async with Sink() as sink:
        sender = await ann.sender(smtp_port=sink.port)
        record = (await ann.post(dkim_of(sender), {"algorithm": algorithm})).json()
        sent = await ann.post(f"/senders/{sender['id']}/test", {"to": "ann@example.org"})
    assert sent.json()["ok"] is True
    (taken,) = sink.taken
    assert taken.raw.startswith(b"DKIM-Signature: ")
    assert dkim.verify(taken.raw, dnsfunc=lambda *_, **__: record["text"].encode())


async def test_a_message_of_a_sender_without_a_key_is_left_to_the_server(ann: Client) -> None:
    async with Sink() as sink:
        sender = await ann.sender(smtp_port=sink.port)
        await ann.post(f"/senders/{sender['id']}/test", {"to": "ann@example.org"})
    (taken,) = sink.taken
    assert b"DKIM-Signature" not in taken.raw


# Access tokens.

TOKEN = {"smtp_auth": "xoauth2", "smtp_username": "ann", "smtp_password": "ya29.token"}


async def test_a_token_is_kept_like_a_password(ann: Client) -> None:
    sender = await ann.sender(**TOKEN)
    assert (sender["smtp_auth"], sender["smtp_password_set"]) == ("xoauth2", True)
    assert "ya29" not in (await ann.get("/senders")).text
    renewed = await ann.patch(f"/senders/{sender['id']}", {"smtp_password": "ya29.next"})
    assert (renewed.status_code, renewed.json()["smtp_auth"]) == (200, "xoauth2")
    assert (await ann.sender())["smtp_auth"] == "password"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({**TOKEN, "smtp_auth": "kerberos"}, "smtp_auth"),
        ({**TOKEN, "smtp_password": "two words"}, "smtp_password"),
        ({**TOKEN, "smtp_password": "tökén"}, "smtp_password"),
        ({**TOKEN, "smtp_password": "a\u0001b"}, "smtp_password"),
        ({"smtp_auth": "xoauth2"}, "smtp_username"),
    ],
)
async def test_what_is_no_token_is_refused(
    ann: Client, values: dict[str, object], field: str
) -> None:
    refused = await ann.post("/senders", {**SENDER, **values})
    assert refused.status_code == 422, refused.text
    assert [e["field"] for e in refused.json()["errors"]] == [field]


async def test_a_stored_password_is_not_taken_for_a_token_nor_the_other_way(ann: Client) -> None:
    for before, after in (("password", "xoauth2"), ("xoauth2", "password")):
        sender = await ann.sender(**{**TOKEN, "smtp_auth": before})
        path = f"/senders/{sender['id']}"
        refused = await ann.patch(path, {"smtp_auth": after})
        assert [e["field"] for e in refused.json()["errors"]] == ["smtp_password"]
        assert (await ann.get(path)).json()["smtp_auth"] == before
        changed = await ann.patch(path, {"smtp_auth": after, "smtp_password": "another"})
        assert changed.json()["smtp_auth"] == after
