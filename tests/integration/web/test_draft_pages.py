"""Drafts on their pages: saved while they are typed, reviewed, scheduled, called back."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import httpx2
import pytest

from paceline import clock
from paceline.persistence.stores import pieces
from paceline.services import in_pieces
from paceline.web.routes import review
from tests.integration.web.composing import Draft, file, form, new_draft
from tests.integration.web.conftest import FRAGMENT, words
from tests.integration.web.test_compose_pages import campaigns
from tests.world import World


async def autosave(draft: Draft, version: int = 0, **fields: str) -> httpx2.Response:
    sent = {**draft.carried, "version": str(version), **fields}
    return await draft.page.post(
        f"{draft.path}/autosave", data=sent, headers={"HX-Request": "true"}
    )


async def undo(draft: Draft, campaign: str) -> httpx2.Response:
    """As the page of that campaign sends it."""
    meant = {"campaign": campaign.rpartition("/")[2]}
    return await draft.page.post(f"{draft.path}/undo", data=meant)


async def test_what_is_typed_is_there_again_under_the_drafts_address(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    draft = new_draft(page)
    saved = await autosave(draft, subject="Half a subj", hourly_limit="many", format="text")
    assert saved.json()["version"] == 1
    assert re.fullmatch(r"\d\d:\d\d", saved.json()["saved"])
    html = (await page.get(draft.path)).text
    assert 'value="Half a subj"' in html
    assert 'value="many"' in html
    assert "Half a subj" in words((await page.get("/drafts")).text)
    assert await campaigns(world) == 0


async def test_another_tab_is_told_and_overwrites_nothing(
    page: httpx2.AsyncClient, world: World
) -> None:
    here = new_draft(page)
    await autosave(here, subject="Here")
    there = Draft(page=page, path=here.path, carried={**here.carried, "page": "another"})
    refused = await autosave(there, subject="There")
    assert refused.status_code == 409
    assert refused.json()["version"] == 1
    typed = await form(world, subject="There")
    sent = await there.save(typed, headers=FRAGMENT)
    assert sent.status_code == 409
    text = words(sent.text)
    assert "changed in another tab" in text
    assert "nothing was overwritten" in text
    assert 'value="There"' in sent.text
    assert await world.fetchval("SELECT subject FROM drafts") == "Here"
    assert (await autosave(there, version=1, subject="There")).status_code == 200


async def test_the_review_says_to_whom_from_whom_and_when(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason) VALUES ($1, $2, 'manual')",
        world.owner_id,
        "alan@example.org",
    )
    draft = new_draft(page)
    data = (
        b"email,name,company,unsubscribed\nada@example.org,Ada,Engines,\nbob@example.org,Bob,Docks,"
        b"\nada@example.org,Ada,Engines,\nalan@example.org,Alan,Park,\nno,No,No,"
        b"\neve@example.org,Eve,Out,yes\n"
    )
    fields = await form(world, when="later", start="2030-07-15T23:00", hourly_limit="1")
    assert (await draft.save(fields, file(data))).status_code == 303
    text = words((await page.get(f"{draft.path}/review")).text)
    for fact in (
        "Will be sent 2 emails",
        "Rows in people.csv 6",
        "Duplicates 1",
        "Suppressed 1",
        "Refused 1",
        "Opted out, by the list 1",
        "never verified as it is now",
        "Hourly limit that holds 1 an hour",
        "Delay that holds 2 s",
        "First email Jul 15 2030, 23:00",
        "Last email Jul 16 2030, 00:00",
        "Mon 15 Jul 2030 1 email",
        "Tue 16 Jul 2030 1 email",
        "Subject Hello Ada",
        "Schedule 2 emails",
    ):
        assert fact in text
    message = (await page.get(f"{draft.path}/message")).text
    assert "From <strong>Engines</strong>" in message
    assert "was never verified as it is now: verify it first" in text
    await world.execute("UPDATE senders SET state = 'paused'")
    text = words((await page.get(f"{draft.path}/review")).text)
    assert "now (paused): look at the sender first" in text
    assert "Subject" not in message  # the page around it says it
    table = (await page.get(f"{draft.path}/left-out.csv")).text
    assert [line.partition(",")[0] for line in table.splitlines()[1:]] == ["5", "6", "7"]
    assert "alan@example.org" in table
    assert await campaigns(world) == 0


async def test_what_is_not_ready_has_no_review(page: httpx2.AsyncClient, world: World) -> None:
    await world.sender()
    draft = new_draft(page)
    await autosave(draft, subject="No list yet")
    sent = await page.get(f"{draft.path}/review")
    assert sent.status_code == 303
    assert "Choose a list of recipients." in (await page.get(sent.headers["Location"])).text


async def test_a_draft_that_changed_since_its_review_is_not_scheduled(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    sent = await draft.reviewed()
    await autosave(draft, version=int(sent["version"]), subject="Other, {{ name }}")
    refused = await draft.schedule(sent)
    assert refused.status_code == 409
    assert "Something changed since this page was made" in words(refused.text)
    assert "Other, Ada Lovelace" in words(refused.text)
    assert await campaigns(world) == 0


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than any machine takes to show a page."""
    monkeypatch.setattr(review, "HELD_BACK", timedelta(hours=1))


@pytest.mark.usefixtures("held_back")
async def test_a_scheduled_draft_leads_to_its_campaign_and_is_called_back_from_there(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    campaign = (await draft.schedule()).headers["Location"]
    for path in (draft.path, f"{draft.path}/review"):
        assert (await page.get(path)).headers["Location"] == campaign
    assert (await autosave(draft, subject="Too late")).status_code == 409
    shown = (await page.get(campaign)).text
    assert "2 emails scheduled. Nothing has left yet. The first goes out at" in words(shown)
    assert f'action="{draft.path}/undo"' in shown
    back = await undo(draft, campaign)
    assert back.headers["Location"] == draft.path
    text = words((await page.get(back.headers["Location"])).text)
    assert "nothing had left, and nothing will" in text
    assert "nothing had left" not in words((await page.get(back.headers["Location"])).text)
    for table in ("campaigns", "emails", "email_jobs"):
        assert await world.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert "No campaign yet" in (await page.get("/campaigns")).text
    assert "Nothing cancelled" in (await page.get("/emails?tab=cancelled")).text
    log = words((await page.get("/audit-log")).text)
    assert "Undid the launch of a campaign" in log
    assert (await draft.schedule()).headers["Location"] != campaign


@pytest.mark.usefixtures("held_back")
async def test_a_large_launch_is_undone_whole(
    page: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 3)
    monkeypatch.setattr(in_pieces, "MAX_PIECES", 1)
    draft = new_draft(page)
    many = b"email,name,company\n" + b"".join(b"u%d@x.org,U,C\n" % n for n in range(10))
    await draft.save(await form(world), file(many))
    campaign = (await draft.schedule()).headers["Location"]
    assert (await undo(draft, campaign)).headers["Location"] == draft.path
    assert (await page.get(campaign)).status_code == 404
    assert "No campaign yet" in (await page.get("/campaigns")).text
    assert "Nothing cancelled" in (await page.get("/emails?tab=cancelled")).text


async def test_what_was_on_its_way_back_when_a_launch_was_undone_stays_in_the_lists(
    page: httpx2.AsyncClient, world: World
) -> None:
    """Somebody may still hold it: what is not certainly called back is not thrown away."""
    draft = new_draft(page)
    await draft.save(await form(world), file())
    campaign = (await draft.schedule()).headers["Location"]
    async with world.database.driver() as driver, driver.transaction():
        await driver.execute(
            "SELECT 1 FROM email_jobs WHERE email_id = (SELECT max(email_id::text)::uuid"
            " FROM email_jobs) FOR UPDATE"
        )
        assert (await undo(draft, campaign)).headers["Location"] == draft.path
    assert (await page.get(campaign)).status_code == 200


async def test_what_goes_right_away_waits_for_as_long_as_it_can_be_undone(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    told = words((await page.get(f"{draft.path}/review")).text)
    assert "First email 10 seconds after it is scheduled; until then you can undo it" in told
    before = clock.now()
    await draft.schedule()
    start_at = await world.fetchval("SELECT start_at FROM campaigns")
    assert start_at >= before + review.HELD_BACK
    assert await world.fetchval("SELECT min(due_at) FROM email_jobs") == start_at


async def test_the_undo_of_an_earlier_campaign_leaves_the_later_one_alone(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    earlier = (await draft.schedule()).headers["Location"]
    await undo(draft, earlier)
    later = (await draft.schedule()).headers["Location"]
    for campaign in (earlier, "/campaigns/none"):  # of a page that was left open, or of nobody's
        told = await undo(draft, campaign)
        assert told.headers["Location"] == draft.path
    assert (await page.get(draft.path)).headers["Location"] == later
    state = "SELECT state FROM campaigns WHERE id = $1"
    assert await world.fetchval(state, uuid.UUID(later.rpartition("/")[2])) == "active"


async def test_an_undo_that_comes_too_late_says_how_much_had_left(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    campaign = (await draft.schedule()).headers["Location"]
    await world.execute(
        """
        UPDATE email_jobs SET state = 'sent', sent_at = now()
         WHERE email_id = (SELECT email_id FROM email_jobs ORDER BY email_id LIMIT 1)
        """
    )
    assert "Nothing has left yet" not in words((await page.get(campaign)).text)
    late = await undo(draft, campaign)
    assert late.headers["Location"] == f"{campaign}?undo=late"
    text = words((await page.get(late.headers["Location"])).text)
    assert "Too late to undo all of it: 1 email had left" in text
    assert (await page.get(draft.path)).headers["Location"] == campaign


async def test_a_draft_is_deleted_and_had_back(page: httpx2.AsyncClient, world: World) -> None:
    await world.sender()
    draft = new_draft(page)
    await autosave(draft, name="Autumn")
    gone = await page.post(f"{draft.path}/delete")
    text = words((await page.get(gone.headers["Location"])).text)
    assert "“Autumn” was deleted" in text
    assert "No draft" in text
    back = await page.post(f"{draft.path}/restore")
    assert back.headers["Location"] == draft.path
    assert 'value="Autumn"' in (await page.get(draft.path)).text


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("GET", "/review"),
        ("GET", "/message"),
        ("GET", "/recipients"),
        ("POST", "/recipients/remove"),
        ("GET", "/sample"),
        ("GET", "/left-out.csv"),
        ("POST", "/autosave"),
        ("POST", "/schedule"),
        ("POST", "/undo"),
        ("POST", "/delete"),
        ("POST", "/restore"),
    ],
)
async def test_nobody_meets_the_draft_of_another(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World, method: str, rest: str
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    data = {**draft.carried, "subject": "Theirs"} if method == "POST" else None
    answer = await other_page.request(method, draft.path + rest, data=data)
    assert answer.status_code == 404
    assert await world.fetchval("SELECT subject FROM drafts") == "Hello {{ name }}"
