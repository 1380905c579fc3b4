"""Trying again what has failed: which emails, which not, and once."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from paceline.domain.retrying import FailedFilter
from paceline.persistence.stores import retrying as store
from tests.integration.api.conftest import Client

FAIL = """
    UPDATE email_jobs j
       SET state = 'failed', attempt = j.attempt + 3, deferrals = 2, failure_reason = $2,
           reply_code = $3, reply_enhanced = $4, reply_text = 'no',
           dated_at = now() - interval '3 d'
      FROM emails m WHERE m.id = j.email_id AND m.address = ANY ($1)
"""


async def launched(ann: Client, *names: str) -> dict[str, Any]:
    """A campaign under way to these readers at example.org."""
    recipients = [{"email": f"{name}@example.org"} for name in names]
    campaign = await ann.campaign(recipients=recipients)
    assert (await ann.post(f"/campaigns/{campaign['id']}/launch")).status_code == 200
    return campaign


async def fail(
    world: Any,
    *names: str,
    reason: str = "rejected",
    code: int | None = 550,
    why: str | None = None,
) -> None:
    await world.execute(FAIL, [f"{name}@example.org" for name in names], reason, code, why)


async def states(ann: Client, campaign: dict[str, Any]) -> dict[str, str]:
    emails = (await ann.get(f"/campaigns/{campaign['id']}/emails")).json()["items"]
    return {email["to"].partition("@")[0]: email["state"] for email in emails}


async def test_a_failed_email_begins_anew_under_the_same_message_id(
    ann: Client, world: Any
) -> None:
    campaign = await launched(ann, "a")
    await fail(world, "a")
    (before,) = (await ann.get(f"/campaigns/{campaign['id']}/emails")).json()["items"]
    retried = await ann.post(f"/emails/{before['id']}/retry")
    assert retried.status_code == 200, retried.text
    after = retried.json()
    assert (after["state"], after["failure_reason"], after["reply_code"]) == (
        "scheduled",
        None,
        None,
    )
    assert after["message_id"] == before["message_id"]
    assert after["attempt"] == before["attempt"] + 1
    (job,) = await world.fetch("SELECT deferrals, dated_at, due_at <= now() AS due FROM email_jobs")
    assert job == {"deferrals": 0, "dated_at": None, "due": True}
    shown = (await ann.get(f"/emails/{before['id']}")).json()
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["retried"]
    again = await ann.post(f"/emails/{before['id']}/retry")
    assert again.status_code == 409
    assert "scheduled cannot be tried again" in again.text


async def test_a_completed_campaign_goes_on_and_its_lane_is_woken(ann: Client, world: Any) -> None:
    campaign = await launched(ann, "a", "b")
    await fail(world, "a")
    await world.execute("UPDATE email_jobs SET state='sent', sent_at=now() WHERE state<>'failed'")
    await world.execute("UPDATE campaigns SET state = 'completed', finished_at = now()")
    await world.execute("UPDATE lanes SET wake_at = 'infinity', signal_seq = 7")
    report = await ann.post(f"/campaigns/{campaign['id']}/retry")
    assert report.json() == {"retried": 1, "suppressed": 0, "doubtful": 0, "dry_run": False}
    shown = (await ann.get(f"/campaigns/{campaign['id']}")).json()
    assert (shown["state"], shown["finished_at"]) == ("active", None)
    assert (shown["counts"]["failed"], shown["counts"]["scheduled"]) == (0, 1)
    assert await world.fetchval("SELECT signal_seq > 7 AND wake_at <= now() FROM lanes")


async def test_only_those_of_the_reason_and_the_reply_that_was_named(
    ann: Client, world: Any
) -> None:
    campaign = await launched(ann, "a", "b", "c", "d", "e")
    await fail(world, "a", why="5.7.1")
    await fail(world, "b")
    await fail(world, "c", code=None)
    await fail(world, "d", reason="attempts_exhausted", code=451, why="4.7.1")
    path = f"/campaigns/{campaign['id']}"
    groups = (await ann.get(f"{path}/failures")).json()["items"]
    assert [(g["reason"], g["reply"], g["count"]) for g in groups] == [
        ("attempts_exhausted", "451 4.7.1", 1),
        ("rejected", "550 5.7.1", 1),
        ("rejected", "550 none", 1),
        ("rejected", "none", 1),
    ]
    for group in groups:
        asked = {"reason": group["reason"], "reply": group["reply"], "dry_run": True}
        report = (await ann.post(f"{path}/retry", asked)).json()
        assert (report["retried"], report["dry_run"]) == (group["count"], True)
    assert (await ann.post(f"{path}/retry", {"reply": "550"})).json()["retried"] == 2
    assert (await ann.post(f"{path}/retry", {"reason": "rejected"})).json()["retried"] == 1
    assert await states(ann, campaign) == {
        "a": "scheduled",
        "b": "scheduled",
        "c": "scheduled",
        "d": "failed",
        "e": "scheduled",
    }


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"reply": "250"}, "reply"),
        ({"reply": "no such user"}, "reply"),
        ({"reply": "none 5.1.1"}, "reply"),
        ({"reason": "bad luck"}, "reason"),
        ({"resaon": "rejected"}, "resaon"),
        ({"dry_run": "yes"}, "dry_run"),
    ],
)
async def test_a_filter_that_is_none_is_refused_by_field(
    ann: Client, asked: dict[str, object], field: str
) -> None:
    campaign = await launched(ann, "a")
    refused = await ann.post(f"/campaigns/{campaign['id']}/retry", asked)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].endswith(field)


async def test_who_is_suppressed_stays_out_is_counted_and_can_be_taken_off_the_list(
    ann: Client, world: Any
) -> None:
    campaign = await launched(ann, "a", "b")
    await fail(world, "a", reason="hard_bounce", why="5.1.1")
    await fail(world, "b")
    await ann.post("/suppressions", {"addresses": ["a@example.org"]})
    report = (await ann.post(f"/campaigns/{campaign['id']}/retry")).json()
    assert (report["retried"], report["suppressed"]) == (1, 1)
    (email,) = (await ann.get(f"/campaigns/{campaign['id']}/emails?state=failed")).json()["items"]
    refused = await ann.post(f"/emails/{email['id']}/retry")
    assert refused.status_code == 409
    assert "DELETE /api/v1/suppressions/a@example.org" in refused.text
    released = await ann.post(f"/emails/{email['id']}/retry", {"release": True})
    assert released.json()["state"] == "scheduled"
    assert (await ann.get("/suppressions")).json()["items"] == []


@pytest.mark.parametrize("outcome", ["in_doubt", "sending", "sent"])
async def test_what_may_have_left_is_never_sent_again(
    ann: Client, world: Any, outcome: str
) -> None:
    campaign = await launched(ann, "a")
    await fail(world, "a")
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome) "
        "SELECT email_id, 2, sender_id, gen_random_uuid(), $1 FROM email_jobs",
        outcome,
    )
    report = (await ann.post(f"/campaigns/{campaign['id']}/retry")).json()
    assert (report["retried"], report["doubtful"]) == (0, 1)
    (email,) = (await ann.get(f"/campaigns/{campaign['id']}/emails")).json()["items"]
    assert (await ann.post(f"/emails/{email['id']}/retry")).status_code == 409
    assert await states(ann, campaign) == {"a": "failed"}


async def test_nothing_of_a_cancelled_campaign_is_tried_again(ann: Client, world: Any) -> None:
    campaign = await launched(ann, "a")
    await fail(world, "a")
    (email,) = (await ann.get(f"/campaigns/{campaign['id']}/emails")).json()["items"]
    await ann.post(f"/campaigns/{campaign['id']}/cancel")
    for path in (f"/campaigns/{campaign['id']}/retry", f"/emails/{email['id']}/retry"):
        refused = await ann.post(path)
        assert refused.status_code == 409
        assert "cancelled" in refused.text
    assert await states(ann, campaign) == {"a": "failed"}


async def test_what_is_not_ones_own_is_not_there(ann: Client, bob: Client, world: Any) -> None:
    campaign = await launched(ann, "a")
    await fail(world, "a")
    (email,) = (await ann.get(f"/campaigns/{campaign['id']}/emails")).json()["items"]
    assert (await bob.post(f"/campaigns/{campaign['id']}/retry")).status_code == 404
    assert (await bob.post(f"/emails/{email['id']}/retry")).status_code == 404
    assert (await bob.get(f"/campaigns/{campaign['id']}/failures")).status_code == 404
    assert await states(ann, campaign) == {"a": "failed"}


async def test_many_are_taken_in_chunks_and_each_once(
    ann: Client, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_CHUNK", 2)
    names = [f"r{n}" for n in range(7)]
    campaign = await launched(ann, *names)
    await fail(world, *names)
    await ann.post("/suppressions", {"addresses": ["r1@example.org", "r6@example.org"]})
    path = f"/campaigns/{campaign['id']}/retry"
    counted = (await ann.post(path, {"dry_run": True})).json()
    assert (counted["retried"], counted["suppressed"]) == (5, 2)
    assert set((await states(ann, campaign)).values()) == {"failed"}
    report = (await ann.post(path)).json()
    assert (report["retried"], report["suppressed"]) == (5, 2)
    assert (await ann.post(path)).json()["retried"] == 0


async def test_the_same_request_again_tries_nobody_a_second_time(ann: Client, world: Any) -> None:
    campaign = await launched(ann, "a")
    await fail(world, "a")
    path = f"/campaigns/{campaign['id']}/retry"
    key = {"Idempotency-Key": "once"}
    first = await ann.post(path, headers=key)
    await fail(world, "a")  # again, before the client asks again
    second = await ann.post(path, headers=key)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await states(ann, campaign) == {"a": "failed"}
    assert (await ann.post(path)).json()["retried"] == 1


async def test_a_request_that_lost_its_answer_goes_on_where_it_stopped(
    ann: Client, world: Any, parts: Any
) -> None:
    campaign = await launched(ann, "a", "b")
    await fail(world, "a")
    run, owner = campaign["id"], await world.fetchval("SELECT owner_id FROM campaigns")

    async def ask() -> int:
        report = await parts.retrying.campaign(
            owner, uuid.UUID(campaign["id"]), FailedFilter(), run=uuid.UUID(run)
        )
        return int(report.retried)

    assert await ask() == 1
    await fail(world, "a", "b")
    assert await ask() == 1  # b, who was not taken up yet
    assert await states(ann, campaign) == {"a": "failed", "b": "scheduled"}


async def test_two_who_ask_at_once_try_each_email_once(ann: Client, world: Any) -> None:
    names = [f"r{n}" for n in range(5)]
    campaign = await launched(ann, *names)
    await fail(world, *names)
    path = f"/campaigns/{campaign['id']}/retry"
    reports = await asyncio.gather(*(ann.post(path) for _ in range(4)))
    assert sorted(report.json()["retried"] for report in reports) == [0, 0, 0, 5]
    assert (
        await world.fetchval(
            "SELECT max(n) FROM (SELECT count(*) n FROM attempts GROUP BY email_id) c"
        )
        == 1
    )
