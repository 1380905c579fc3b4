"""Reading and writing on condition: nobody's change is written over without a word."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from paceline.persistence.database import Database
from tests.integration.api.conftest import Client

LATER = "2030-03-01T09:00:00Z"


async def one_of_each(ann: Client) -> list[tuple[str, dict[str, Any]]]:
    """(path, a patch) of everything that can be patched."""
    sender = await ann.sender()
    campaign = await ann.campaign(sender_id=sender["id"], recipients=[{"email": "a@x.org"}])
    email = await ann.email(sender_id=sender["id"], scheduled_at="2030-01-01T00:00:00Z")
    return [
        (f"/senders/{sender['id']}", {"name": "Other"}),
        (f"/campaigns/{campaign['id']}", {"name": "Other"}),
        (f"/emails/{email['id']}", {"scheduled_at": LATER}),
    ]


async def conditional(
    ann: Client, method: str, path: str, condition: str, json: Any = None
) -> httpx2.Response:
    headers = {"If-Match": condition}
    return await ann.call(method, f"/api/v1{path}", json=json, headers=headers)


async def test_a_change_to_what_was_changed_meanwhile_is_refused(ann: Client) -> None:
    for path, patch in await one_of_each(ann):
        seen = (await ann.get(path)).headers["etag"]
        assert (await ann.get(path)).headers["etag"] == seen
        changed = await conditional(ann, "PATCH", path, seen, patch)
        assert changed.status_code == 200, changed.text
        assert changed.headers["etag"] != seen
        refused = await conditional(ann, "PATCH", path, seen, patch)
        assert refused.status_code == 412
        assert refused.headers["content-type"] == "application/problem+json"
        again = await conditional(ann, "PATCH", path, refused.headers["etag"], patch)
        assert again.status_code == 200
        assert (await conditional(ann, "PATCH", path, "*", patch)).status_code == 200


async def test_what_was_read_already_is_not_answered_again(ann: Client) -> None:
    for path, patch in await one_of_each(ann):
        tag = (await ann.get(path)).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await ann.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), known
            assert again.headers["etag"] == tag
        await ann.patch(path, patch)
        assert (await ann.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_a_new_thing_comes_with_its_tag(ann: Client) -> None:
    answer = await ann.post(
        "/senders",
        (await ann.get("/senders")).json()
        and {
            "name": "N",
            "from_address": "n@example.com",
            "smtp_host": "127.0.0.1",
            "smtp_port": 25,
            "smtp_security": "none",
        },
    )
    path = f"/senders/{answer.json()['id']}"
    patched = await conditional(ann, "PATCH", path, answer.headers["etag"], {"name": "M"})
    assert patched.status_code == 200


async def test_counters_that_run_do_not_outdate_what_a_person_saw(
    ann: Client, database: Database
) -> None:
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}, {"email": "b@x.org"}])
    path = f"/campaigns/{campaign['id']}"
    launched = await ann.post(f"{path}/launch")
    seen = launched.headers["etag"]
    async with database.driver() as driver:
        await driver.execute(
            "UPDATE email_jobs SET state = 'sent', sent_at = now() WHERE email_id ="
            " (SELECT min(email_id::text)::uuid FROM email_jobs)"
        )
    now = await ann.get(path, headers={"If-None-Match": seen})
    assert (now.status_code, now.json()["counts"]["sent"]) == (200, 1)
    assert now.headers["etag"] != seen
    assert (await conditional(ann, "PATCH", path, seen, {"min_delay_ms": 9})).status_code == 200


async def test_commands_are_held_to_the_version_too(ann: Client) -> None:
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}])
    path = f"/campaigns/{campaign['id']}"
    seen = (await ann.get(path)).headers["etag"]
    await ann.post(f"{path}/recipients", {"recipients": [{"email": "b@x.org"}]})
    for command in ("launch", "cancel"):
        refused = await conditional(ann, "POST", f"{path}/{command}", seen)
        assert refused.status_code == 412, command
    assert (await conditional(ann, "DELETE", path, seen)).status_code == 412
    tag = (await ann.get(path)).headers["etag"]
    for command in ("launch", "pause", "resume", "cancel"):
        answer = await conditional(ann, "POST", f"{path}/{command}", tag)
        assert answer.status_code == 200, answer.text
        tag = answer.headers["etag"]
    email = await ann.email(sender_id=campaign["sender_id"], scheduled_at=LATER)
    path = f"/emails/{email['id']}"
    assert (await conditional(ann, "POST", f"{path}/cancel", '"other"')).status_code == 412
    tag = (await ann.get(path)).headers["etag"]
    assert (await conditional(ann, "POST", f"{path}/cancel", tag)).status_code == 200


async def test_of_many_changes_to_one_version_one_is_made(ann: Client) -> None:
    for path, _ in await one_of_each(ann):
        seen = (await ann.get(path)).headers["etag"]
        patches: list[dict[str, Any]] = [
            {"scheduled_at": f"2030-04-0{n}T00:00:00Z"} if "emails" in path else {"name": f"N{n}"}
            for n in range(1, 7)
        ]
        answers = await asyncio.gather(
            *(conditional(ann, "PATCH", path, seen, patch) for patch in patches)
        )
        assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5], path


@pytest.mark.parametrize("condition", ["abc", '"abc', "W/abc", "", '"a" "b"', '*, "a"', "'a'"])
async def test_a_condition_that_is_none_is_refused(ann: Client, condition: str) -> None:
    sender = await ann.sender()
    refused = await conditional(ann, "PATCH", f"/senders/{sender['id']}", condition, {})
    assert refused.status_code == 400
    assert "entity tags" in refused.json()["detail"]


async def test_a_weak_tag_vouches_for_nothing(ann: Client) -> None:
    sender = await ann.sender()
    path = f"/senders/{sender['id']}"
    tag = (await ann.get(path)).headers["etag"]
    assert (await conditional(ann, "PATCH", path, f"W/{tag}", {"name": "N"})).status_code == 412


async def test_a_condition_is_never_passed_over(ann: Client) -> None:
    campaign = await ann.campaign()
    for path in ("/campaigns", f"/campaigns/{campaign['id']}/recipients", "/suppressions"):
        refused = await conditional(ann, "POST", path, '"a"', {})
        assert (refused.status_code, "leave If-Match out" in refused.text) == (412, True)
