"""Deleting senders over the API, what stands in the way of it, and how much they have used."""

from __future__ import annotations

from typing import Any

from paceline.auth.secretbox import SecretBox
from paceline.delivery import Pool, Security
from paceline.persistence.database import Database
from paceline.services.sender_rules import HostPolicy
from paceline.services.senders import NewSender, Senders
from tests.api import QUOTAS, EmptyMeter, SilentBell
from tests.integration.api.conftest import Client
from tests.world import SECRET_KEY, World

TO = [{"email": "bob@example.com"}, {"email": "cy@example.com"}]


async def launched(ann: Client, sender_id: str, **values: object) -> dict[str, Any]:
    campaign = await ann.campaign(sender_id=sender_id, recipients=TO, **values)
    answer = await ann.post(f"/campaigns/{campaign['id']}/launch")
    assert answer.status_code == 200, answer.text
    return campaign


async def test_a_sender_without_work_is_deleted_and_its_secrets_are_gone(
    ann: Client, world: World
) -> None:
    sender = await ann.sender(smtp_username="ann", smtp_password="secret")
    await ann.post(f"/senders/{sender['id']}/dkim", {})
    path = f"/senders/{sender['id']}"
    assert (await ann.delete(path)).status_code == 204
    assert (await ann.get(path)).status_code == 404
    assert (await ann.get("/senders")).json()["items"] == []
    [row] = await world.fetch("SELECT smtp_username, smtp_password, dkim_key FROM senders")
    assert set(row.values()) == {None}
    assert (await ann.delete(path)).status_code == 404
    refused = await ann.post("/campaigns", {"name": "x", "subject": "x", "text": "x",
                                            "sender_id": sender["id"]})  # fmt: skip
    assert refused.status_code == 422


async def test_a_sender_with_work_says_so_and_stays(ann: Client) -> None:
    sender = await ann.sender()
    path = f"/senders/{sender['id']}"
    campaign = await launched(ann, sender["id"], name="Spring")
    await ann.email(sender_id=sender["id"])
    work = (await ann.get(f"{path}/work")).json()
    assert [(c["id"], c["state"], c["to_go"]) for c in work["campaigns"]] == [
        (campaign["id"], "active", 2)
    ]
    assert (work["single_emails"], work["on_their_way"]) == (1, 0)
    refused = await ann.delete(path)
    assert refused.status_code == 409
    assert "Spring (active, 2 to go), 1 single email" in refused.json()["detail"]
    assert (await ann.get(path)).status_code == 200


async def test_its_work_is_cancelled_where_that_is_asked_for(ann: Client) -> None:
    sender = await ann.sender()
    campaign = await launched(ann, sender["id"])
    draft = await ann.campaign(sender_id=sender["id"])
    email = await ann.email(sender_id=sender["id"])
    assert (await ann.delete(f"/senders/{sender['id']}?cancel=true")).status_code == 204
    after = (await ann.get(f"/campaigns/{campaign['id']}")).json()
    assert (after["state"], after["counts"]["cancelled"]) == ("cancelled", 2)
    assert (await ann.get(f"/campaigns/{draft['id']}")).status_code == 404
    assert (await ann.get(f"/emails/{email['id']}")).json()["state"] == "cancelled"


async def test_a_deletion_that_is_refused_cancels_nothing(ann: Client) -> None:
    sender = await ann.sender()
    campaign = await launched(ann, sender["id"])
    path = f"/senders/{sender['id']}"
    stale = {"If-Match": '"another"'}
    refused = await ann.call("DELETE", f"/api/v1{path}?cancel=true", headers=stale)
    assert refused.status_code == 412
    assert (await ann.get(f"/campaigns/{campaign['id']}")).json()["state"] == "active"


async def test_what_is_on_its_way_is_waited_for(ann: Client, world: World) -> None:
    sender = await ann.sender()
    await ann.email(sender_id=sender["id"])
    await world.execute(
        "UPDATE email_jobs SET state = 'claimed', attempt = 1, lease_until = now(), "
        "worker_run = gen_random_uuid()"
    )
    refused = await ann.delete(f"/senders/{sender['id']}?cancel=true")
    assert refused.status_code == 409
    assert "1 email on the way" in refused.json()["detail"]


async def test_what_a_deleted_sender_failed_to_send_is_not_tried_again(
    ann: Client, world: World
) -> None:
    sender = await ann.sender()
    email = await ann.email(sender_id=sender["id"])
    await world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected', attempt = 1"
    )
    assert (await ann.delete(f"/senders/{sender['id']}")).status_code == 204
    refused = await ann.post(f"/emails/{email['id']}/retry")
    assert (refused.status_code, "deleted" in refused.json()["detail"]) == (409, True)


async def test_nobody_deletes_the_sender_of_somebody_else(ann: Client, bob: Client) -> None:
    sender = await ann.sender()
    path = f"/senders/{sender['id']}"
    assert (await bob.delete(f"{path}?cancel=true")).status_code == 404
    assert (await bob.get(f"{path}/work")).status_code == 404
    assert (await bob.get(f"{path}/use")).status_code == 404
    assert (await ann.get(path)).status_code == 200


async def test_what_was_used_today_is_what_reached_the_final_dot(ann: Client, world: World) -> None:
    sender = await ann.sender(hourly_limit=100)
    ids = [(await ann.email(sender_id=sender["id"]))["id"] for _ in range(4)]
    outcomes = [("sent", "dot"), ("in_doubt", "dot"), ("rejected", "dot"), ("rejected", "rcpt")]
    for email_id, (outcome, phase) in zip(ids, outcomes, strict=True):
        await world.execute(
            "INSERT INTO attempts"
            " (email_id, attempt, sender_id, worker_run, outcome, phase, dot_at)"
            " VALUES ($1, 1, $2, gen_random_uuid(), $3, $4, now())",
            *(email_id, sender["id"], outcome, phase),
        )
    use = (await ann.get(f"/senders/{sender['id']}/use")).json()
    assert (use["hourly_limit"], use["this_hour"]) == (100, 0)  # the counters are the test's
    assert (use["today"], use["today_is_more"]) == (3, False)


async def test_everybody_has_the_ready_sender_once_until_they_delete_it(
    database: Database, world: World, pool: Pool
) -> None:
    ready = NewSender(
        name="Ethereal",
        from_address="a@ethereal.email",
        smtp_host="smtp.ethereal.email",
        smtp_port=587,
        smtp_security=Security.STARTTLS,
        smtp_username="a@ethereal.email",
        smtp_password="hush",
    )
    made = [
        Senders(database, SilentBell(), SecretBox(SECRET_KEY), pool,
                HostPolicy(allow_private_hosts=False), ready=ready, allowance=EmptyMeter(),
                quotas=QUOTAS)
        for _ in range(2)
    ]  # fmt: skip
    for senders in made * 2:
        [listed] = await senders.list(world.owner_id)
    assert (listed.name, listed.smtp_password_set) == ("Ethereal", True)
    await world.execute("UPDATE senders SET deleted_at = now()")
    assert (await made[0].page(world.owner_id)).items == []
