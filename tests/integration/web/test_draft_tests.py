"""A test of a draft: to oneself, with somebody's values, by the way of all emails."""

from __future__ import annotations

import httpx2

from tests.integration.web.composing import file, form, hidden, new_draft
from tests.world import World


async def test_a_test_is_one_marked_email_with_the_values_of_whom_one_names(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world, when="later", start="2030-07-15T23:00"), file())
    html = (await page.get(draft.path)).text
    sent = {"once": hidden(html, "once"), "test_to": "me@example.org", "test_as": "alan@"}
    for _ in "twice":
        answer = await page.post(f"{draft.path}/test", data=sent)
        assert answer.headers["location"] == draft.path
    rows = await world.fetch(
        "SELECT c.subject, c.name, e.address, e.name AS who, e.fields->>'company' AS company"
        " FROM campaigns c JOIN emails e ON e.campaign_id = c.id WHERE c.state = 'active'"
    )
    assert [tuple(row.values()) for row in rows] == [
        (
            "[Test] Hello {{ name }}",
            "Test: Hello {{ name }}",
            "me@example.org",
            "Alan Turing",
            "Bletchley",
        )
    ]
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 1
    assert await world.fetchval("SELECT campaign_id FROM drafts") is None


async def test_a_test_stands_among_emails_and_not_among_campaigns(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    await page.post(f"{draft.path}/test", data={"test_to": "me@example.org"})
    assert "No campaign yet" in (await page.get("/campaigns")).text
    emails = (await page.get("/emails")).text
    assert "me@example.org" in emails
    assert f'<option value="{await world.fetchval("SELECT id FROM campaigns")}"' not in emails


async def test_a_test_that_cannot_be_sent_says_why_and_sends_nothing(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world, subject=""), file())
    for sent in ({"test_to": "me@example.org"}, {"test_to": "me@example.org", "test_as": "zoe@"}):
        answer = await page.post(f"{draft.path}/test", data=sent)
        assert "No test was sent" in (await page.get(answer.headers["location"])).text
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_a_test_to_somebody_suppressed_says_so_and_leaves_no_campaign_behind(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    await page.post("/suppressions", data={"addresses": "me@example.org", "note": ""})
    answer = await page.post(f"{draft.path}/test", data={"test_to": "me@example.org"})
    assert "No test was sent" in (await page.get(answer.headers["location"])).text
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_a_page_that_nothing_was_typed_on_has_nothing_to_test(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    answer = await page.post(f"{new_draft(page).path}/test", data={"test_to": "me@example.org"})
    assert "Write something first" in (await page.get(answer.headers["location"])).text


async def test_nobody_tests_the_draft_of_another(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    answer = await other_page.post(f"{draft.path}/test", data={"test_to": "me@example.org"})
    assert answer.headers["location"] == "/compose"
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_without_a_list_the_names_of_the_fields_stand_in_for_values(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world))
    await page.post(f"{draft.path}/test", data={"test_to": "me@example.org"})
    assert await world.fetchval("SELECT fields->>'company' FROM emails") == "[company]"
    assert await world.fetchval("SELECT name FROM emails") == "Ada Lovelace"
