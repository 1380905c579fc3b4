from __future__ import annotations

import asyncio
import uuid

import pytest

from tests.integration.api.conftest import Client

CSV = {"Content-Type": "text/csv"}


async def test_a_campaign_from_draft_to_running_by_http_alone(ann: Client) -> None:
    campaign = await ann.campaign(start_at="2030-01-01T09:00:00+01:00", time_zone="Europe/Berlin")
    path = f"/campaigns/{campaign['id']}"
    upload = await ann.post(
        f"{path}/recipients", content=b"email;name\na@x.org;A\nb@x.org;B\n?;C\n", headers=CSV
    )
    report = upload.json()
    assert report.pop("shape")["header_line"] == 1
    assert report == {
        **{"rows": 3, "accepted": 2, "duplicates": 0, "suppressed": 0, "left_out": 0},
        **{"left_out_rows": [], "notes": []},
        "invalid": [{"line": 4, "value": "?", "reason": "there is no @ in it: ?"}],
    }
    launched = (await ann.post(f"{path}/launch")).json()
    assert (launched["state"], launched["held_by"]) == ("active", "schedule")
    assert launched["start_at"] == launched["release_at"] == "2030-01-01T08:00:00Z"
    assert launched["counts"]["scheduled"] == 2

    emails = (await ann.get(f"{path}/emails")).json()["items"]
    assert [e["to"] for e in emails] == ["a@x.org", "b@x.org"]
    assert {e["held_by"] for e in emails} == {"schedule"}
    assert emails[0]["estimated_send_at"] == "2030-01-01T08:00:00Z"

    assert (await ann.post(f"{path}/pause")).json()["state"] == "paused"
    assert (await ann.post(f"{path}/resume")).json()["state"] == "active"
    cancelled = (await ann.post(f"{path}/cancel")).json()
    assert (cancelled["state"], cancelled["counts"]["cancelled"]) == ("cancelled", 2)
    assert (await ann.post(f"{path}/launch")).status_code == 409


async def test_a_draft_can_be_thrown_away_and_a_launched_campaign_cannot(ann: Client) -> None:
    draft = await ann.campaign(recipients=[{"email": "a@x.org"}])
    assert (await ann.delete(f"/campaigns/{draft['id']}")).status_code == 204
    assert (await ann.get(f"/campaigns/{draft['id']}")).status_code == 404
    assert (await ann.get("/emails")).json()["items"] == []

    launched = await ann.campaign(recipients=[{"email": "a@x.org"}])
    await ann.post(f"/campaigns/{launched['id']}/launch")
    refused = await ann.delete(f"/campaigns/{launched['id']}")
    assert refused.status_code == 409
    assert "cancel it" in refused.json()["detail"]


async def test_the_fixed_shape_that_clients_rely_on(ann: Client) -> None:
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}])
    assert {"id", "state", "counts"} <= campaign.keys()
    assert set(campaign["counts"]) == {
        *("scheduled", "claimed", "sending", "deferred"),
        *("sent", "failed", "in_doubt", "cancelled"),
    }
    page = (await ann.get("/emails")).json()
    assert set(page) == {"items", "next_cursor", "previous_cursor"}
    assert {
        *("id", "campaign_id", "sender_id", "to", "subject", "state", "scheduled_at", "sent_at"),
        *("attempt", "message_id"),
        *("held_by", "held_reason", "release_at", "estimated_send_at"),
    } <= page["items"][0].keys()


async def test_merge_fields_show_in_the_email(ann: Client) -> None:
    campaign = await ann.campaign(
        subject="Grüße, {{ name }}",
        text="Your plan: {{ plan }}, {{ seats }} seats",
        html="<p>{{ name }}</p>",
        recipients=[
            {"email": "a@x.org", "name": "A & Ö", "fields": {"plan": "pro", "seats": 3}},
        ],
    )
    (email,) = (await ann.get(f"/campaigns/{campaign['id']}/emails")).json()["items"]
    assert email["subject"] == "Grüße, A & Ö"
    detail = (await ann.get(f"/emails/{email['id']}")).json()
    assert detail["text"].strip() == "Your plan: pro, 3 seats"
    assert detail["html"].strip() == "<p>A &amp; Ö</p>"
    assert detail["fields"] == {"plan": "pro", "seats": 3}
    assert detail["attempts"] == []


async def test_recipients_may_come_as_json_too(ann: Client) -> None:
    campaign = await ann.campaign()
    path = f"/campaigns/{campaign['id']}/recipients"
    report = (await ann.post(path, {"recipients": [{"email": "a@x.org"}, {"email": "b"}]})).json()
    assert (report["rows"], report["accepted"], report["invalid"][0]["line"]) == (2, 1, 2)
    refused = await ann.post(path, {"recipients": [{"mail": "a@x.org"}]})
    assert [e["field"] for e in refused.json()["errors"]] == [
        "recipients[0].email",
        "recipients[0].mail",
    ]


async def test_the_list_is_paged_and_filtered_by_state(ann: Client) -> None:
    sender = await ann.sender()
    made = [(await ann.campaign(sender_id=sender["id"], name=f"C{i}"))["id"] for i in range(3)]
    first = (await ann.get("/campaigns?limit=2&state=draft")).json()
    second = (await ann.get(f"/campaigns?limit=2&state=draft&cursor={first['next_cursor']}")).json()
    assert [c["id"] for c in first["items"] + second["items"]] == made[::-1]
    assert (await ann.get("/campaigns?state=active")).json()["items"] == []


WRONG: list[tuple[dict[str, object], str]] = [
    ({"subject": "a\nb"}, "subject"),
    ({"subject": "a\u0000b"}, "subject"),
    ({"subject": 5}, "subject"),
    ({"subject": "x" * 999}, "subject"),
    ({"text": None, "html": None}, "text"),
    ({"text": "x" * (1024 * 1024 + 1)}, "text"),
    ({"text": "{{ name"}, "text"),
    ({"html": "{{ name | nosuchfilter }}"}, "html"),
    ({"start_at": "2030-01-01T10:00:00"}, "start_at"),
    ({"start_at": "tomorrow"}, "start_at"),
    ({"start_at": 1_900_000_000}, "start_at"),
    ({"start_at": "2030-01-01"}, "start_at"),
    ({"start_at": "9999-12-31T23:59:59-23:00"}, "start_at"),
    ({"start_at": "0001-01-01T00:00:00+23:00"}, "start_at"),
    ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ({"time_zone": ""}, "time_zone"),
    ({"min_delay_ms": -5}, "min_delay_ms"),
    ({"hourly_limit": 0}, "hourly_limit"),
    ({"doubt_policy": "maybe"}, "doubt_policy"),
    ({"sender_id": "x"}, "sender_id"),
    ({"sender_id": str(uuid.uuid4())}, "sender_id"),
    ({"recipients": [{"email": "a@x.org\r\nBcc: b@x.org"}]}, "recipients[0].email"),
    ({"recipients": [{"email": "a@x.org", "name": "\u0000"}]}, "recipients[0].email"),
    ({"recipients": [{"email": "a@x.org", "fields": {"a b": 1}}]}, "recipients[0].email"),
    ({"recipients": "a@x.org"}, "recipients"),
    ({"recipients": [{"email": "a@x.org"}], "text": "{{ plan }}"}, "recipients[0].email"),
]


async def test_a_campaign_with_a_wrong_field_is_refused_and_nothing_is_stored(ann: Client) -> None:
    sender = await ann.sender()
    given = {"name": "L", "sender_id": sender["id"], "subject": "Hello", "text": "Dear"}
    for values, field in WRONG:
        refused = await ann.post("/campaigns", {**given, **values})
        assert refused.status_code == 422, (values, refused.text)
        assert [e["field"] for e in refused.json()["errors"]] == [field], values
    assert (await ann.get("/campaigns")).json()["items"] == []


async def test_a_naive_time_is_told_what_to_do(ann: Client) -> None:
    refused = await ann.post("/campaigns", {"start_at": "2030-01-01T10:00:00"})
    messages = {e["field"]: e["message"] for e in refused.json()["errors"]}
    assert messages["start_at"] == "give an offset, e.g. 2026-11-25T10:00:00+01:00"


@pytest.mark.parametrize(
    "data",
    [
        b"email,name\r\na@x.org,A\r\nb@x.org,B\r\n",
        b"\xef\xbb\xbfemail;name\na@x.org;A\nb@x.org;B",
        "E-Mail\tName\na@x.org\tÄ\nb@x.org\tB".encode("utf-16"),
        "email,name\na@x.org,Ä\nb@x.org,B".encode("cp1252"),
        b"a@x.org\nb@x.org",
        b'"name","e-mail"\n"A, the first","a@x.org"\n"B","b@x.org"',
    ],
)
async def test_a_file_of_any_usual_shape_is_taken(ann: Client, data: bytes) -> None:
    campaign = await ann.campaign()
    upload = await ann.post(f"/campaigns/{campaign['id']}/recipients", content=data, headers=CSV)
    assert upload.json()["accepted"] == 2, upload.text


async def test_a_file_that_is_no_table_is_refused_by_name(ann: Client) -> None:
    campaign = await ann.campaign()
    path = f"/campaigns/{campaign['id']}/recipients"
    for data in (b"", b"name\nAnn,x\n", b"PK\x03\x04"):
        refused = await ann.post(path, content=data, headers=CSV)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "file"


async def test_commands_that_race_leave_one_winner(ann: Client) -> None:
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}])
    path = f"/campaigns/{campaign['id']}"
    codes = [
        r.status_code for r in await asyncio.gather(*(ann.post(f"{path}/launch") for _ in range(4)))
    ]
    assert sorted(codes) == [200, 409, 409, 409]


async def test_a_plain_list_is_taken_under_its_own_name(ann: Client) -> None:
    campaign = await ann.campaign()
    path = f"/campaigns/{campaign['id']}/recipients"
    for kind, address in (
        ("text/plain; charset=utf-8", b"a@x.org"),
        ("application/csv", b"b@x.org"),
    ):
        upload = await ann.post(path, content=address, headers={"Content-Type": kind})
        assert upload.json()["accepted"] == 1
    refused = await ann.post(path, content=b"c@x.org", headers={"Content-Type": "image/png"})
    assert refused.status_code == 415


async def test_a_start_that_has_passed_is_told_how_to_begin_right_away(ann: Client) -> None:
    past = {"start_at": "2020-01-01T00:00:00Z"}
    campaign = await ann.campaign(start_at="2030-06-01T09:00:00Z")
    path = f"/campaigns/{campaign['id']}"
    new = {"subject": "Hello", "text": "Dear reader", "sender_id": campaign["sender_id"], **past}
    [made] = (await ann.post("/campaigns", new)).json()["errors"]
    [changed] = (await ann.patch(path, past)).json()["errors"]
    assert made["message"] == "has passed; leave it out to begin right away"
    assert changed["message"] == "has passed; leave it empty to begin right away"
    assert (await ann.patch(path, {"start_at": None})).json()["start_at"] is None
