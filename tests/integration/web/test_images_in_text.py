"""Images in the text of a draft: kept, shown in editor and preview, sent, left behind once gone."""

from __future__ import annotations

import base64
import json

import httpx2
import pytest

from paceline.domain.bounds import MAX_ATTACHMENTS
from paceline.web.mail_body import View
from tests.integration.web.composing import Draft, file, form, new_draft
from tests.integration.web.conftest import FRAGMENT, words
from tests.world import World

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
HTML = '<p>Look: <img src="cid:a1" alt="Our logo"></p>'


async def put_in(
    draft: Draft,
    content_id: str = "a1",
    content: bytes = PNG,
    name: str = "logo.png",
    **fields: str,
) -> httpx2.Response:
    """As the editor does when an image is pasted."""
    return await draft.page.post(
        f"{draft.path}/images",
        data={**draft.carried, "subject": "Kept", **fields, "content_id": content_id},
        files={"image": (name, content, "image/png")},
        headers={"HX-Request": "true"},
    )


async def names(world: World, table: str = "draft_attachments") -> list[str]:
    rows = await world.fetch(f"SELECT file_name FROM {table} ORDER BY position")
    return [row["file_name"] for row in rows]


async def with_image(page: httpx2.AsyncClient, world: World, body: str = HTML) -> Draft:
    """A draft to two people, with an image in its text, as long as `body` has it."""
    draft = new_draft(page)
    fields = await form(world, body=body, format="html")
    assert (await put_in(draft, **fields)).status_code == 200
    await draft.save(fields, file())
    return draft


async def test_an_image_is_kept_with_what_was_typed_and_shown_to_the_editor(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    draft = new_draft(page)
    answer = await put_in(draft, body=HTML, format="rich")
    assert answer.json()["version"] == await world.fetchval("SELECT version FROM drafts")
    assert await world.fetchval("SELECT subject FROM drafts") == "Kept"
    image = await page.get(f"{draft.path}/images/a1")
    assert (image.content, image.headers["content-type"]) == (PNG, "image/png")
    assert "sandbox" in image.headers["content-security-policy"]
    listed = words((await page.get(f"{draft.path}/files", headers=FRAGMENT)).text)
    assert "logo.png 208 B image/png, shown in the text" in listed
    assert "logo.png" in (await page.get(draft.path)).text


async def test_preview_and_review_have_the_image_in_themselves(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = await with_image(page, world)
    fields = {"subject": "Hi", "body": HTML, "format": "rich", "draft": draft.path[9:]}
    preview = await page.post("/compose/preview", data=fields)
    assert f'src="{DATA}"' in preview.text
    assert "img-src data:;" in preview.headers["content-security-policy"]
    assert f'src="{DATA}"' in (await page.get(f"{draft.path}/message")).text
    review = words((await page.get(f"{draft.path}/review")).text)
    assert "logo.png" in review
    assert "leads to no image" not in review


async def test_an_image_too_large_for_the_preview_is_named_in_its_place(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await put_in(draft, content=PNG + bytes(3_000_000), body=HTML)
    shown = (await page.get(f"{draft.path}/message")).text
    assert "data:image/svg+xml;base64," in shown
    assert len(shown) < 3_000


async def test_what_the_text_shows_goes_along_and_is_seen_with_the_email_and_in_a_copy(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = await with_image(page, world)
    campaign = (await draft.schedule()).headers["location"]
    kept = await world.fetch("SELECT file_name, content_id FROM campaign_attachments")
    assert kept == [{"file_name": "logo.png", "content_id": "a1"}]
    email = await world.fetchval("SELECT id FROM emails LIMIT 1")
    assert DATA in (await page.get(f"/emails/{email}/body")).text
    for view in (View.TEXT, View.SOURCE):
        assert DATA not in (await page.get(f"/emails/{email}/body?view={view}")).text
    for copied in (f"{campaign}/duplicate", f"/emails/{email}/copy"):
        copy = (await page.post(copied)).headers["location"]
        assert (await page.get(f"{copy}/images/a1")).content == PNG
        assert DATA in (await page.get(f"{copy}/message")).text


@pytest.mark.parametrize("changed", [{"body": "<p>Gone</p>"}, {"format": "text"}])
async def test_what_was_taken_out_of_the_text_stays_behind_and_an_undo_finds_it(
    page: httpx2.AsyncClient, world: World, changed: dict[str, str]
) -> None:
    draft = await with_image(page, world)
    fields = await form(world, **changed)
    await draft.save(fields)
    assert "logo.png" not in (await page.get(f"{draft.path}/review")).text
    assert (await page.get(f"{draft.path}/images/a1")).content == PNG
    await draft.page.post(f"{draft.path}/test", data={"test_to": "me@example.org"})
    await draft.schedule()
    assert await names(world, "campaign_attachments") == []
    assert await names(world) == ["logo.png"]


async def test_images_of_one_name_are_told_apart_and_the_same_one_is_kept_once(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    for content_id in ("a1", "a1", "b2"):
        assert (await put_in(draft, content_id, name="image.png")).status_code == 200
    assert await names(world) == ["image.png", "image-2.png"]
    assert (await put_in(draft, "b2", PNG + b"else")).status_code == 422


async def test_what_is_no_picture_is_refused_whatever_it_calls_itself(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    for content in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<script>", b""):
        answer = await put_in(draft, content=content)
        assert answer.status_code == 422
        assert json.loads(answer.text)["problem"].startswith("it ")
    assert (await put_in(draft, "no <id>")).status_code == 422
    assert await names(world) == []


async def test_images_that_are_gone_from_the_text_make_room_for_others(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    for n in range(MAX_ATTACHMENTS):
        await put_in(draft, f"a{n}", PNG + bytes([n]), body=HTML)
    assert len(await names(world)) == MAX_ATTACHMENTS
    assert (await put_in(draft, "last", body=HTML)).status_code == 200
    ids = await world.fetch("SELECT content_id FROM draft_attachments ORDER BY position")
    assert [row["content_id"] for row in ids] == ["a1", "last"]


async def test_another_tab_puts_nothing_in_unseen(page: httpx2.AsyncClient, world: World) -> None:
    here = new_draft(page)
    await put_in(here)
    there = Draft(page=page, path=here.path, carried={**here.carried, "page": "another"})
    answer = await put_in(there, "b2")
    assert answer.status_code == 409
    assert answer.json() == {"problem": "this draft was changed in another tab"}


async def test_nobody_sees_or_adds_to_the_images_of_another(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    draft = await with_image(page, world)
    id = await world.fetchval("SELECT id FROM draft_attachments")
    for place in ("images/a1", "files", f"files/{id}"):
        assert (await page.get(f"{draft.path}/{place}")).status_code == 200
        assert (await other_page.get(f"{draft.path}/{place}")).status_code == 404
    theirs = Draft(page=other_page, path=draft.path, carried=draft.carried)
    assert (await put_in(theirs, "b2")).status_code == 404
    fields = {"subject": "Hi", "body": HTML, "format": "rich", "draft": draft.path[9:]}
    assert DATA not in (await other_page.post("/compose/preview", data=fields)).text
