"""The compose page shows how a list was read, and reads it again as its owner chooses."""

from __future__ import annotations

import gzip

import httpx2
import pytest

from paceline.persistence.database import DatabaseUnavailable
from paceline.services.drafts import Drafts
from tests.integration.web.composing import compose, file, form, new_draft, schedule
from tests.integration.web.conftest import FRAGMENT, words
from tests.integration.web.test_compose_pages import campaigns
from tests.world import World


async def read(page: httpx2.AsyncClient, data: bytes, **fields: str) -> str:
    draft = new_draft(page)
    response = await page.post(
        f"{draft.path}/recipients",
        data={**draft.carried, **fields},
        files=file(data),
        headers=FRAGMENT,
    )
    assert response.status_code == 200
    return response.text


async def test_a_packed_list_is_read_back_like_any_other(
    page: httpx2.AsyncClient, world: World
) -> None:
    packed = gzip.compress(b"email,name\nada@example.org,Ada\n")
    assert "1 recipient " in words(await read(page, packed))
    posted = await form(world, body="<p>Hi</p>")
    await schedule(page, posted, file(packed, "people.csv.gz"))
    assert await world.fetchval("SELECT address FROM emails") == "ada@example.org"


async def test_a_workbook_is_told_the_way_to_a_table(page: httpx2.AsyncClient) -> None:
    workbook = b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + bytes(100)
    text = words(await read(page, workbook))
    assert "The list is an Excel workbook, not a CSV file: open it in Excel" in text
    assert "How the file was read" not in text


async def test_a_field_is_spelt_as_the_message_spells_it(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = b"EMAIL,FNAME\nada@example.net,Ada\n"
    body = "<p>Hi {{ FNAME }}</p>"
    assert 'data-field="FNAME"' in await read(page, table, body=body)
    assert 'data-field="fname"' in await read(page, table, body="<p>Hi</p>")
    posted = await form(world, subject="Hi", body=body)
    sent = await schedule(page, posted, file(table))
    assert sent.status_code == 303, words(sent.text)
    assert await world.fetchval("SELECT fields->>'FNAME' FROM emails") == "Ada"


async def test_an_encoding_can_be_chosen_and_holds_at_the_end(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = "email,company\nada@example.org,Завод\n".encode("cp1251")
    shown = await read(page, table, encoding="cp1251")
    assert "Завод" in shown
    assert '<option value="cp1251" selected>Cyrillic (Windows-1251)</option>' in shown
    posted = await form(world, subject="Hi", encoding="cp1251")
    await schedule(page, posted, file(table))
    assert await world.fetchval("SELECT fields->>'company' FROM emails") == "Завод"


async def test_another_file_begins_without_the_choices_about_the_one_before(
    page: httpx2.AsyncClient,
) -> None:
    table = "email,company\nada@example.org,Завод\n".encode()
    draft = new_draft(page)
    response = await page.post(
        f"{draft.path}/recipients?fresh=1",
        data={**draft.carried, "encoding": "cp1251", "address_column": "E-mail 2"},
        files=file(table),
        headers=FRAGMENT,
    )
    assert "Завод" in response.text
    assert "E-mail 2" not in response.text


async def test_a_choice_that_is_no_good_is_told_beside_it_and_can_be_taken_back(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = b"email,company\nada@example.org,Engines\n"
    for name, value in (("header_line", "1,5"), ("encoding", "ebcdic"), ("opted_out", "perhaps")):
        shown = await read(page, table, **{name: value})
        assert f'id="{name}-note" class="pl-note" data-tone="bad"' in shown
        assert f'<option value="{value}" selected>' in shown
        posted = await form(world, **{name: value})
        refused = await compose(page, posted, file(table))
        assert refused.status_code == 422
    assert await campaigns(world) == 0


async def test_what_no_choice_was_made_about_says_what_was_found(page: httpx2.AsyncClient) -> None:
    text = words(await read(page, b"email,company\nada@example.org,Engines\n"))
    assert "Line 1 has the titles of the columns." in text
    assert "Found: Unicode (UTF-8)" in text
    assert "Line 2: ada@example.org,Engines" in text


async def test_a_row_without_a_value_for_the_message_is_refused_before_the_end(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = b"email,company\nada@example.org,Engines\ngrace@example.org,\n"
    text = words(await read(page, table, body="<p>{{ company }}</p>"))
    assert "1 recipient " in text
    assert "no value for {{ company }}" in text
    assert "2 recipients" in words(await read(page, table, body="<p>{{ firm }}</p>"))
    posted = await form(world, subject="Hi", body="<p>{{ company }}</p>")
    await schedule(page, posted, file(table))
    assert await world.fetchval("SELECT array_agg(address) FROM emails") == ["ada@example.org"]


async def test_nothing_goes_out_by_a_guess_that_the_page_has_not_shown(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = (
        b"Account Owner Email,Lead Email,Status\n"
        b"rep@agency.example,ada@leads.example,subscribed\n"
        b"rep@agency.example,grace@leads.example,unsubscribed\n"
    )
    draft = new_draft(page)
    await draft.save(await form(world, subject="Hi", body="<p>Hi</p>"), file(table))
    text = words((await page.get(f"{draft.path}/review")).text)
    assert "“Lead Email” is taken" in text
    assert "1 row is left out that the table says not to write to: Status: unsubscribed" in text
    unread = {**await draft.reviewed(), "noted": ""}
    assert (await draft.schedule(unread)).status_code == 409
    assert await campaigns(world) == 0
    assert (await draft.schedule()).status_code == 303
    assert await world.fetchval("SELECT array_agg(address) FROM emails") == ["ada@leads.example"]


async def test_a_choice_made_by_hand_needs_no_second_look(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = b"Work,Home\nada@work.example,ada@home.example\n"
    posted = await form(world, subject="Hi", body="<p>Hi</p>")
    asked = await compose(page, posted, file(table))
    assert asked.status_code == 422
    assert "Several columns hold addresses, “Work”, “Home”" in words(asked.text)
    await schedule(page, posted | {"address_column": "Home"}, file(table))
    assert await world.fetchval("SELECT array_agg(address) FROM emails") == ["ada@home.example"]


async def test_a_contact_card_has_no_line_of_titles_to_choose(page: httpx2.AsyncClient) -> None:
    card = b"BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEMAIL:ada@example.org\nEND:VCARD\n"
    shown = await read(page, card)
    assert "1 recipient " in words(shown)
    assert 'name="header_line"' not in shown


async def test_a_list_that_could_not_be_read_is_not_told_as_perhaps_carried_out(
    page: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("gone")

    draft = new_draft(page)
    monkeypatch.setattr(Drafts, "save", lost)
    answer = await page.post(
        f"{draft.path}/recipients",
        data=draft.carried,
        files=file(b"email\nada@example.org\n"),
        headers=FRAGMENT,
    )
    assert answer.status_code == 503
    said = answer.headers["HX-Trigger"]
    assert "Reading a list schedules and sends nothing" in said
    assert "carried out" not in said
    assert "/campaigns" not in said
