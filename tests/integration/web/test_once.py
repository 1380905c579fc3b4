"""A form that is sent twice is carried out once, whatever made it come twice; scripts or none."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import text

from paceline.persistence.database import Database, DatabaseUnavailable
from paceline.services.campaigns import Campaigns
from paceline.services.idempotency import Answer, Idempotency, Ticket
from paceline.services.scheduling import Scheduling
from paceline.web import Parts, once
from tests.api import QUOTAS
from tests.integration.web.composing import Draft, file, form, new_draft
from tests.integration.web.conftest import FRAGMENT, browser, sign_in, words
from tests.integration.web.test_compose_pages import campaigns
from tests.world import World


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "PATIENCE_SECONDS", 0.0)


def token_of(html: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', html)
    assert found
    return found[1]


async def reviewed(page: httpx2.AsyncClient, world: World) -> tuple[str, dict[str, str]]:
    """Where the form of a review goes, and what a browser sends: with the token of its page."""
    draft = await kept(page, world)
    return f"{draft.path}/schedule", await draft.reviewed()


async def kept(page: httpx2.AsyncClient, world: World) -> Draft:
    draft = new_draft(page)
    assert (await draft.save(await form(world), file())).status_code == 303
    return draft


async def new_sender(page: httpx2.AsyncClient) -> dict[str, str]:
    """The form of a new sender, filled in."""
    shown = (await page.get("/senders/new?preset=dev-inbox")).text
    return {
        "from_address": "news@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": "1025",
        "smtp_security": "none",
        "max_connections": "4",
        "once": token_of(shown),
    }


async def test_the_second_submission_leads_to_the_first_ones_page(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    answers = [await page.post(path, data=sent) for _ in range(3)]
    assert {a.status_code for a in answers} == {303}
    assert len({a.headers["location"] for a in answers}) == 1
    assert await campaigns(world) == 1
    assert await world.fetchval("SELECT count(*) FROM emails") == 2


async def test_of_two_at_one_moment_the_second_waits_for_the_first(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    answers = await asyncio.gather(
        *(page.post(path, data=sent, headers=FRAGMENT) for _ in range(5))
    )
    assert len({a.headers["HX-Redirect"] for a in answers}) == 1
    assert await campaigns(world) == 1


async def test_one_process_waits_for_the_other(
    page: httpx2.AsyncClient, world: World, parts: Parts, database_url: str
) -> None:
    """Two API processes behind one address, each with its own sign of life."""
    elsewhere = Database(database_url)
    other = _over(parts, elsewhere)
    path, sent = await reviewed(page, world)
    try:
        async with browser(other) as there:
            await sign_in(there, other, world)
            both = await asyncio.gather(
                page.post(path, data=sent),
                there.post(path, data=sent),
            )
    finally:
        await elsewhere.close()
    assert len({a.headers["location"] for a in both}) == 1
    assert await campaigns(world) == 1


async def test_while_the_first_is_under_way_the_second_is_told_where_to_look(
    page: httpx2.AsyncClient, world: World, database: Database, impatient: None
) -> None:
    path, sent = await reviewed(page, world)
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE campaigns IN SHARE MODE"))
        first = asyncio.create_task(page.post(path, data=sent))
        await world.until_blocked(1)
        second = await page.post(path, data=sent)
        assert second.status_code == 409
        assert "still being worked on" in words(second.text)
        assert 'href="/campaigns"' in second.text
    assert (await first).status_code == 303
    assert await campaigns(world) == 1


async def test_a_form_that_was_refused_is_mended_and_sent_again_under_its_token(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    refused = await page.post(path, data={**sent, "version": "99"})
    assert refused.status_code == 409
    assert token_of(refused.text) == sent["once"]
    mended = await page.post(path, data=sent)
    assert mended.status_code == 303
    assert await campaigns(world) == 1


async def test_what_was_changed_since_is_not_stored_and_the_page_says_so(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    first = await page.post(path, data=sent)
    changed = await page.post(path, data={**sent, "version": "99"})
    assert urlsplit(changed.headers["location"]).path == first.headers["location"]
    shown = words((await page.get(changed.headers["location"])).text)
    assert "What you changed since was not stored" in shown
    assert await campaigns(world) == 1


async def test_who_comes_back_later_is_told_that_nothing_was_done_twice(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    await page.post(path, data=sent)
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '1 minute'")
    again = await page.post(path, data=sent)
    assert "nothing was done twice" in words((await page.get(again.headers["location"])).text)
    assert await campaigns(world) == 1


async def test_an_owner_does_not_meet_the_token_of_another(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    await page.post(path, data=sent)
    theirs = await other_page.post(path, data=sent)
    assert theirs.status_code == 404  # the draft is none of theirs
    assert await campaigns(world) == 1


async def test_without_a_token_a_draft_is_one_campaign_all_the_same(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    sent.pop("once")
    answers = [await page.post(path, data=sent) for _ in range(2)]
    assert len({a.headers["location"] for a in answers}) == 1
    assert await campaigns(world) == 1


async def test_two_reviews_of_one_draft_make_one_campaign(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = await kept(page, world)
    both = await asyncio.gather(*(draft.reviewed() for _ in range(2)))
    answers = await asyncio.gather(*(draft.schedule(sent) for sent in both))
    assert sorted(a.status_code for a in answers) in ([303, 303], [303, 409])
    assert await campaigns(world) == 1


async def test_the_same_from_another_tab_is_asked_about_and_done_when_it_is_meant(
    page: httpx2.AsyncClient, world: World
) -> None:
    first, other = await kept(page, world), new_draft(page)
    await other.save(await same_as(world, first), file())
    before = await other.reviewed()
    await first.schedule()
    asked = await other.schedule(before)
    assert asked.status_code == 409
    assert "2 of these recipients get “Hello {{ name }}” from the same sender" in words(asked.text)
    assert await campaigns(world) == 1
    assert (await other.schedule()).status_code == 303
    assert await campaigns(world) == 2


async def same_as(world: World, draft: Draft) -> dict[str, str]:
    """The fields of another draft, its sender included."""
    sender = await world.fetchval(
        "SELECT sender_id FROM drafts WHERE id = $1", uuid.UUID(draft.path.rpartition("/")[2])
    )
    return await form(world, sender_id=sender)


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was done is committed, and then the process dies before it can answer."""
    settle, committed = Idempotency.settle, []

    async def once_only(self: Idempotency, session: Any, ticket: Ticket, answer: Answer) -> None:
        if ticket.key in committed:
            raise DatabaseUnavailable("gone after the commit")
        committed.append(ticket.key)
        await settle(self, session, ticket, answer)

    monkeypatch.setattr(Idempotency, "settle", once_only)
    yield
    assert committed


async def test_a_crash_between_the_commit_and_the_answer_is_no_second_campaign(
    page: httpx2.AsyncClient, world: World, dying: None
) -> None:
    path, sent = await reviewed(page, world)
    answer = await page.post(path, data=sent)
    assert answer.status_code == 503
    said = words(answer.text)
    assert "may have been carried out all the same" in said
    assert "it will not be done twice" in said
    assert "Nothing was changed" not in said
    assert 'href="/campaigns"' in answer.text
    again = await page.post(path, data=sent)
    there = await world.fetchval("SELECT id::text FROM campaigns")
    assert again.headers["location"] == f"/campaigns/{there}"
    assert await campaigns(world) == 1


async def test_what_was_changed_after_a_crash_is_not_stored_and_the_page_says_so(
    page: httpx2.AsyncClient, world: World, dying: None
) -> None:
    path, sent = await reviewed(page, world)
    assert (await page.post(path, data=sent)).status_code == 503
    changed = await page.post(path, data={**sent, "version": "99"})
    there = await world.fetchval("SELECT id::text FROM campaigns")
    assert changed.headers["location"] == f"/campaigns/{there}?already=changed"
    shown = words((await page.get(changed.headers["location"])).text)
    assert "What you changed since was not stored" in shown


async def test_a_crash_before_the_commit_leaves_the_draft_to_be_scheduled(
    page: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sent = await reviewed(page, world)

    async def gone(*_: object) -> None:
        raise DatabaseUnavailable("gone before the commit")

    with monkeypatch.context() as patch:
        patch.setattr(Idempotency, "settle", gone)
        assert (await page.post(path, data=sent)).status_code == 503
    assert await campaigns(world) == 0
    again = await page.post(path, data=sent)
    there = await world.fetchval("SELECT id::text FROM campaigns")
    assert again.headers["location"] == f"/campaigns/{there}"
    assert await campaigns(world) == 1


async def test_a_sender_that_was_changed_after_a_crash_is_the_first_and_the_page_says_so(
    page: httpx2.AsyncClient, world: World, dying: None
) -> None:
    fields = await new_sender(page)
    assert (await page.post("/senders", data=fields)).status_code == 503
    changed = await page.post("/senders", data={**fields, "smtp_password": "another"})
    there = await world.fetchval("SELECT id::text FROM senders")
    assert changed.headers["location"] == f"/senders/{there}?already=changed"


async def test_what_breaks_half_way_leaves_no_draft_and_the_token_free(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    await world.execute("ALTER TABLE email_jobs ADD CONSTRAINT broken CHECK (false) NOT VALID")
    broken = await page.post(path, data=sent)
    await world.execute("ALTER TABLE email_jobs DROP CONSTRAINT broken")
    assert broken.status_code == 500
    assert await campaigns(world) == 0
    assert (await page.post(path, data=sent)).status_code == 303
    assert await campaigns(world) == 1


async def test_a_page_that_cannot_be_shown_says_to_try_again(
    page: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking changes nothing, so that much is known."""

    async def gone(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr("paceline.services.senders.Senders.list", gone)
    answer = await page.get("/senders")
    assert answer.status_code == 503
    assert "Try again in a moment" in words(answer.text)
    assert "may have been" not in words(answer.text)


async def test_a_new_sender_is_added_once(page: httpx2.AsyncClient, world: World) -> None:
    fields = await new_sender(page)
    first = await page.post("/senders", data=fields)
    again = await page.post("/senders", data=fields)
    changed = await page.post("/senders", data={**fields, "smtp_password": "another"})
    assert first.status_code == 303
    assert again.headers["location"] == first.headers["location"]
    assert changed.headers["location"] == f"{first.headers['location']}?already=changed"
    assert await world.fetchval("SELECT count(*) FROM senders") == 1


async def test_a_test_message_goes_out_once_and_its_report_is_shown_again(
    page: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = await world.sender(port=9)
    shown = (await page.get(f"/senders/{sender}")).text
    sent = {"to": "ada@example.org", "once": token_of(shown)}
    first = await page.post(f"/senders/{sender}/test", data=sent)
    monkeypatch.setattr("paceline.services.senders.Senders.send_test", None)
    again = await page.post(f"/senders/{sender}/test", data=sent)
    assert (again.status_code, again.text) == (200, first.text)
    other = await page.post(f"/senders/{sender}/test", data={**sent, "to": "grace@example.org"})
    assert other.status_code == 409
    assert "reload its page" in words(other.text)


async def test_a_button_pressed_twice_acts_once_and_shows_no_error(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender, state="draft", launched_at=None)
    await world.emails(sender, campaign, 2)
    for act in ("launch", "pause", "resume", "cancel"):
        sent = {"once": token_of((await page.get(f"/campaigns/{campaign}")).text)}
        path = f"/campaigns/{campaign}/{act}"
        answers = [await page.post(path, data=sent) for _ in range(2)]
        assert [a.status_code for a in answers] == [303, 303], act
        assert {a.headers["location"] for a in answers} == {f"/campaigns/{campaign}"}


async def test_a_token_that_is_none_of_ours_is_refused(
    page: httpx2.AsyncClient, world: World
) -> None:
    path, sent = await reviewed(page, world)
    assert (await page.post(path, data={**sent, "once": "x" * 101})).status_code == 422


@pytest.fixture(autouse=True)
def _no_tokens_left_in_hand(parts: Parts) -> Iterator[None]:
    yield
    assert not parts.idempotency._at_work


def _over(parts: Parts, database: Database) -> Parts:
    """The same pages over connections of their own."""
    bell = parts.scheduling._bell
    scheduling = Scheduling(database, bell, QUOTAS, Campaigns(database, bell, QUOTAS))
    return replace(parts, idempotency=Idempotency(database), scheduling=scheduling)
