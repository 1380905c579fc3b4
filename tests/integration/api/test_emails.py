from __future__ import annotations

import uuid
from typing import Any

import pytest

from paceline.domain import short_lists
from tests.integration.api.conftest import Client


async def test_an_email_waits_for_its_time_and_says_so(ann: Client) -> None:
    email = await ann.email(scheduled_at="2030-01-01T10:00:00+01:00")
    assert (email["state"], email["held_by"]) == ("scheduled", "schedule")
    for name in ("scheduled_at", "release_at", "estimated_send_at"):
        assert email[name] == "2030-01-01T09:00:00Z"
    assert email["message_id"] == f"<{email['id']}@example.com>"


async def test_an_email_can_be_moved_and_called_back(ann: Client) -> None:
    email = await ann.email(scheduled_at="2030-01-01T10:00:00Z")
    path = f"/emails/{email['id']}"
    moved = await ann.patch(path, {"scheduled_at": "2030-02-01T10:00:00Z"})
    assert moved.json()["scheduled_at"] == "2030-02-01T10:00:00Z"
    cancelled = await ann.post(f"{path}/cancel")
    assert cancelled.status_code == 200
    assert (cancelled.json()["result"], cancelled.json()["state"]) == ("cancelled", "cancelled")
    again = await ann.post(f"{path}/cancel")
    assert again.json()["result"] == "cancelled"
    assert (await ann.patch(path, {"scheduled_at": "2030-03-01T10:00:00Z"})).status_code == 409


async def test_an_email_that_waits_can_be_changed_and_says_by_whom(ann: Client) -> None:
    email = await ann.email(scheduled_at="2030-01-01T10:00:00Z")
    path = f"/emails/{email['id']}"
    patch = {"to": "bob@example.com", "to_name": "Bob", "subject": "Anew", "scheduled_at": None}
    changed = (await ann.patch(path, patch)).json()
    assert {name: changed[name] for name in patch} == {
        **patch,
        "scheduled_at": changed["scheduled_at"],
    }
    assert changed["scheduled_at"] < "2030"
    shown = (await ann.get(path)).json()
    assert [decision["what"] for decision in shown["decisions"]] == ["changed", "moved"]
    assert "by API key" in shown["decisions"][0]["by"]
    assert shown["decisions"][0]["detail"]["to"] == [email["to"], "bob@example.com"]
    refused = await ann.patch(path, {"to": "nobody", "fields": {"city": "Rome"}})
    assert refused.status_code == 422
    assert {problem["field"] for problem in refused.json()["errors"]} == {"to", "fields"}


async def test_a_campaigns_email_has_its_values_changed(ann: Client) -> None:
    draft = await ann.campaign(
        text="In {{ city }}",
        recipients=[{"email": "ada@example.com", "fields": {"city": "Rome", "plan": "a"}}],
    )
    listed = await ann.get("/emails", params={"campaign_id": draft["id"]})
    path = f"/emails/{listed.json()['items'][0]['id']}"
    answer = await ann.patch(path, {"fields": {"city": "Oslo", "plan": None}})
    assert answer.status_code == 200
    shown = (await ann.get(path)).json()
    assert shown["fields"] == {"city": "Oslo"}
    assert "In Oslo" in shown["text"]
    assert (await ann.patch(path, {"subject": "Mine"})).status_code == 422


@pytest.mark.parametrize("state", ["claimed", "sending", "sent"])
async def test_an_email_that_is_leaving_cannot_be_called_back(
    ann: Client, world: Any, state: str
) -> None:
    email = await ann.email()
    await world.execute(
        "UPDATE email_jobs SET state = $1, sent_at = CASE WHEN $1 = 'sent' THEN now() END, "
        "lease_until = CASE WHEN $1 <> 'sent' THEN now() END",
        state,
    )
    late = await ann.post(f"/emails/{email['id']}/cancel")
    assert late.status_code == 409
    assert late.json()["result"] == "too_late"


async def test_doubt_is_settled_by_a_person(ann: Client, world: Any) -> None:
    sender = await ann.sender()
    emails = [await ann.email(sender_id=sender["id"]) for _ in range(2)]
    sent, again = (f"/emails/{e['id']}/resolve" for e in emails)
    assert (await ann.post(sent, {"resolution": "sent"})).status_code == 409
    await world.execute("UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now()")
    assert (await ann.post(sent, {"resolution": "perhaps"})).status_code == 422
    settled = (await ann.post(sent, {"resolution": "sent"})).json()
    assert settled["state"] == "sent"
    assert settled["sent_at"] is not None
    assert (await ann.post(again, {"resolution": "resend"})).json()["state"] == "deferred"


async def test_a_completed_campaign_reopens_for_an_email_that_is_resent(
    ann: Client, world: Any
) -> None:
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}])
    path = f"/campaigns/{campaign['id']}"
    await ann.post(f"{path}/launch")
    await world.execute("UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now()")
    await world.execute("UPDATE campaigns SET state = 'completed', finished_at = now()")
    (email,) = (await ann.get(f"{path}/emails")).json()["items"]
    await ann.post(f"/emails/{email['id']}/resolve", {"resolution": "resend"})
    reopened = (await ann.get(path)).json()
    assert (reopened["state"], reopened["finished_at"]) == ("active", None)
    assert reopened["counts"]["deferred"] == 1


async def test_a_suppressed_address_is_not_written_to(ann: Client) -> None:
    added = await ann.post("/suppressions", {"addresses": ["Gone@Example.com", "b@x.org"]})
    assert added.json() == {"added": 2}
    sender = await ann.sender()
    refused = await ann.post(
        "/emails",
        {"sender_id": sender["id"], "to": "gone@EXAMPLE.com", "subject": "S", "text": "T"},
    )
    assert [e["field"] for e in refused.json()["errors"]] == ["to"]
    assert (await ann.call("DELETE", "/api/v1/suppressions/gone@example.com")).status_code == 204
    assert (await ann.call("DELETE", "/api/v1/suppressions/gone@example.com")).status_code == 404
    listed = (await ann.get("/suppressions")).json()["items"]
    assert [(s["address"], s["reason"]) for s in listed] == [("b@x.org", "manual")]


async def test_every_list_is_complete_and_without_repeats_however_it_is_paged(
    ann: Client, world: Any
) -> None:
    campaign = await ann.campaign(recipients=[{"email": f"u{i}@x.org"} for i in range(23)])
    await ann.post(f"/campaigns/{campaign['id']}/launch")
    for i in range(3):
        await ann.email(sender_id=campaign["sender_id"], to=f"single{i}@x.org")
    for state, n, extra in (
        ("sent", 5, "sent_at = now()"),
        ("failed", 4, "failure_reason = 'rejected'"),
        ("deferred", 3, "due_at = now() + interval '1 minute'"),
        ("claimed", 2, "lease_until = now()"),
        ("in_doubt", 1, "in_doubt_at = now()"),
    ):
        await world.execute(
            f"UPDATE email_jobs SET state = '{state}', updated_at = now(), {extra} WHERE email_id "
            f"IN (SELECT email_id FROM email_jobs WHERE state = 'scheduled' LIMIT {n})"
        )

    async def walk(query: str) -> list[str]:
        found, cursor, before = [], "", []
        while True:
            page = (await ann.get(f"/emails?limit=4{query}{cursor}")).json()
            if cursor:
                back = f"&cursor={page['previous_cursor']}"
                assert (await ann.get(f"/emails?limit=4{query}{back}")).json()["items"] == before
            else:
                assert page["previous_cursor"] is None
            before = page["items"]
            found += [e["id"] for e in before]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def expected(where: str) -> set[str]:
        rows = await world.fetch(f"SELECT email_id FROM email_jobs j WHERE {where}")
        return {str(row["email_id"]) for row in rows}

    of_campaign = f"campaign_id = '{campaign['id']}'"
    for query, where in (
        ("", "true"),
        ("&state=sent", "state = 'sent'"),
        ("&state=failed&state=in_doubt", "state IN ('failed', 'in_doubt')"),
        ("&state=scheduled&state=deferred", "state IN ('scheduled', 'deferred')"),
        (f"&campaign_id={campaign['id']}", of_campaign),
        (f"&campaign_id={campaign['id']}&state=deferred", f"{of_campaign} AND state = 'deferred'"),
        (f"&campaign_id={campaign['id']}&state=sent", f"{of_campaign} AND state = 'sent'"),
        (f"&sender_id={campaign['sender_id']}", "true"),
        ("&q=SINGLE", "campaign_id IS NULL"),
        ("&sort=backwards", "true"),
        (f"&campaign_id={campaign['id']}&sort=backwards", of_campaign),
        ("&list=scheduled&sort=backwards", "state IN ('scheduled', 'deferred', 'claimed')"),
        ("&list=failed", "state = 'failed'"),
        ("&list=in_doubt", "state = 'in_doubt'"),
        ("&list=cancelled", "false"),
        ("&reason=rejected", "state = 'failed'"),
        ("&reason=expired", "false"),
        ("&list=failed&reply=none", "state = 'failed'"),
        ("&list=failed&reply=550", "false"),
        ("&list=sent&begin=2000-01-01T00:00:00Z", "state = 'sent'"),
        ("&list=sent&end=2000-01-01T00:00:00Z", "false"),
        (
            "&q=u7@x.org",
            "EXISTS (SELECT 1 FROM emails e WHERE e.id = email_id AND address = 'u7@x.org')",
        ),
        (
            "&q=single1@x.org",
            "EXISTS (SELECT 1 FROM emails e WHERE e.id = email_id AND address = 'single1@x.org')",
        ),
        ("&q=nobody", "false"),
    ):
        found = await walk(query)
        assert len(found) == len(set(found)), query
        assert set(found) == await expected(where), query


async def test_a_list_can_be_read_backwards_and_between_two_instants(ann: Client) -> None:
    sender = await ann.sender()
    hours = [f"2030-01-0{day}T10:00:00+00:00" for day in range(1, 6)]
    for hour in hours:
        await ann.email(sender_id=sender["id"], scheduled_at=hour)

    async def listed(query: str) -> list[str]:
        items = (await ann.get(f"/emails?list=scheduled{query}")).json()["items"]
        return [item["due_at"].replace("Z", "+00:00") for item in items]

    assert await listed("") == hours
    assert await listed("&sort=backwards") == hours[::-1]
    between = "&begin=2030-01-02T10:00:00Z&end=2030-01-04T10:00:00Z"
    assert await listed(between) == hours[1:3]


async def test_a_short_list_is_sorted_by_what_its_page_is_sorted_by(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [("b@x.org", "Zoe"), ("c@x.org", "adam"), ("a@x.org", "Éva")]
    recipients = [{"email": email, "name": name} for email, name in people]
    campaign = await ann.campaign(recipients=recipients)

    async def names(path: str, sort: str) -> list[str]:
        found, cursor = [], ""
        while cursor is not None:
            page = (await ann.get(f"{path}?limit=2&sort={sort}{cursor}")).json()
            found += [email["to_name"] for email in page["items"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        return found

    for path in ("/emails", f"/campaigns/{campaign['id']}/emails"):
        assert await names(path, "recipient") == ["adam", "Éva", "Zoe"]
        assert await names(path, "-recipient") == ["Zoe", "Éva", "adam"]
        assert sorted(await names(path, "status")) == sorted(await names(path, "-campaign"))
    monkeypatch.setattr(short_lists, "MAX_SORTED", 2)
    refused = await ann.get("/emails?sort=recipient")
    assert refused.status_code == 422
    assert [e["field"] for e in refused.json()["errors"]] == ["sort"]
    assert "filter the list first" in refused.text
    assert (await ann.get("/emails?sort=backwards")).status_code == 200


async def test_emails_of_a_campaign_keep_the_order_of_the_file(ann: Client) -> None:
    recipients = [{"email": f"{c}@x.org"} for c in "zyxw"]
    campaign = await ann.campaign(recipients=recipients)
    page = (await ann.get(f"/campaigns/{campaign['id']}/emails?limit=3")).json()
    assert [e["to"][0] for e in page["items"]] == list("zyx")


WRONG_QUERIES: list[tuple[str, str]] = [
    ("cursor=rubbish", "cursor"),
    ("cursor=WyJ4IiwgIngiLCAieCJd", "cursor"),
    ("cursor=W10", "cursor"),
    ("limit=0", "limit"),
    ("limit=201", "limit"),
    ("limit=x", "limit"),
    ("state=done", "state[0]"),
    ("campaign_id=x", "campaign_id"),
    ("q=" + "x" * 201, "q"),
    ("q=%00", "q"),
    ("colour=blue", "colour"),
    ("sort=subject", "sort"),
]


async def test_a_query_that_makes_no_sense_is_refused(ann: Client) -> None:
    for query, field in WRONG_QUERIES:
        refused = await ann.get(f"/emails?{query}")
        assert refused.status_code == 422, (query, refused.text)
        assert [e["field"] for e in refused.json()["errors"]] == [field], query


WRONG: list[tuple[dict[str, object], str]] = [
    ({"to": "nobody"}, "to"),
    ({"to": "a@x.org\r\nBcc: b@x.org"}, "to"),
    ({"to": "a@x.org, b@x.org"}, "to"),
    ({"to_name": "A\r\nBcc: b@x.org"}, "to_name"),
    ({"subject": "a\r\nBcc: b@x.org"}, "subject"),
    ({"subject": ""}, "subject"),
    ({"text": None}, "text"),
    ({"text": "\u0000"}, "text"),
    ({"scheduled_at": "2030-01-01T10:00:00"}, "scheduled_at"),
    ({"scheduled_at": "2020-01-01T10:00:00Z"}, "scheduled_at"),
    ({"sender_id": str(uuid.uuid4())}, "sender_id"),
]


async def test_an_email_with_a_wrong_field_is_refused_by_its_name(ann: Client) -> None:
    sender = await ann.sender()
    given = {"sender_id": sender["id"], "to": "a@x.org", "subject": "S", "text": "T"}
    for values, field in WRONG:
        refused = await ann.post("/emails", {**given, **values})
        assert refused.status_code == 422, (values, refused.text)
        assert [e["field"] for e in refused.json()["errors"]] == [field], values
    assert (await ann.get("/emails")).json()["items"] == []
