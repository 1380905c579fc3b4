"""Files of a campaign: attached and taken off before it is launched, downloaded at any time."""

from __future__ import annotations

import re
import uuid

import httpx2
import pytest

from paceline.web import Parts
from tests.integration.web.conftest import FRAGMENT, words
from tests.integration.web.test_images_in_text import DATA, HTML, PNG
from tests.world import World

PDF = ("plan.pdf", b"%PDF-1.7", "application/pdf")


async def campaign_of(world: World, **columns: object) -> tuple[uuid.UUID, str]:
    """Of one email; and its path."""
    sender = await world.sender()
    campaign = await world.campaign(sender, **{"state": "draft", **columns})
    await world.emails(sender, campaign, 1)
    return campaign, f"/campaigns/{campaign}"


async def attach(page: httpx2.AsyncClient, path: str, *files: object) -> httpx2.Response:
    """As the page does when files are chosen."""
    given = [("attached", file) for file in files]
    return await page.post(f"{path}/files", files=given, headers=FRAGMENT)  # type: ignore[arg-type]


async def put_in(page: httpx2.AsyncClient, path: str, content_id: str = "a1") -> httpx2.Response:
    image = ("logo.png", PNG, "image/png")
    data = {"content_id": content_id}
    return await page.post(f"{path}/images", data=data, files={"image": image})


async def names(world: World) -> list[str]:
    rows = await world.fetch("SELECT file_name FROM campaign_attachments ORDER BY position")
    return [row["file_name"] for row in rows]


async def test_files_are_attached_listed_downloaded_and_taken_off_before_the_launch(
    page: httpx2.AsyncClient, world: World
) -> None:
    _, path = await campaign_of(world)
    for _ in "twice":
        answer = await attach(page, path, PDF, ("empty.txt", b"", "text/plain"))
    assert "plan.pdf 8 B application/pdf" in words(answer.text)
    assert "“empty.txt” was not attached: it holds nothing" in words(answer.text)
    assert await names(world) == ["plan.pdf"]
    assert "plan.pdf 8 B" in words((await page.get(f"{path}/edit")).text)
    [link] = re.findall(rf'href="({path}/files/[^"]+)"', answer.text)
    file = await page.get(link)
    assert (file.content, file.headers["content-type"]) == (PDF[1], "application/octet-stream")
    assert file.headers["content-disposition"].startswith('attachment; filename="plan.pdf"')
    assert link in (await page.get(path)).text
    gone = await page.post(f"{link}/remove", headers=FRAGMENT)
    assert "plan.pdf" not in gone.text
    assert await names(world) == []


async def test_without_scripts_files_come_with_the_form_and_nothing_typed_is_lost(
    page: httpx2.AsyncClient, world: World
) -> None:
    _, path = await campaign_of(world)
    typed = {"subject": "Not saved yet", "body": "Nor this", "format": "text"}
    empty = ("empty.txt", b"", "text/plain")
    for answer in (
        await page.post(f"{path}/edit", data=typed, files={"attached": empty}),
        await page.post(f"{path}/files", data=typed, files={"attached": PDF}),
    ):
        assert "Not saved yet" in answer.text
        assert "Nor this" in answer.text
    assert await world.fetchval("SELECT subject FROM campaigns") == "Hello {{ name }}"
    saved = await page.post(f"{path}/edit", data=typed, files={"attached": PDF})
    assert saved.status_code == 303
    assert await names(world) == ["plan.pdf"]
    assert await world.fetchval("SELECT subject FROM campaigns") == "Not saved yet"


async def test_once_launched_the_files_stand_and_can_be_had_from_each_email(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign, path = await campaign_of(world, html_body=HTML)
    await attach(page, path, PDF)
    await put_in(page, path)
    [link] = re.findall(rf'href="({path}/files/[^"]+)"[^>]*>plan', (await page.get(path)).text)
    await world.execute("UPDATE campaigns SET state = 'active', launched_at = now()")
    for refused in (
        await attach(page, path, ("b.txt", b"b", "text/plain")),
        await put_in(page, path, "b2"),
        await page.post(f"{link}/remove", headers=FRAGMENT),
    ):
        assert refused.status_code == 409
    email = await world.fetchval("SELECT id FROM emails WHERE campaign_id = $1", campaign)
    for headers in ({}, FRAGMENT):
        shown = (await page.get(f"/emails/{email}", headers=headers)).text
        assert link in shown
        assert "logo.png 208 B image/png, shown in the text" in words(shown)
    assert DATA in (await page.get(f"/emails/{email}/body")).text


async def test_an_image_of_the_text_is_kept_until_a_text_without_it_is_saved(
    page: httpx2.AsyncClient, world: World
) -> None:
    _, path = await campaign_of(world)
    await attach(page, path, PDF)
    assert (await put_in(page, path)).status_code == 200
    assert (await page.get(f"{path}/images/a1")).content == PNG
    await page.post(f"{path}/edit", data={"name": "Only renamed"})
    assert await names(world) == ["plan.pdf", "logo.png"]
    await page.post(f"{path}/edit", data={"format": "rich", "body": HTML})
    assert await names(world) == ["plan.pdf", "logo.png"]
    await page.post(f"{path}/edit", data={"format": "rich", "body": "<p>Gone</p>"})
    assert await names(world) == ["plan.pdf"]


async def test_a_picture_of_a_text_that_was_never_saved_does_not_go_along(
    page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    campaign, path = await campaign_of(world, html_body=HTML)
    await attach(page, path, PDF)
    await put_in(page, path)
    await put_in(page, path, "b2")
    assert "logo-2.png" not in (await page.get(path)).text
    await parts.campaigns.launch(world.owner_id, campaign)
    assert await names(world) == ["plan.pdf", "logo.png"]


async def test_a_picture_that_each_recipient_has_another_of_goes_along(
    page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    campaign, path = await campaign_of(world, html_body='<img src="cid:{{ name }}">')
    await put_in(page, path)
    await parts.campaigns.launch(world.owner_id, campaign)
    assert await names(world) == ["logo.png"]


@pytest.mark.parametrize("place", ["files", "files/{id}", "images/a1"])
async def test_nobody_has_the_files_of_another(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World, place: str
) -> None:
    _, path = await campaign_of(world)
    await put_in(page, path)
    id = await world.fetchval("SELECT id FROM campaign_attachments")
    there = f"{path}/{place.format(id=id)}"
    assert (await page.get(there)).status_code == 200
    assert (await other_page.get(there)).status_code == 404
    assert (await other_page.post(f"{path}/files/{id}/remove")).status_code == 404
    assert (await attach(other_page, path, PDF)).status_code == 404
    assert (await put_in(other_page, path, "b2")).status_code == 404
    assert await names(world) == ["logo.png"]
