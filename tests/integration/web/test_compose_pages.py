"""Composing: the file read back, the plan, the preview, and one write at the end."""

from __future__ import annotations

import json
import re
import uuid

import httpx2
import pytest

from tests.integration.web.composing import File, compose, file, form, new_draft, schedule
from tests.integration.web.conftest import FRAGMENT, words
from tests.world import World


async def read_back(page: httpx2.AsyncClient, files: File) -> httpx2.Response:
    draft = new_draft(page)
    return await page.post(
        f"{draft.path}/recipients", data=draft.carried, files=files, headers=FRAGMENT
    )


REFUSED = json.dumps(
    {
        "ok": False,
        "phase": "auth",
        "detail": "535 5.7.8 no",
        "extensions": [],
        "checked_at": "2030-01-01T00:00:00+00:00",
        "dialogue": [],
    }
)


async def campaigns(world: World) -> int:
    return int(await world.fetchval("SELECT count(*) FROM campaigns"))


async def test_without_a_sender_the_page_says_to_add_one(page: httpx2.AsyncClient) -> None:
    html = (await page.get("/compose")).text
    assert "First, a sender" in html
    assert "/senders/new?preset=dev-inbox" in html


async def test_the_form_knows_the_readers_zone(page: httpx2.AsyncClient, world: World) -> None:
    await world.sender()
    html = (await page.get("/compose")).text
    assert "<option selected>Europe/Berlin</option>" in html


async def test_a_new_campaign_comes_from_a_sender_that_works(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender(from_address="works@example.com", from_name=None)
    html = (await page.get("/compose")).text
    assert "selected>works@example.com (never verified)" in html
    assert "Choose a sender" not in html
    await world.sender(from_address="paused@example.com", state="paused")
    await world.sender(from_address="broken@example.com", state="broken", state_reason="535 no")
    mute = await world.sender(from_address="mute@example.com", from_name=None, last_check=REFUSED)
    html = (await page.get("/compose")).text
    (menu,) = re.findall(r'<select[^>]* name="sender_id".*?</select>', html, re.DOTALL)
    assert "selected" not in menu
    assert menu.index('<option value="">Choose a sender</option>') < menu.index("works@")
    assert f'<option value="{mute}">mute@example.com (cannot log in)</option>' in menu
    assert "works@example.com (never verified)" in menu


async def test_a_new_campaign_comes_from_whom_the_last_email_left_by_else_from_a_verified_sender(
    page: httpx2.AsyncClient, world: World
) -> None:
    async def chosen() -> list[str]:
        html = (await page.get("/compose")).text
        return re.findall(r'<option value="[^"]+" selected>([^<]+)<', html)

    used = await world.sender(from_address="used@example.com", from_name=None)
    accepted = json.dumps({**json.loads(REFUSED), "ok": True})
    await world.sender(from_address="good@example.com", from_name=None, last_check=accepted)
    await world.sender(from_address="new@example.com", from_name=None)
    assert await chosen() == ["good@example.com"]
    await world.emails(used, None, 1)
    await world.execute("UPDATE email_jobs SET state = 'sent', sent_at = now()")
    assert await chosen() == ["used@example.com (never verified)"]
    await world.execute("UPDATE senders SET state = 'paused' WHERE id = $1", used)
    assert await chosen() == ["good@example.com"]


async def test_a_file_is_read_back_with_counts_and_reasons(
    page: httpx2.AsyncClient, world: World
) -> None:
    await world.sender()
    response = await read_back(page, file())
    text = words(response.text)
    assert "2 recipients" in text
    assert "1 duplicate" in text
    assert "1 row refused" in text
    assert re.search(r"\b3 grace@@example.org", text)
    assert 'data-field="company"' in response.text
    assert "Review 2 emails" in text
    assert 'name="count" value="2"' in response.text


async def test_a_file_of_no_use_says_why(page: httpx2.AsyncClient, world: World) -> None:
    await world.sender()
    for data in (b"", b"no addresses here\nat all\n", b"\x00\x01\x02"):
        response = await read_back(page, file(data))
        assert response.status_code == 200
        assert 'role="alert"' in response.text


async def test_the_timetable_follows_the_fields(page: httpx2.AsyncClient, world: World) -> None:
    sender = str(await world.sender(hourly_limit=50))
    query = {
        "sender_id": sender,
        "count": "120",
        "when": "later",
        "start": "2030-01-15T10:00",
        "time_zone": "Europe/Berlin",
        "min_delay": "0",
        "hourly_limit": "100",
    }
    text = words((await page.get("/compose/timetable", params=query)).text)
    assert "120 emails over 3 hours" in text
    assert "First email Jan 15 2030, 10:00" in text
    assert "Last email Jan 15 2030, 12:00" in text
    assert "50 an hour" in text
    assert "Europe/Berlin (UTC+1)" in text


async def test_half_typed_fields_never_break_the_timetable(page: httpx2.AsyncClient) -> None:
    for query in (
        {},
        {"count": "0"},
        {"count": "-5"},
        {"count": "x" * 50},
        {"count": "99999999999"},
        {"count": "5", "min_delay": "?", "hourly_limit": "-1", "start": "soon", "when": "later"},
        {"count": "5", "time_zone": "Mars/Base", "when": "sometime", "sender_id": "nobody"},
    ):
        assert (await page.get("/compose/timetable", params=query)).status_code == 200


async def test_the_preview_is_the_message_as_somebody_will_get_it(
    page: httpx2.AsyncClient,
) -> None:
    sample = json.dumps({"email": "ada@example.org", "name": "Ada & co", "company": "Engines"})
    response = await page.post(
        "/compose/preview",
        data={"subject": "Hi {{ name }}", "body": "<p>{{ name }}</p>", "sample": sample},
    )
    assert "<b>Hi Ada &amp; co</b>" in response.text
    assert "<p>Ada &amp; co</p>" in response.text
    assert "sandbox" in response.headers["Content-Security-Policy"]


async def test_a_campaign_is_stored_with_its_recipients_and_launched(
    page: httpx2.AsyncClient, world: World
) -> None:
    response = await schedule(page, await form(world), file())
    campaign_id = uuid.UUID(response.headers["Location"].removeprefix("/campaigns/"))
    [row] = await world.fetch("SELECT * FROM campaigns WHERE id = $1", campaign_id)
    assert row["state"] == "active"
    assert row["name"] == "Hello {{ name }}"
    assert row["text_body"] is None  # it is made out of the HTML
    assert row["html_body"] == "<p>From <strong>{{ company }}</strong></p>"
    assert (row["min_delay_ms"], row["hourly_limit"]) == (2000, 100)
    assert row["total"] == 2
    lanes = await world.fetchval(
        "SELECT count(*) FROM lanes WHERE wake_at < now() + interval '11 s'"
    )
    assert lanes == 1


async def test_a_script_is_told_where_to_go_next(page: httpx2.AsyncClient, world: World) -> None:
    response = await compose(page, await form(world), file(), FRAGMENT)
    assert response.headers["HX-Redirect"].endswith("/review")
    assert await campaigns(world) == 0


async def test_a_later_start_is_kept_in_its_zone(page: httpx2.AsyncClient, world: World) -> None:
    fields = await form(world, when="later", start="2030-07-15T10:00")
    await schedule(page, fields, file())
    [row] = await world.fetch("SELECT start_at, time_zone FROM campaigns")
    assert row["start_at"].isoformat() == "2030-07-15T08:00:00+00:00"
    assert row["time_zone"] == "Europe/Berlin"


WRONG = (
    ("subject", "", "Subject is missing."),
    ("subject", "Hi {{ name", "line 1"),
    ("body", "", "Body is missing."),
    ("body", "<p>{{ city }}</p>", "no column of the file provides"),
    ("body", "<p>" + "x" * 1_048_576 + "</p>", "larger than 1 MiB"),
    ("body", "x" * 3_000_000, "larger than 1 MiB"),
    ("min_delay", "-1", "Delay must be between 0 and a day"),
    ("hourly_limit", "0", "leave it empty for no limit"),
    ("sender_id", "nobody", "Choose a sender."),
    ("sender_id", "0191d5a0-0000-7000-8000-000000000000", "Is none of your senders."),
    ("start", "whenever", "Choose a date and a time."),
    ("start", "2020-01-01T10:00", "Has passed; choose a later time, or “Right away”."),
    ("time_zone", "Mars/Base", "Time zone names no zone that is known"),
)


async def test_what_is_wrong_stands_next_to_its_field_and_nothing_is_stored(
    page: httpx2.AsyncClient, world: World
) -> None:
    right = await form(world, when="later", start="2030-07-15T10:00")
    for field, value, message in WRONG:
        given = {**right, field: value}
        response = await compose(page, given, file(), FRAGMENT)
        assert response.status_code == 422
        note = re.search(rf'id="{field}-note"[^>]*>([^<]*)', response.text)
        assert note, field
        assert message.lower() in note[1].lower()
        assert "html or both" not in note[1], "a word of the API"
    assert await campaigns(world) == 0


async def test_a_start_that_makes_no_sense_is_not_taken_for_now(
    page: httpx2.AsyncClient, world: World
) -> None:
    response = await compose(page, await form(world, when="soon"), file(), FRAGMENT)
    assert response.status_code == 422
    assert "choose a date and a time" in response.text.lower()
    assert await campaigns(world) == 0


async def test_nothing_that_was_typed_is_lost_on_an_error(
    page: httpx2.AsyncClient, world: World
) -> None:
    fields = await form(world, subject="", name="My “own” name", hourly_limit="77")
    response = await compose(page, fields, file(), FRAGMENT)
    assert 'value="My “own” name"' in response.text
    assert 'value="77"' in response.text
    assert "&lt;strong&gt;{{ company }}" in response.text
    assert "2 recipients" in response.text


async def test_a_campaign_needs_a_list(page: httpx2.AsyncClient, world: World) -> None:
    response = await compose(page, await form(world))
    assert response.status_code == 422
    assert "Choose a list of recipients." in response.text
    assert await campaigns(world) == 0


async def test_a_list_of_suppressed_people_leaves_nothing_to_launch(
    page: httpx2.AsyncClient, world: World
) -> None:
    for key in ("ada@example.org", "alan@example.org"):
        await world.execute(
            "INSERT INTO suppressions (owner_id, address_key, reason) VALUES ($1, $2, 'asked')",
            world.owner_id,
            key,
        )
    response = await schedule(page, await form(world), file())
    assert response.status_code == 422
    assert "The list holds no recipient that may be mailed." in response.text
    assert await world.fetchval("SELECT count(*) FROM campaigns") == 0


async def test_a_number_with_a_comma_is_refused_and_not_read_as_another(
    page: httpx2.AsyncClient, world: World
) -> None:
    typed = {"min_delay": "1,5", "hourly_limit": "1,5"}
    response = await compose(page, await form(world, **typed), file())
    assert response.status_code == 422
    text = words(response.text)
    assert "“1,5” has a comma: write 1.5, if that is meant." in text
    assert "must be a whole number in the digits 0 to 9" in text
    assert response.text.count('value="1,5"') == 2
    assert await campaigns(world) == 0


async def test_what_is_likely_to_be_wrong_is_shown_before_anything_is_scheduled(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world, name="Winter", subject="Hi %FIRSTNAME%"), file())
    text = words((await page.get(f"{draft.path}/review")).text)
    assert "Campaign “Winter”." in text
    assert "“%FIRSTNAME%” looks like a field of ActiveCampaign" in text
    assert "Nothing has been scheduled yet" in text
    unread = {**await draft.reviewed(), "noted": ""}
    refused = await draft.schedule(unread)
    assert refused.status_code == 409
    assert "Nothing was scheduled" in words(refused.text)
    assert await campaigns(world) == 0
    assert (await draft.schedule()).status_code == 303
    assert await campaigns(world) == 1


async def test_a_review_calls_a_campaign_without_a_name_as_it_will_be_called(
    page: httpx2.AsyncClient, world: World
) -> None:
    draft = new_draft(page)
    await draft.save(await form(world, subject="Spring is here", name=" "), file())
    text = words((await page.get(f"{draft.path}/review")).text)
    assert "Campaign “Spring is here”." in text
    await draft.schedule()
    assert await world.fetchval("SELECT name FROM campaigns") == "Spring is here"


async def test_a_row_that_is_left_out_for_its_subject_is_shown_first(
    page: httpx2.AsyncClient, world: World
) -> None:
    given = await form(world, subject="For {{ company }}")
    data = (
        b'email,name,company\na@x.org,A,=?utf-8?q?a=0AB:?=\nb@x.org,B,"Two\nlines"\nc@x.org,C,D\n'
    )
    draft = new_draft(page)
    await draft.save(given, file(data))
    text = words((await page.get(f"{draft.path}/review")).text)
    assert "Line 2, a@x.org, is left out: the subject:" in text.replace("line", "Line")
    assert await campaigns(world) == 0


async def test_a_plain_text_stays_one_though_it_has_angle_brackets(
    page: httpx2.AsyncClient, world: World
) -> None:
    body = "Hello {{ name }},\r\n\r\nplease see Support <support@example.com> or\r\n<https://x.y>."
    answer = await schedule(page, await form(world, body=body), file())
    assert answer.status_code == 303
    (stored,) = await world.fetch("SELECT text_body, html_body FROM campaigns")
    assert stored["html_body"] is None
    assert stored["text_body"] == body.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("body", "instead"), [("", "text"), ("a < b", "text"), ("<b>a</b>", "html")]
)
async def test_without_scripts_rich_text_is_what_a_plain_field_makes_of_it(
    page: httpx2.AsyncClient, world: World, body: str, instead: str
) -> None:
    fields = await form(world, format="rich", body=body)
    html = (await new_draft(page).save(fields)).text
    assert re.findall(r'value="(\w+)" data-instead', html) == [instead]
    (rich,) = re.findall(r'<label([^>]*)><input[^>]* name="format" value="rich"', html)
    assert "data-needs-script" in rich
