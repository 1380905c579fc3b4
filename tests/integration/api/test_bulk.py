"""Many emails at once: what was ticked, or all that match; and what was not done, by reason."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

from tests.integration.api.conftest import Client
from tests.world import World

LATER = "2031-05-01T10:00:00Z"
CHANGES = {
    "deferred": "",
    "claimed": ", lease_until = now() + interval '1 minute'",
    "sent": ", sent_at = now()",
    "failed": ", failure_reason = 'rejected', reply_code = 550",
    "in_doubt": ", in_doubt_at = now()",
    "cancelled": "",
}


async def one_of_each(ann: Client, world: World, **values: object) -> dict[str, str]:
    """By state, the id of an email of one running campaign."""
    states = ["scheduled", *CHANGES]
    recipients = [{"email": f"{state}@x.org"} for state in states]
    campaign = await ann.campaign(recipients=recipients, **values)
    await ann.post(f"/campaigns/{campaign['id']}/launch")
    rows = await world.fetch(
        "SELECT id, split_part(address, '@', 1) AS state FROM emails WHERE campaign_id = $1",
        uuid.UUID(campaign["id"]),
    )
    for row in rows:
        if row["state"] in CHANGES:
            await world.execute(
                f"UPDATE email_jobs SET state = '{row['state']}', attempt = 1"
                f"{CHANGES[row['state']]} WHERE email_id = $1",
                row["id"],
            )
    return {row["state"]: str(row["id"]) for row in rows} | {"campaign": campaign["id"]}


async def bulk(ann: Client, **body: Any) -> dict[str, Any]:
    answer = await ann.post("/emails/bulk", body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def state_of(ann: Client, email: str) -> str:
    return str((await ann.get(f"/emails/{email}")).json()["state"])


async def test_what_is_ticked_is_cancelled_and_the_rest_is_said_with_its_reason(
    ann: Client, world: World
) -> None:
    emails = await one_of_each(ann, world)
    campaign = emails.pop("campaign")
    nobodys = str(uuid.uuid4())
    told = await bulk(ann, action="cancel", ids=[*emails.values(), nobodys])
    assert told == {
        "done": 2,
        "not_done": {
            "not_found": 1,
            "on_its_way": 1,
            "sent": 1,
            "failed": 1,
            "in_doubt": 1,
            "cancelled": 1,
        },
        "complete": True,
    }
    assert await state_of(ann, emails["scheduled"]) == "cancelled"
    assert await state_of(ann, emails["deferred"]) == "cancelled"
    counts = (await ann.get(f"/campaigns/{campaign}")).json()["counts"]
    assert (counts["cancelled"], counts["sent"]) == (3, 1)


async def test_what_waits_untried_is_moved_and_nothing_else(ann: Client, world: World) -> None:
    emails = await one_of_each(ann, world)
    emails.pop("campaign")
    told = await bulk(ann, action="reschedule", ids=list(emails.values()), scheduled_at=LATER)
    assert told["done"] == 1
    assert told["not_done"]["tried_before"] == 1
    moved = (await ann.get(f"/emails/{emails['scheduled']}")).json()
    assert moved["due_at"] == moved["scheduled_at"] == LATER


async def test_all_that_match_are_moved_once_each(ann: Client) -> None:
    campaign = await ann.campaign(recipients=[{"email": f"u{i}@x.org"} for i in range(12)])
    await ann.post(f"/campaigns/{campaign['id']}/launch")
    wanted = {"list": "scheduled", "campaign_id": campaign["id"]}
    told = await bulk(ann, action="reschedule", filter=wanted, scheduled_at=LATER)
    assert told == {"done": 12, "not_done": {}, "complete": True}
    again = await bulk(ann, action="reschedule", filter=wanted, scheduled_at=LATER)
    assert again["done"] == 0


async def test_a_draft_is_not_moved_by_its_emails(ann: Client) -> None:
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}])
    wanted = {"campaign_id": campaign["id"]}
    told = await bulk(ann, action="reschedule", filter=wanted, scheduled_at=LATER)
    assert (told["done"], told["not_done"]) == (0, {"campaign_draft": 1})


async def test_failed_emails_are_tried_again_but_for_the_suppressed_and_the_cancelled(
    ann: Client, world: World
) -> None:
    first = await one_of_each(ann, world)
    second = await one_of_each(ann, world, name="Second")
    third = await one_of_each(ann, world, name="Third")
    await world.execute(
        "UPDATE emails SET address_key = 'gone@x.org' WHERE id = $1", uuid.UUID(second["failed"])
    )
    await ann.post("/suppressions", {"addresses": ["gone@x.org"]})
    await ann.post(f"/campaigns/{third['campaign']}/cancel")
    told = await bulk(ann, action="retry", filter={"list": "failed", "reply": "550"})
    assert told["done"] == 1
    assert told["not_done"] == {"suppressed": 1, "campaign_cancelled": 1}
    assert await state_of(ann, first["failed"]) == "scheduled"
    picked = await bulk(ann, action="retry", ids=[first["sent"], first["failed"]])
    assert picked["not_done"] == {"sent": 1, "waiting": 1}


async def test_nothing_of_a_deleted_sender_is_tried_again(ann: Client, world: World) -> None:
    sender = await ann.sender()
    email = await ann.email(sender_id=sender["id"])
    await world.execute("UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected'")
    assert (await ann.delete(f"/senders/{sender['id']}")).status_code == 204
    told = await bulk(ann, action="retry", ids=[email["id"]])
    assert (told["done"], told["not_done"]) == (0, {"sender_deleted": 1})
    assert await state_of(ann, email["id"]) == "failed"


async def test_doubts_are_settled_as_sent_together(ann: Client, world: World) -> None:
    emails = await one_of_each(ann, world)
    told = await bulk(ann, action="mark_sent", filter={"campaign_id": emails["campaign"]})
    assert told == {"done": 1, "not_done": {}, "complete": True}
    assert await state_of(ann, emails["in_doubt"]) == "sent"
    told = await bulk(ann, action="mark_sent", ids=[emails["failed"]])
    assert told["not_done"] == {"failed": 1}


async def test_the_emails_of_somebody_else_are_not_there(
    ann: Client, bob: Client, world: World
) -> None:
    emails = await one_of_each(ann, world)
    told = await bulk(bob, action="cancel", ids=[emails["scheduled"]])
    assert (told["done"], told["not_done"]) == (0, {"not_found": 1})
    assert (await bulk(bob, action="cancel", filter={}))["done"] == 0
    wanted = {"action": "cancel", "filter": {"campaign_id": emails["campaign"]}}
    assert (await bob.post("/emails/bulk", wanted)).status_code == 404
    assert await state_of(ann, emails["scheduled"]) == "scheduled"


async def test_asked_twice_under_one_key_the_first_answer_comes_again(
    ann: Client, world: World
) -> None:
    emails = await one_of_each(ann, world)
    body = {"action": "retry", "ids": [emails["failed"]]}
    headers = {"Idempotency-Key": "k1"}
    first = await ann.post("/emails/bulk", body, headers=headers)
    again = await ann.post("/emails/bulk", body, headers=headers)
    assert first.json() == again.json() == {"done": 1, "not_done": {}, "complete": True}
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_a_command_that_makes_no_sense_is_refused_by_its_field(ann: Client) -> None:
    for body, field in (
        ({"action": "cancel"}, "ids"),
        ({"action": "cancel", "ids": []}, "ids"),
        ({"action": "cancel", "ids": [], "filter": {}}, "ids"),
        ({"action": "reschedule", "filter": {}}, "scheduled_at"),
        ({"action": "cancel", "filter": {}, "scheduled_at": LATER}, "scheduled_at"),
        ({"action": "burn", "filter": {}}, "action"),
        ({"action": "cancel", "filter": {"colour": "red"}}, "filter.colour"),
    ):
        answer = await ann.post("/emails/bulk", body)
        assert answer.status_code == 422
        assert field in [error["field"] for error in answer.json()["errors"]], answer.text


async def test_a_list_is_exported_as_csv_that_no_spreadsheet_takes_for_formulas(
    ann: Client, world: World
) -> None:
    emails = await one_of_each(ann, world, name="=SUM(A1)", subject='Hi, "you"')
    await world.execute(
        "UPDATE email_jobs SET reply_text = '@evil, said he' WHERE email_id = $1",
        uuid.UUID(emails["failed"]),
    )
    answer = await ann.get("/emails/export?list=failed")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "emails.csv" in answer.headers["Content-Disposition"]
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert row["to"] == "failed@x.org"
    assert row["subject"] == 'Hi, "you"'
    assert row["campaign"] == "'=SUM(A1)"
    assert row["reply_text"] == "'@evil, said he"
    assert (row["state"], row["reply_code"]) == ("failed", "550")
    everything = (await ann.get("/emails/export")).text
    assert len(list(csv.DictReader(io.StringIO(everything)))) == 7


async def test_an_export_is_longer_than_a_page_and_of_its_owner_alone(
    ann: Client, bob: Client
) -> None:
    many = [{"email": f"u{i}@x.org"} for i in range(1_203)]
    campaign = await ann.campaign(recipients=many)
    of_it = f"/emails/export?campaign_id={campaign['id']}"
    rows = list(csv.DictReader(io.StringIO((await ann.get(of_it)).text)))
    assert [row["to"] for row in rows] == [each["email"] for each in many]
    assert (await bob.get(of_it)).status_code == 404
    assert len((await bob.get("/emails/export")).text.splitlines()) == 1


async def test_the_status_is_one_answer_for_all_an_owner_has(ann: Client, bob: Client) -> None:
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}], hourly_limit=5)
    drafted = (await ann.get("/status")).json()
    assert (drafted["status"]["activity"], drafted["status"]["held_by"]) == (
        "held",
        "campaign_draft",
    )
    await ann.post(f"/campaigns/{campaign['id']}/launch")
    told = (await ann.get("/status")).json()
    assert told["is_worked"] is False
    assert told["status"]["held_by"] == "no_worker"
    assert [need["kind"] for need in told["status"]["needs"]] == ["no_worker"]
    assert (told["scheduled"], told["sent"]) == (1, 0)
    assert [sender["address"] for sender in told["senders"]] == ["news@example.com"]
    shown = (await ann.get(f"/campaigns/{campaign['id']}")).json()
    assert shown["status"] == told["status"]
    assert shown["hourly"] == {"limit": 5, "used": 0}
    nobody = (await bob.get("/status")).json()
    assert (nobody["status"]["activity"], nobody["senders"]) == ("nothing", [])
