"""Recipients without a file: typed, pasted, taken away again; and one of them to preview as."""

from __future__ import annotations

import json
from html import unescape

import httpx2

from tests.integration.web.composing import Draft, file, form, hidden, new_draft
from tests.integration.web.conftest import FRAGMENT, words
from tests.world import World

TYPED = "Ada Lovelace <ada@example.org>, grace@example.org"


async def type_in(draft: Draft, text: str, **fields: str) -> httpx2.Response:
    return await draft.page.post(
        f"{draft.path}/recipients?fresh=1",
        data={**draft.carried, **fields, "addresses": text},
        headers=FRAGMENT,
    )


async def test_an_email_to_a_few_people_needs_no_file(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    fields = await form(world, subject="Hello", body="Dear reader", addresses=TYPED)
    assert (await draft.save(fields)).status_code == 303
    text = words((await page.get(f"{draft.path}/review")).text)
    assert "Will be sent 2 emails" in text
    assert "Rows in what you typed 2" in text
    assert (await draft.schedule()).status_code == 303
    sent_to = await world.fetchval("SELECT string_agg(address, ' ' ORDER BY address) FROM emails")
    assert sent_to == "ada@example.org grace@example.org"


async def test_what_is_typed_is_read_at_once_and_is_there_again_later(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    draft = new_draft(page)
    told = await type_in(draft, f"{TYPED}\r\nnobody")
    assert "2 recipients" in told.text
    assert "1 row refused" in told.text
    again = (await page.get(draft.path)).text
    assert f"{TYPED}\nnobody</textarea>" in unescape(again)
    assert "typed addresses" in (await page.get("/drafts")).text


async def test_a_table_that_is_pasted_keeps_its_columns(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    told = await type_in(new_draft(page), "email\tcompany\nada@example.org\tEngines\n")
    assert 'data-field="company"' in told.text


async def test_a_list_that_was_read_once_is_not_stored_anew_by_the_next_step(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await type_in(draft, TYPED)
    before = await world.fetchval("SELECT list_id FROM drafts")
    await draft.save(await form(world, body="Dear reader", addresses=TYPED))
    assert await world.fetchval("SELECT list_id FROM drafts") == before


async def test_an_emptied_field_forgets_what_was_typed_but_no_file(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    draft = new_draft(page)
    await type_in(draft, TYPED)
    told = await type_in(draft, "")
    assert "Choose a list of recipients" in told.text
    assert await world.fetchval("SELECT list_id FROM drafts") is None
    await draft.save(await form(world), file())
    await type_in(draft, "")
    assert await world.fetchval("SELECT list_name FROM drafts") == "people.csv"


async def test_more_than_can_be_typed_is_refused_at_its_field(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    fields = await form(world, addresses="ada@example.org\n" * 40_000)
    refused = await draft.save(fields)
    assert refused.status_code == 422
    assert "save them as a file" in refused.text


async def test_a_list_can_be_taken_away_and_all_else_stays(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    assert f'formaction="{draft.path}/recipients/remove"' in (await page.get(draft.path)).text
    removed = await page.post(f"{draft.path}/recipients/remove", data=draft.carried)
    assert removed.headers["location"] == draft.path
    html = (await page.get(draft.path)).text
    assert "people.csv" not in html
    assert "Hello {{ name }}" in html
    await draft.save(await form(world), file())
    told = await page.post(f"{draft.path}/recipients/remove", data=draft.carried, headers=FRAGMENT)
    assert "Choose a list of recipients" in told.text
    assert "people.csv" not in told.text


async def test_another_tabs_list_is_not_taken_away_unseen(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    other = {**draft.carried, "page": "another"}
    told = await page.post(f"{draft.path}/recipients/remove", data=other, headers=FRAGMENT)
    assert "The list was not removed: this draft was changed in another tab." in told.text
    assert await world.fetchval("SELECT list_name FROM drafts") == "people.csv"


async def test_the_preview_can_be_asked_for_as_anybody_on_the_list(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    found = await page.get(f"{draft.path}/sample?as=ALAN", headers=FRAGMENT)
    assert "as Alan Turing" in found.text
    assert json.loads(unescape(hidden(found.text, "sample")))["company"] == "Bletchley"
    nobody = await page.get(f"{draft.path}/sample?as=<b>", headers=FRAGMENT)
    assert "nobody on the list is found by “&lt;b&gt;”" in nobody.text


async def test_the_sidebar_counts_the_drafts(page: httpx2.AsyncClient, world: World) -> None:
    draft = new_draft(page)
    await draft.save(await form(world), file())
    assert "Drafts 1" in words((await page.get("/nav?section=drafts")).text)


async def test_what_is_typed_never_takes_the_place_of_a_file(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world, address_column="email"), file())
    assert "A file is the list. Remove it to type addresses." in words(
        (await page.get(draft.path)).text
    )
    refused = await type_in(draft, TYPED, address_column="email")
    assert "Were not taken: people.csv is the list." in refused.text
    assert "2 recipients" in refused.text
    saved = await draft.save(await form(world, addresses=TYPED))
    assert saved.status_code == 422
    assert f"{TYPED}</textarea>" in unescape(saved.text)
    assert "Were not taken: people.csv is the list." in saved.text
    assert f'formaction="{draft.path}/recipients/remove"' in saved.text
    kept = await world.fetchval("SELECT list_name || address_column FROM drafts")
    assert kept == "people.csvemail"
    await page.post(f"{draft.path}/recipients/remove", data=draft.carried)
    assert hidden((await type_in(draft, TYPED)).text, "count") == "1"
    assert await world.fetchval("SELECT list_name || address_column FROM drafts") == ""


async def test_a_file_beside_typed_addresses_is_asked_about_where_no_script_does(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await type_in(draft, TYPED)
    refused = await draft.save(await form(world, addresses=TYPED), file())
    assert refused.status_code == 422
    assert "Stand beside a file: empty them, or choose no file." in refused.text
    assert await world.fetchval("SELECT list_name FROM drafts") == ""
    assert (await draft.save(await form(world, addresses=""), file())).status_code == 303
    assert await world.fetchval("SELECT list_name FROM drafts") == "people.csv"
