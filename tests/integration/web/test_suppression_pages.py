"""Suppressions on their pages: why each is there, added, imported, exported, taken off."""

from __future__ import annotations

import httpx2
import pytest

from tests.integration.web.conftest import FRAGMENT, words
from tests.world import World


async def add(page: httpx2.AsyncClient, text: str, **fields: str) -> httpx2.Response:
    return await page.post("/suppressions", data={"addresses": text, "note": "", **fields})


async def test_an_empty_list_says_what_gets_there(page: httpx2.AsyncClient) -> None:
    assert "Nobody is suppressed" in words((await page.get("/suppressions")).text)


async def test_pasted_addresses_are_found_and_listed_with_who_and_why(
    page: httpx2.AsyncClient,
) -> None:
    answer = await add(page, "Ada <ada@x.org>; bob@x.org\nBOB@x.org", note="asked by phone")
    assert answer.headers["Location"] == "/suppressions"
    text = words((await page.get("/suppressions")).text)
    assert "2 addresses added, 1 on the list already." in text
    assert "ada@x.org" in text
    assert "asked by phone" in text
    assert "2 addresses" in text
    found = words((await page.get("/suppressions?q=bob", headers=FRAGMENT)).text)
    assert "bob@x.org" in found
    assert "ada@x.org" not in found
    assert "Nothing matches" in words((await page.get("/suppressions?reason=hard_bounce")).text)


@pytest.mark.parametrize("last", ["c@x.org", "c@x.org, d@x.org"])
async def test_of_pasted_addresses_a_line_that_holds_none_is_named_and_costs_no_other_one(
    page: httpx2.AsyncClient, world: World, last: str
) -> None:
    answer = await add(page, f"Ada <ada@x.org>, bob@x.org\nnobody\n{last}")
    assert "1 row holds no address: Line 2: there is no @ in it: nobody" in words(answer.text)
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 3 + last.count(",")


async def test_a_bounce_shows_the_reply_and_leads_to_the_email(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    [email] = await world.emails(sender, None, ["gone@x.org"])
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason, email_id, reply) "
        "VALUES ($1, 'gone@x.org', 'hard_bounce', $2, '550 5.1.1 no such <user>')",
        world.owner_id,
        email,
    )
    html = (await page.get("/suppressions")).text
    assert f'<a class="pl-link" href="/emails/{email}">550 5.1.1 no such &lt;user&gt;</a>' in html
    assert "Paceline, after a bounce" in words(html)


async def test_of_a_file_each_row_that_holds_no_address_is_named(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = b"Email,Status\na@x.org,unsubscribed\nnobody,x\n"
    answer = await page.post(
        "/suppressions", data={"addresses": "", "note": ""}, files={"file": ("out.csv", table)}
    )
    text = words(answer.text)
    assert "1 address added. 1 row holds no address: Line 3: there is no @ in it: nobody" in text
    assert await world.fetchval("SELECT reason FROM suppressions") == "import"


async def test_a_file_that_has_to_be_asked_about_is_asked_about(
    page: httpx2.AsyncClient, world: World
) -> None:
    table = b"Work,Home\na@x.org,b@y.org\nc@x.org,d@y.org\n"
    send = {"data": {"addresses": "", "note": ""}, "files": {"file": ("two.csv", table)}}
    answer = await page.post("/suppressions", **send)  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert 'name="address_column"' in answer.text
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 0
    send["data"] = {"addresses": "", "note": "", "address_column": "Home"}
    assert (await page.post("/suppressions", **send)).status_code == 303  # type: ignore[arg-type]
    rows = await world.fetch("SELECT address_key FROM suppressions ORDER BY 1")
    assert [row["address_key"] for row in rows] == ["b@y.org", "d@y.org"]


@pytest.mark.parametrize(("text", "told"), [("", "Paste some addresses"), ("nobody", "address")])
async def test_what_is_no_list_is_refused_and_what_was_typed_stays(
    page: httpx2.AsyncClient, world: World, text: str, told: str
) -> None:
    answer = await add(page, text, note="why not")
    assert answer.status_code == 422
    assert told in words(answer.text)
    assert 'value="why not"' in answer.text
    assert f">{text}</textarea>" in answer.text
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_an_address_is_taken_off_with_a_reason_that_is_kept(
    page: httpx2.AsyncClient, world: World
) -> None:
    await add(page, "back@x.org")
    question = await page.get("/suppressions/remove?address=back@x.org")
    assert "Take back@x.org off the list?" in words(question.text)
    form = {"address": "back@x.org", "note": " "}
    refused = await page.post("/suppressions/remove", data=form)
    assert refused.status_code == 422
    assert "Say why" in words(refused.text)
    done = await page.post("/suppressions/remove", data={**form, "note": "wrote to us"})
    assert done.headers["Location"] == "/suppressions"
    text = words((await page.get("/suppressions")).text)
    assert "back@x.org may be written to again." in text
    assert "Taken off the list lately" in text
    assert "wrote to us" in text
    entry = await world.fetch(
        "SELECT actor, action, subject FROM audit_log WHERE action = 'suppression.removed'"
    )
    assert entry == [{"actor": "Ada", "action": "suppression.removed", "subject": "back@x.org"}]


async def test_the_export_is_what_the_filters_show(page: httpx2.AsyncClient) -> None:
    await add(page, "a@x.org\nb@y.org")
    answer = await page.get("/suppressions/export?q=y")
    assert answer.headers["content-type"].startswith("text/csv")
    assert [line.partition(",")[0] for line in answer.text.splitlines()] == ["email", "b@y.org"]


async def test_nobody_sees_or_changes_the_list_of_somebody_else(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient
) -> None:
    await add(page, "a@x.org")
    assert "a@x.org" not in (await other_page.get("/suppressions")).text
    assert "a@x.org" not in (await other_page.get("/suppressions/export")).text
    path = "/suppressions/remove?address=a@x.org"
    assert (await other_page.get(path)).status_code == 404
    await other_page.post("/suppressions/remove", data={"address": "a@x.org", "note": "mine"})
    assert "a@x.org" in (await page.get("/suppressions")).text
