"""The review tells who gets the same subject from the same sender by another campaign already."""

from __future__ import annotations

import uuid
from datetime import timedelta

import httpx2
import pytest

from paceline.web.routes import review
from tests.integration.web.composing import Draft, File, file, form, new_draft
from tests.integration.web.conftest import words
from tests.world import World

pytestmark = pytest.mark.usefixtures("nothing_leaves")


@pytest.fixture
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "HELD_BACK", timedelta(hours=1))


async def kept(page: httpx2.AsyncClient, fields: dict[str, str], files: File) -> Draft:
    draft = new_draft(page)
    assert (await draft.save(fields, files)).status_code == 303
    return draft


async def said(draft: Draft) -> str:
    return words((await draft.page.get(f"{draft.path}/review")).text)


def people(*names: str) -> File:
    rows = "".join(f"{name}@example.org,{name},Engines\n" for name in names)
    return file(f"email,name,company\n{rows}".encode())


async def test_people_who_got_the_subject_today_are_told_of_though_list_and_text_differ(
    page: httpx2.AsyncClient, world: World
) -> None:
    fields = await form(world, name="The first")
    await (await kept(page, fields, people("ada", "alan", "grace"))).schedule()
    again = await kept(page, {**fields, "body": "<p>Other</p>"}, people("Ada", "grace", "bob"))
    assert (
        "2 of these recipients get “Hello {{ name }}” from the same sender by campaign “The first”"
        " already, scheduled at " in await said(again)
    )
    assert (await again.schedule()).status_code == 303, "it was meant"


async def test_one_that_comes_after_the_review_is_asked_about(
    page: httpx2.AsyncClient, world: World
) -> None:
    fields = await form(world)
    first, again = [await kept(page, fields, people("ada")) for _ in range(2)]
    before = await again.reviewed()
    await first.schedule()
    asked = await again.schedule(before)
    assert asked.status_code == 409
    assert "1 of these recipients gets" in words(asked.text)


async def test_a_space_more_is_the_same_subject(page: httpx2.AsyncClient, world: World) -> None:
    fields = await form(world)
    await (await kept(page, fields, people("ada"))).schedule()
    again = await kept(page, {**fields, "subject": "Hello  {{ name }} "}, people("ada"))
    assert "1 of these recipients gets" in await said(again)


@pytest.mark.parametrize("change", [{}, {"subject": "Another"}])
async def test_of_other_people_and_subjects_nothing_is_said(
    page: httpx2.AsyncClient, world: World, change: dict[str, str]
) -> None:
    fields = await form(world)
    await (await kept(page, fields, people("ada"))).schedule()
    other = await kept(page, {**fields, **change}, people("ada" if change else "alan"))
    assert "already" not in await said(other)


async def test_who_is_suppressed_gets_nothing_twice(page: httpx2.AsyncClient, world: World) -> None:
    fields = await form(world)
    await (await kept(page, fields, people("ada", "alan"))).schedule()
    added = await page.post("/suppressions", data={"addresses": "ada@example.org"})
    assert added.status_code == 303, added.text
    again = await kept(page, fields, people("ada", "alan", "bob"))
    assert "1 of these recipients gets" in await said(again)


async def test_a_campaign_that_was_undone_has_reached_nobody(
    page: httpx2.AsyncClient, world: World
) -> None:
    fields = await form(world)
    first = await kept(page, fields, people("ada"))
    campaign = (await first.schedule()).headers["location"].rpartition("/")[2]
    undone = await page.post(f"{first.path}/undo", data={"campaign": campaign})
    assert undone.status_code == 303
    assert "already" not in await said(first)


async def test_the_question_before_the_launch_of_a_draft_of_the_api_says_the_same(
    page: httpx2.AsyncClient, world: World
) -> None:
    fields = await form(world, name="The <b>first</b>")
    await (await kept(page, fields, people("ada", "alan"))).schedule()
    sender = uuid.UUID(fields["sender_id"])
    draft = await world.campaign(sender, state="draft", subject=" Hello {{ name }}")
    await world.emails(sender, draft, ["ada@example.org", "bob@example.org"])
    for path in (f"/campaigns/{draft}", f"/campaigns/{draft}/launch-notes"):
        html = (await page.get(path)).text
        told = words(html)
        assert "1 of these recipients gets “Hello {{ name }}” from the same sender" in told
        assert "campaign “The &lt;b&gt;first&lt;/b&gt;” already" in html
    poll = await page.get(f"/campaigns/{draft}/rows")
    assert poll.status_code == 200
    assert "already" not in poll.text, "asked anew at each poll"
