"""Files on the compose page: kept with the draft, by the rules of all attachments, and sent."""

from __future__ import annotations

import re

import httpx2
import pytest

from paceline.domain.bounds import MAX_ATTACHMENT_OCTETS, MAX_ATTACHMENTS
from tests.integration.web.composing import Draft, file, form, hidden, new_draft
from tests.integration.web.conftest import FRAGMENT, words
from tests.world import World

PDF = ("plan.pdf", b"%PDF-1.7", "application/pdf")
Given = tuple[str, bytes, str]


async def attach(
    draft: Draft, *files: Given, headers: dict[str, str] = FRAGMENT
) -> httpx2.Response:
    """As the page does when files are chosen."""
    return await draft.page.post(
        f"{draft.path}/files",
        data={**draft.carried, "subject": "Kept"},
        files=[("attached", given) for given in files],
        headers=FRAGMENT,
    )


async def stored(world: World, table: str = "draft_attachments") -> list[tuple[str, bytes]]:
    rows = await world.fetch(f"SELECT file_name, content FROM {table} ORDER BY position")
    return [(row["file_name"], row["content"]) for row in rows]


async def test_files_are_kept_with_a_draft_and_listed_with_size_and_type(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    draft = new_draft(page)
    answer = await attach(draft, PDF, ("notes.txt", b"x" * 2048, "text/plain"))
    assert answer.status_code == 200
    for text in (words(answer.text), words((await page.get(draft.path)).text)):
        assert "plan.pdf 8 B application/pdf" in text
        assert "notes.txt 2.0 kB text/plain" in text
    assert hidden(answer.text, "version") == hidden((await page.get(draft.path)).text, "version")
    assert await world.fetchval("SELECT subject FROM drafts") == "Kept"


async def test_the_same_file_sent_again_is_one_file(page: httpx2.AsyncClient, world: World) -> None:
    draft = new_draft(page)
    for _ in "twice":
        await attach(draft, PDF)
    await attach(draft, ("plan.pdf", b"another", "application/pdf"))
    assert await stored(world) == [("plan.pdf", b"%PDF-1.7"), ("plan.pdf", b"another")]


async def test_a_file_is_taken_off_and_the_others_stay(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    answer = await attach(draft, PDF, ("b.txt", b"b", "text/plain"))
    [first, _] = re.findall(r'hx-post="([^"]+/remove)"', answer.text)
    for _ in "twice":
        answer = await page.post(first, data=draft.carried, headers=FRAGMENT)
        assert answer.status_code == 200
        assert "plan.pdf" not in answer.text
        assert "b.txt" in answer.text
    assert await stored(world) == [("b.txt", b"b")]


async def test_what_cannot_go_along_is_named_in_its_place_and_the_others_are_kept(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    large = ("large.bin", b"x" * (MAX_ATTACHMENT_OCTETS + 1), "application/octet-stream")
    answer = await attach(draft, ("empty.txt", b"", "text/plain"), large, PDF)
    text = words(answer.text)
    assert "“empty.txt” was not attached: it holds nothing" in text
    assert "“large.bin” was not attached: it is larger than 10 MiB." in text
    assert await stored(world) == [("plan.pdf", b"%PDF-1.7")]
    many = [(f"{n}.txt", str(n).encode(), "text/plain") for n in range(MAX_ATTACHMENTS)]
    answer = await attach(draft, *many)
    assert "“9.txt” was not attached: it is one too many" in words(answer.text)
    assert len(await stored(world)) == MAX_ATTACHMENTS


async def test_without_scripts_files_come_with_the_form_and_what_is_wrong_stands_at_them(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    sent = {**draft.carried, **await form(world)}
    files = [("file", file()["file"]), ("attached", PDF), ("attached", ("x", b"", "text/plain"))]
    answer = await page.post(draft.path, data=sent, files=files)
    assert answer.status_code == 422
    assert "“x” was not attached" in words(answer.text)
    assert "plan.pdf" in answer.text
    answer = await page.post(draft.path, data=sent, files=[("attached", PDF)])
    assert answer.headers["location"] == f"{draft.path}/review"


async def test_what_was_reviewed_goes_along_and_is_there_again_after_an_undo(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world, when="later", start="2030-07-15T23:00"), file())
    before = await draft.reviewed()
    await attach(draft, PDF)
    changed = await draft.schedule(before)
    assert changed.status_code == 409
    assert "1 file, 8 B, with each of" in words(changed.text)
    campaign = (await draft.schedule()).headers["location"]
    assert await stored(world, "campaign_attachments") == [("plan.pdf", b"%PDF-1.7")]
    assert "plan.pdf 8 B" in words((await page.get(campaign)).text)
    meant = {"campaign": campaign.rpartition("/")[2]}
    await page.post(f"{draft.path}/undo", data=meant)
    assert "plan.pdf" in (await page.get(draft.path)).text
    again = (await draft.schedule()).headers["location"]
    assert again != campaign
    assert len(await stored(world, "campaign_attachments")) == 1


async def test_a_review_warns_of_files_for_which_providers_refuse_the_mail(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    await attach(draft, ("setup.exe", b"MZ", "application/octet-stream"))
    text = words((await page.get(f"{draft.path}/review")).text)
    assert "“setup.exe”: Gmail refuses the whole email" in text
    assert (await draft.schedule()).headers["location"].startswith("/campaigns/")


async def test_a_file_that_providers_refuse_is_said_to_be_so_beside_it_at_once(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    draft = new_draft(page)
    answer = await attach(draft, ("setup.exe", b"MZ", "application/octet-stream"), PDF)
    for text in (words(answer.text), words((await page.get(draft.path)).text)):
        assert text.count("Gmail refuses the whole email for a file that ends in .exe") == 1


async def test_a_copy_of_an_email_brings_its_files(page: httpx2.AsyncClient, world: World) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    await attach(draft, PDF)
    await draft.schedule()
    email = await world.fetchval("SELECT id FROM emails LIMIT 1")
    copied = (await page.post(f"/emails/{email}/copy")).headers["location"]
    assert "plan.pdf 8 B" in words((await page.get(copied)).text)


async def test_a_test_carries_the_files(page: httpx2.AsyncClient, world: World) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    await attach(draft, PDF)
    await page.post(f"{draft.path}/test", data={"test_to": "me@example.org"})
    assert await stored(world, "campaign_attachments") == [("plan.pdf", b"%PDF-1.7")]


async def test_a_copy_of_a_campaign_has_its_files(page: httpx2.AsyncClient, world: World) -> None:
    draft = new_draft(page)
    await draft.save(await form(world, when="later", start="2030-07-15T23:00"), file())
    await attach(draft, PDF)
    campaign = (await draft.schedule()).headers["location"]
    copy = (await page.post(f"{campaign}/duplicate")).headers["location"]
    assert "plan.pdf" in (await page.get(copy)).text


@pytest.mark.parametrize("place", ["files", "files/{id}/remove"])
async def test_nobody_changes_the_files_of_another(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World, place: str
) -> None:
    draft = new_draft(page)
    await attach(draft, PDF)
    id = await world.fetchval("SELECT id FROM draft_attachments")
    answer = await other_page.post(
        f"{draft.path}/{place.format(id=id)}",
        data=draft.carried,
        files=[("attached", ("theirs.pdf", b"x", "application/pdf"))],
        headers=FRAGMENT,
    )
    assert answer.status_code == 404
    assert await stored(world) == [("plan.pdf", b"%PDF-1.7")]


async def test_another_tab_changes_no_files_unseen(page: httpx2.AsyncClient, world: World) -> None:
    here = new_draft(page)
    await attach(here, PDF)
    there = Draft(page=page, path=here.path, carried={**here.carried, "page": "another"})
    answer = await attach(there, ("b.txt", b"b", "text/plain"))
    assert "this draft was changed in another tab" in words(answer.text)
    assert await stored(world) == [("plan.pdf", b"%PDF-1.7")]
