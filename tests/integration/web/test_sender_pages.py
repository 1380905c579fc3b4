"""Senders: added, changed, verified, tried out; their passwords never shown."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import httpx2

from tests.dns import text as text_record
from tests.integration.delivery.sink import Act, Sink
from tests.integration.web.conftest import FRAGMENT, words
from tests.token_endpoint import TokenEndpoint
from tests.world import World

NEW = {
    "name": "News",
    "from_address": "news@example.com",
    "from_name": "Northwind",
    "smtp_host": "127.0.0.1",
    "smtp_port": "2525",
    "smtp_security": "none",
    "smtp_username": "me",
    "smtp_password": "hunter2-secret",
    "hourly_limit": "",
    "min_delay": "0.5",
    "max_connections": "3",
}


async def added(page: httpx2.AsyncClient, **fields: str) -> uuid.UUID:
    """Nobody listens at its server, unless a port is given: it is added all the same."""
    response = await page.post("/senders", data={**NEW, **fields})
    assert response.status_code == 303, words(response.text)
    place = response.headers["Location"].partition("#")[0]
    return uuid.UUID(place.removeprefix("/senders/"))


async def test_a_sender_is_added_and_listed(page: httpx2.AsyncClient, world: World) -> None:
    await added(page)
    text = words((await page.get("/senders")).text)
    assert "news@example.com" in text
    assert "no hourly limit · 500 ms apart" in text


async def test_a_new_sender_of_any_server_is_told_from_the_choice_it_was_reached_by(
    page: httpx2.AsyncClient,
) -> None:
    html = (await page.get("/senders/new?preset=custom")).text
    trail = html[html.index('aria-label="Breadcrumb"') :]
    assert words(trail[: trail.index("</nav>")]).count("New sender") == 2
    assert "New sender · Another SMTP server" in words(trail)


async def test_a_sender_that_cannot_log_in_is_nowhere_called_active(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await added(page)
    listed = words((await page.get("/senders")).text)
    shown = words((await page.get(f"/senders/{sender}")).text)
    assert "Cannot log in" in listed
    assert "Cannot log in" in shown
    assert "Active" not in listed + shown
    assert "cannot connect to 127.0.0.1:2525" in listed
    await world.execute("UPDATE senders SET last_check = NULL")
    assert "Active" in words((await page.get("/senders")).text)


async def test_a_new_sender_that_never_worked_is_mended_by_the_next_try(
    page: httpx2.AsyncClient, world: World
) -> None:
    first = await added(page, hourly_limit="7")
    async with Sink(extensions=("AUTH PLAIN",)) as sink:
        form = {"smtp_port": str(sink.port), "from_address": "NEWS@example.com"}
        again = await added(page, **form, name="Second try")
        assert again == first
        assert "never worked, is changed, and can log in" in words((await page.get("/")).text)
        # One that works is another one.
        assert await added(page, **form, smtp_password="another") != first
    rows = await world.fetch("SELECT name, hourly_limit FROM senders ORDER BY id")
    assert rows == [
        {"name": "Second try", "hourly_limit": None},
        {"name": "News", "hourly_limit": None},
    ]


async def test_a_sender_that_has_sent_is_not_overwritten_by_a_new_one(
    page: httpx2.AsyncClient, world: World
) -> None:
    first = await added(page)
    [email] = await world.emails(first, None, 1)
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, worker_run, phase, outcome, dot_at) "
        "VALUES ($1, 1, $2, gen_random_uuid(), 'dot', 'sent', now())",
        email,
        first,
    )
    assert await added(page) != first


async def test_a_missing_starttls_is_told_with_what_helps_here(
    page: httpx2.AsyncClient, world: World
) -> None:
    async with Sink(extensions=()) as sink:
        sender = await world.sender(port=sink.port, smtp_security="starttls")
        await page.post(f"/senders/{sender}/verify")
    text = words((await page.get(f"/senders/{sender}")).text)
    assert "the server does not offer STARTTLS" in text
    assert "Choose None as its security" in text
    assert "465" not in text.partition("What was said")[0].rpartition("It did not work")[2]
    reason = "the server does not offer STARTTLS"
    await world.execute("UPDATE senders SET state = 'broken', state_reason = $1", reason)
    broken = words((await page.get(f"/senders/{sender}")).text)
    assert "It cannot send. What has not gone out waits. the server does not" in broken
    assert "Its server refuses it" not in broken


async def test_a_password_is_stored_sealed_and_never_shown(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await added(page)
    html = (await page.get(f"/senders/{sender}")).text
    assert "hunter2-secret" not in html
    assert "Leave it empty to keep the one you gave" in html
    sealed = await world.fetchval("SELECT smtp_password FROM senders WHERE id = $1", sender)
    assert b"hunter2-secret" not in sealed
    form = {**NEW, "smtp_password": "", "from_name": "Southwind"}
    assert (await page.post(f"/senders/{sender}", data=form)).status_code == 303
    [row] = await world.fetch("SELECT from_name, smtp_password FROM senders WHERE id = $1", sender)
    assert row == {"from_name": "Southwind", "smtp_password": sealed}


async def test_all_that_is_wrong_is_said_at_once_and_the_password_not_sent_back(
    page: httpx2.AsyncClient, world: World
) -> None:
    form = {**NEW, "from_address": "nobody", "smtp_port": "many", "hourly_limit": "0"}
    response = await page.post("/senders", data=form)
    assert response.status_code == 422
    for field in ("smtp_port", "hourly_limit"):
        assert f'id="{field}-note" class="pl-note" data-tone="bad"' in response.text
    assert "hunter2-secret" not in response.text
    response = await page.post("/senders", data={**NEW, "from_address": "nobody"})
    assert 'id="from_address-note" class="pl-note" data-tone="bad"' in response.text
    assert await world.fetchval("SELECT count(*) FROM senders") == 0


async def test_an_empty_form_says_of_each_field_that_is_needed_that_it_is_missing(
    page: httpx2.AsyncClient,
) -> None:
    empty = {**NEW, "from_address": "", "name": "", "smtp_host": ""}
    text = words((await page.post("/senders", data=empty)).text)
    assert "2 fields need another look." in text
    assert "Server is missing." in text
    assert "Name in Paceline is missing." not in text  # its address is its name


async def test_the_dev_inbox_can_be_filled_in(page: httpx2.AsyncClient) -> None:
    html = (await page.get("/senders/new", params={"preset": "dev-inbox"})).text
    assert 'value="1025"' in html
    assert '<option value="none" selected>' in html


async def test_a_sender_is_paused_and_resumed(page: httpx2.AsyncClient, world: World) -> None:
    sender = await added(page)
    await page.post(f"/senders/{sender}/pause")
    assert "Paused" in words((await page.get("/senders")).text)
    await page.post(f"/senders/{sender}/resume")
    assert "Paused" not in words((await page.get("/senders")).text)


async def test_this_hour_is_told_of_a_sender_without_a_limit_too(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await added(page)
    await world.emails(sender, None, 3)
    await world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome, dot_at, ended_at)"
        " SELECT email_id, 1, sender_id, email_id, 'sent', now(), now() FROM email_jobs"
    )
    for headers in ({}, FRAGMENT):
        text = words((await page.get(f"/senders/{sender}", headers=headers)).text)
        assert "This hour 3" in text
        assert "Today 3" in text


async def test_a_sender_is_shown_at_a_glance_beside_the_list(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await added(page, hourly_limit="60")
    listed = (await page.get("/senders")).text
    assert f'data-href="/senders/{sender}"' in listed
    drawer = await page.get(f"/senders/{sender}", headers=FRAGMENT)
    assert f'data-path="/senders/{sender}"' in drawer.text
    text = words(drawer.text)
    for fact in ("Cannot log in", "This hour 0 of 60", "Today 0", "Delay 500 ms", "3 at most"):
        assert fact in text
    assert "hunter2-secret" not in drawer.text
    paused = await page.post(f"/senders/{sender}/pause", headers=FRAGMENT)
    assert paused.status_code == 200
    assert "Resume" in words(paused.text)
    assert 'hx-target="#sender-badge"' in paused.text
    await page.post(f"/senders/{sender}/resume", headers=FRAGMENT)
    tried = await page.post(f"/senders/{sender}/verify", headers=FRAGMENT)
    assert "Nothing answers at 127.0.0.1, port 2525" in words(tried.text)
    rows = words((await page.get("/senders/rows", headers=FRAGMENT)).text)
    assert "0 of 60 this hour" in rows


async def test_a_broken_sender_says_why_and_what_to_do(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender(state="broken", state_reason="535 5.7.8 wrong password")
    text = words((await page.get(f"/senders/{sender}")).text)
    assert "535 5.7.8 wrong password" in text
    assert "What has not gone out waits." in text
    assert "Enter user name and password again" in text


async def test_changing_only_its_name_does_not_mend_a_broken_sender(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await added(page)
    await world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    form = {**NEW, "smtp_password": "", "name": "Other"}
    await page.post(f"/senders/{sender}", data=form)
    assert await world.fetchval("SELECT state FROM senders WHERE id = $1", sender) == "broken"


async def test_a_server_that_does_not_answer_is_reported(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender(port=1)  # nobody listens there
    response = await page.post(f"/senders/{sender}/verify")
    assert response.headers["Location"] == f"/senders/{sender}#log-in"
    text = words((await page.get(f"/senders/{sender}")).text)
    assert "It did not work" in text
    assert "Nothing answers at 127.0.0.1, port 1" in text
    response = await page.post(f"/senders/{sender}/test", data={"to": "ada@example.org"})
    assert "It was not sent" in words(response.text)


async def test_a_wrong_password_shows_the_dialogue_until_it_is_mended(
    page: httpx2.AsyncClient,
) -> None:
    acts: dict[str, Act | list[Act]] = {"AUTH": ["535 5.7.8 no", "235 ok"]}
    async with Sink(acts=acts, extensions=("AUTH PLAIN",)) as sink:
        sender = await added(page, smtp_port=str(sink.port))
        html = (await page.get(f"/senders/{sender}")).text
        form = {**NEW, "smtp_port": str(sink.port), "smtp_password": "right"}
        mended = await page.post(f"/senders/{sender}", data=form)
    text = words(html)
    assert "Cannot log in" in text
    assert "&gt; AUTH PLAIN ***" in html
    assert "&lt; 535 5.7.8 no" in html
    assert "Enter user name and password again" in text
    assert "hunter2-secret" not in html
    assert mended.headers["Location"] == f"/senders/{sender}"
    assert "Verified" in words((await page.get("/senders")).text)


async def test_what_has_nothing_to_do_with_the_log_in_is_not_tried_again(
    page: httpx2.AsyncClient,
) -> None:
    async with Sink(extensions=("AUTH PLAIN",)) as sink:
        sender = await added(page, smtp_port=str(sink.port))
        form = {**NEW, "smtp_port": str(sink.port), "smtp_password": "", "hourly_limit": "7"}
        await page.post(f"/senders/{sender}", data=form)
    assert len(sink.heard("AUTH")) == 1
    text = words((await page.get(f"/senders/{sender}")).text)
    assert "Verified" in text
    assert "0 of 7" in text


async def test_providers_are_offered_and_an_address_chooses_by_itself(
    page: httpx2.AsyncClient,
) -> None:
    text = words((await page.get("/senders/new")).text)
    for name in (
        "Gmail",
        "Amazon SES",
        "Brevo",
        "Dev inbox of this machine",
        "Another SMTP server",
    ):
        assert name in text
    html = (await page.get("/senders/new", params={"address": "ann@gmail.com"})).text
    for value in ("smtp.gmail.com", "ann@gmail.com", "20"):
        assert f'value="{value}"' in html
    assert "app password" in html
    assert "https://myaccount.google.com/apppasswords" in html
    other = (await page.get("/senders/new", params={"address": "ann@127.0.0.1"})).text
    assert 'value="ann@127.0.0.1"' in other


async def test_a_region_is_chosen_by_its_name(page: httpx2.AsyncClient, world: World) -> None:
    html = (await page.get("/senders/new", params={"preset": "mailgun"})).text
    assert '<option value="eu">' in html
    form = {**NEW, "preset": "mailgun", "region": "eu", "smtp_security": "starttls",
            "smtp_host": "127.0.0.1", "smtp_port": "1"}  # fmt: skip
    assert (await page.post("/senders", data={**form, "region": "moon"})).status_code == 422
    assert await world.fetchval("SELECT count(*) FROM senders") == 0


async def test_a_grant_is_given_in_the_form_and_refused_by_its_field(
    page: httpx2.AsyncClient, world: World
) -> None:
    form = {**NEW, "smtp_password": "", "oauth_client_id": "client"}
    refused = await page.post("/senders", data=form)
    assert refused.status_code == 422
    endpoint = {"oauth_token_endpoint": "https://tokens.example/token"}
    unfinished = await page.post("/senders", data={**form, **endpoint})
    assert "Refresh token is missing." in words(unfinished.text)
    async with TokenEndpoint() as tokens, Sink(extensions=("AUTH XOAUTH2",)) as sink:
        whole = {
            **form,
            "smtp_port": str(sink.port),
            "oauth_refresh_token": "refresh-0",
            "oauth_token_endpoint": tokens.url,
        }
        made = await page.post("/senders", data=whole)
        place = made.headers["Location"]
        html = (await page.get(place)).text
        nowhere = await page.post("/senders", data={**whole, "oauth_token_endpoint": "ftp://x"})
    assert "Verified" in words(html)
    assert "(in use)" in words(html)
    assert "refresh-0" not in html
    assert nowhere.status_code == 422
    assert 'id="oauth_token_endpoint-note" class="pl-note" data-tone="bad"' in nowhere.text
    # A password takes its place.
    await page.post(place, data={**NEW, "smtp_port": "1", "smtp_password": "secret"})
    [row] = await world.fetch("SELECT smtp_auth, smtp_grant FROM senders")
    assert row == {"smtp_auth": "password", "smtp_grant": None}


async def test_a_key_is_made_shown_to_be_published_and_dropped(
    page: httpx2.AsyncClient, world: World, zones: dict[tuple[str, str], Sequence[str]]
) -> None:
    sender = await world.sender()
    zones[("_dmarc.example.com", "TXT")] = [text_record("v=DMARC1; p=reject")]
    await page.post(f"/senders/{sender}/dkim")
    html = (await page.get(f"/senders/{sender}", params={"dns": "yes"})).text
    assert "_domainkey.example.com" in html
    assert "v=DKIM1" in html
    assert "not there yet" in words(html)
    assert "v=DMARC1; p=reject" in words(html)
    assert "v=spf1 a mx ~all" in words(html)
    await page.post(f"/senders/{sender}/dkim/drop")
    assert "_domainkey" not in (await page.get(f"/senders/{sender}")).text


async def test_what_becomes_of_its_work_is_said_before_a_sender_is_deleted(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender, name="Spring")
    await world.emails(sender, campaign, 2)
    path = f"/senders/{sender}/delete"
    asked = await page.get(path)
    assert "Spring" in words(asked.text)
    assert "2 emails to go: cancelled" in words(asked.text)
    refused = await page.post(path)
    assert refused.status_code == 409
    assert "It is not deleted" in words(refused.text)
    gone = await page.post(path, data={"cancel": "yes"})
    assert (gone.status_code, gone.headers["Location"]) == (303, "/senders")
    assert "No sender yet" in words((await page.get("/senders")).text)
    assert (await page.get(f"/senders/{sender}")).status_code == 404
    assert (await page.get(f"/campaigns/{campaign}")).status_code == 200


async def test_a_test_needs_an_address(page: httpx2.AsyncClient, world: World) -> None:
    sender = await world.sender()
    response = await page.post(f"/senders/{sender}/test", data={"to": "nobody"})
    assert response.status_code == 422
    assert 'id="to-note"' in response.text


async def test_nobody_touches_the_sender_of_somebody_else(
    other_page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    assert (await other_page.get(f"/senders/{sender}")).status_code == 404
    assert (await other_page.get(f"/senders/{sender}/delete")).status_code == 404
    commands = ("", "/pause", "/resume", "/verify", "/test", "/dkim", "/dkim/drop", "/delete")
    for command in commands:
        response = await other_page.post(
            f"/senders/{sender}{command}", data={**NEW, "to": "a@b.example"}
        )
        assert response.status_code == 404
