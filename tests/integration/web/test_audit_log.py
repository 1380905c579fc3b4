"""The audit log: what is written down with each act, and who may read it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from unittest.mock import ANY

import httpx2
import pytest

from paceline.web import Parts
from tests.integration.web.composing import file, form, new_draft
from tests.integration.web.conftest import FRAGMENT, sign_in, words
from tests.integration.web.test_dashboard import IN_DOUBT
from tests.world import World

STRANGE = '<img src=x onerror="alert(1)"> =cmd|"x"!A1'


async def rows(world: World, action: str) -> Sequence[dict[str, object]]:
    found = await world.fetch(
        "SELECT actor, actor_id, address, owner_id, subject, detail FROM audit_log "
        "WHERE action = $1 ORDER BY id",
        action,
    )
    return [dict(row) | {"detail": json.loads(str(row["detail"]))} for row in found]


async def test_a_paused_campaign_is_written_down_once_with_who_and_from_where(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 3)
    await page.post(f"/campaigns/{campaign}/pause")
    (row,) = await rows(world, "campaign.paused")
    assert row["actor_id"] == world.owner_id
    assert row["owner_id"] == world.owner_id
    assert row["address"] == "127.0.0.1"
    assert row["detail"] == {"id": str(campaign), "emails": 3}
    text = (await page.get("/audit-log")).text
    assert "Paused a campaign" in words(text)
    assert f'href="/campaigns/{campaign}"' in text


async def test_what_is_refused_is_not_written_down(page: httpx2.AsyncClient, world: World) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender, state="cancelled")
    await page.post(f"/campaigns/{campaign}/pause")
    assert not await rows(world, "campaign.paused")


async def test_a_changed_sender_is_named_by_its_fields_and_never_by_its_secrets(
    page: httpx2.AsyncClient, world: World, parts: Parts
) -> None:
    from paceline.services.senders import SenderPatch

    sender = await world.sender()
    change = SenderPatch(smtp_username="u", smtp_password="hunter2-secret", hourly_limit=70)
    await parts.senders.patch(world.owner_id, sender, change)
    (row,) = await rows(world, "sender.changed")
    assert "smtp_password" in str(row["detail"])
    assert row["detail"]["hourly_limit"] == 70  # type: ignore[index]
    assert "hunter2" not in str(await world.fetch("SELECT audit_log::text FROM audit_log"))


async def test_a_key_is_named_when_it_is_made_and_when_it_is_revoked(
    page: httpx2.AsyncClient, world: World
) -> None:
    made = await page.post("/api-keys", data={"name": "Nightly", "scope": "send", "ends": ""})
    assert made.status_code == 201
    (row,) = await rows(world, "api_key.made")
    assert row["subject"] == "Nightly"
    key = (await world.fetch("SELECT id FROM api_keys"))[0]["id"]
    await page.post(f"/api-keys/{key}/revoke")
    assert (await rows(world, "api_key.revoked"))[0]["subject"] == "Nightly"


async def test_a_bulk_action_is_one_row_with_its_counts(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 3)
    data = {"action": "cancel", "selected": [str(i) for i in ids], "tab": "scheduled"}
    await page.post("/emails/bulk", data=data)
    (row,) = await rows(world, "emails.cancel")
    assert row["detail"] == {"done": 3, "not_done": 0}


async def test_lists_of_suppressions_and_exports_are_one_row_each(
    page: httpx2.AsyncClient, world: World
) -> None:
    await page.post("/suppressions", data={"addresses": "a@example.org\nb@example.org"})
    (row,) = await rows(world, "suppression.added")
    assert row["detail"] == {"given": 2, "added": 2}
    await page.get("/suppressions/export")
    await page.get("/emails/export?tab=sent")
    assert len(await rows(world, "export.suppressions")) == 1
    assert (await rows(world, "export.emails"))[0]["subject"] == "emails that are sent"


async def test_signing_in_and_out_is_written_down(
    page: httpx2.AsyncClient, world: World, parts: Parts
) -> None:
    assert len(await rows(world, "sign_in.done")) == 1
    await page.post("/sign-out")
    (row,) = await rows(world, "sign_in.signed_out")
    assert (row["owner_id"], row["actor_id"]) == (world.owner_id, world.owner_id)
    assert row["address"] == "127.0.0.1"
    await page.post("/sign-out")  # it is over
    assert len(await rows(world, "sign_in.signed_out")) == 1
    await sign_in(page, parts, world)
    await page.post("/account/sign-out-everywhere")
    assert (await rows(world, "sign_in.ended_everywhere"))[0]["detail"] == {"sign_ins": 1}


async def test_what_is_decided_about_one_email_is_a_row_that_leads_to_it(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    names = ("changed", "moved", "cancelled", "settled", "failed")
    made = await world.emails(sender, None, [f"{name}@example.org" for name in names])
    ids = dict(zip(names, made, strict=True))
    await world.execute(IN_DOUBT, ids["settled"])
    await world.execute(
        "UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected' WHERE email_id = $1",
        ids["failed"],
    )
    typed = {"to": "new@example.org", "to_name": "", "subject": "S", "text": "T", "html": ""}
    for name, path, sent in (
        ("changed", "edit", typed),
        ("moved", "move", {"start": "2030-01-15T10:30"}),
        ("cancelled", "cancel", {}),
        ("settled", "resolve", {"resolution": "sent"}),
        ("failed", "retry", {}),
    ):
        await page.post(f"/emails/{ids[name]}/{path}", data=sent)
    for action, name, told in (
        ("email.changed", "changed", {"changed": "subject, text, to, to_name"}),
        ("email.moved", "moved", {"at": "2030-01-15T09:30:00+00:00"}),
        ("email.cancelled", "cancelled", {}),
        ("email.marked_sent", "settled", {}),
        ("email.retried", "failed", {}),
    ):
        (row,) = await rows(world, action)
        assert row["subject"] == f"{name}@example.org"
        assert row["detail"] == {"id": str(ids[name]), **told}
    html = (await page.get("/audit-log?kind=email")).text
    assert f'href="/emails/{ids["cancelled"]}"' in html
    assert "Moved an email to" in words(html)


async def test_a_test_is_told_as_one_with_whom_it_went_to(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    await page.post(f"{draft.path}/test", data={"test_to": "me@example.org", "test_as": ""})
    (row,) = await rows(world, "campaign.tested")
    assert row["detail"] == {"id": ANY, "emails": 1, "to": "me@example.org"}
    assert not await rows(world, "campaign.launched")
    sender = await world.fetchval("SELECT id FROM senders")
    await page.post(f"/senders/{sender}/test", data={"to": "me@example.org"})
    (row,) = await rows(world, "sender.tested")
    assert row["detail"] == {"id": str(sender), "to": "me@example.org"}


async def test_others_see_nothing_of_it_and_administrators_all(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    await page.post("/api-keys", data={"name": "Mine alone", "scope": "send", "ends": ""})
    assert "Mine alone" in (await page.get("/audit-log")).text
    for path in ("/audit-log", f"/audit-log?person={world.owner_id}", "/audit-log/export"):
        assert "Mine alone" not in (await other_page.get(path)).text
    await world.execute("UPDATE users SET is_admin = true WHERE id <> $1", world.owner_id)
    text = (await other_page.get("/audit-log")).text
    assert "Mine alone" in text
    assert "Everybody" in text


async def test_it_can_be_filtered_searched_and_paged(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    for n in range(30):
        name = f"Key {n:02d}"
        await admin_page.post("/api-keys", data={"name": name, "scope": "send", "ends": ""})
    first = (await admin_page.get("/audit-log?kind=api_key")).text
    assert "Key 29" in first
    assert "Key 04" not in first
    cursor = first.split("cursor=")[1].split('"')[0].split("&")[0]
    assert "Key 04" in (await admin_page.get(f"/audit-log?kind=api_key&cursor={cursor}")).text
    found = (await admin_page.get("/audit-log?q=key+17", headers=FRAGMENT)).text
    assert "Key 17" in found
    assert "Key 18" not in found
    assert "Key" not in words(
        (await admin_page.get("/audit-log?kind=export", headers=FRAGMENT)).text
    )
    assert "Nothing matches" in (await admin_page.get("/audit-log?to=2001-01-01")).text
    one = await admin_page.get(f"/audit-log?person={world.owner_id}&kind=api_key")
    assert "Key 29" in one.text


@pytest.mark.parametrize("query", ["from=x&to=0000-99-99", "person=nobody", "kind=%00", "q=%25"])
async def test_an_address_that_makes_no_sense_still_shows_the_log(
    page: httpx2.AsyncClient, query: str
) -> None:
    assert (await page.get(f"/audit-log?{query}")).status_code == 200


async def test_a_cursor_that_nobody_gave_out_is_refused(page: httpx2.AsyncClient) -> None:
    for cursor in ("x", "WyItMSJd", "WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ"):
        assert (await page.get(f"/audit-log?cursor={cursor}")).status_code == 422


async def test_strange_text_is_shown_as_text_and_is_no_formula(
    page: httpx2.AsyncClient, world: World
) -> None:
    await page.post("/api-keys", data={"name": STRANGE, "scope": "send", "ends": ""})
    text = (await page.get("/audit-log")).text
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    exported = (await page.get("/audit-log/export")).text
    subjects = [row[4] for row in csv.reader(io.StringIO(exported))]
    assert STRANGE in subjects
