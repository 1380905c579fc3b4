"""Who of a campaign gets the same subject twice within a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from paceline import clock
from tests.integration.api.conftest import Client


async def drafted(ann: Client, *names: str, **values: object) -> dict[str, Any]:
    recipients = [{"email": f"{name}@example.com"} for name in names]
    return await ann.campaign(recipients=recipients, **values)


async def launched(ann: Client, *names: str, **values: object) -> dict[str, Any]:
    campaign = await drafted(ann, *names, **values)
    answer = await ann.post(f"/campaigns/{campaign['id']}/launch")
    assert answer.status_code == 200, answer.text
    return campaign


async def repeats(ann: Client, campaign: dict[str, Any]) -> list[tuple[str, int]]:
    answer = await ann.get(f"/campaigns/{campaign['id']}/repeats")
    assert answer.status_code == 200, answer.text
    return [(item["campaign_id"], item["recipients"]) for item in answer.json()["items"]]


async def test_those_who_got_it_are_counted_by_campaign_the_most_first(ann: Client) -> None:
    sender = (await ann.sender())["id"]
    one = await launched(ann, "a", "b", sender_id=sender)
    most = await launched(ann, "A", "B", "c", "d", sender_id=sender)
    await drafted(ann, "a", sender_id=sender)
    await launched(ann, "a", sender_id=sender, subject="Another")
    await launched(ann, "a", sender_id=(await ann.sender())["id"])
    await launched(ann, "z", sender_id=sender)
    asked = await drafted(ann, "a", "b", "c", "e", sender_id=sender)
    assert await repeats(ann, asked) == [(most["id"], 3), (one["id"], 2)]
    assert (await repeats(ann, one)) == [(most["id"], 2)]


async def test_whom_it_did_not_reach_and_will_not_is_not_counted(ann: Client, world: Any) -> None:
    sender = (await ann.sender())["id"]
    other = await launched(ann, "a", "b", "c", sender_id=sender)
    asked = await drafted(ann, "a", "b", "c", sender_id=sender)
    await world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected' WHERE email_id IN"
        " (SELECT id FROM emails WHERE address = 'a@example.com' AND campaign_id = $1)",
        other["id"],
    )
    assert await repeats(ann, asked) == [(other["id"], 2)]
    await ann.post(f"/campaigns/{other['id']}/cancel")
    assert await repeats(ann, asked) == []


async def test_another_day_is_no_repeat(ann: Client) -> None:
    sender = (await ann.sender())["id"]
    await launched(ann, "a", sender_id=sender)
    in_two_days = (clock.now() + timedelta(days=2)).isoformat()
    later = await drafted(ann, "a", sender_id=sender, start_at=in_two_days)
    assert await repeats(ann, later) == []


async def test_white_space_makes_no_other_subject(ann: Client) -> None:
    sender = (await ann.sender())["id"]
    other = await launched(ann, "a", sender_id=sender, subject="Hello there")
    asked = await drafted(ann, "a", sender_id=sender, subject=" Hello  there ")
    assert await repeats(ann, asked) == [(other["id"], 1)]


async def test_it_is_for_the_owner_alone(ann: Client, bob: Client) -> None:
    campaign = await launched(ann, "a")
    assert (await bob.get(f"/campaigns/{campaign['id']}/repeats")).status_code == 404
