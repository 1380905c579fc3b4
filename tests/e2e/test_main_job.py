"""The main job in a browser: from a sign-in link to the last email of a campaign."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from paceline.services.campaigns import NewCampaign
from paceline.services.inline_recipients import RawRecipient
from paceline.services.views import CampaignView, SenderView
from tests.e2e.running import System
from tests.e2e.writing import editor_of, schedule, write

LIST = "email,name,company\n" + "".join(
    f"reader{n}@example.org,Reader {n},Company {n}\n" for n in range(12)
)


@pytest.fixture(scope="module")
def sender(system: System) -> SenderView:
    """One that leads to the dev inbox."""
    return system.sender("Northwind News", "news@northwind.example", from_name="Northwind")


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    path = tmp_path / "readers.csv"
    path.write_text(LIST + "not an address,Nobody,None\n")
    return path


def launched(system: System, sender: SenderView, **values: object) -> CampaignView:
    """A campaign under way, made behind the browser's back."""
    given: dict[str, object] = {
        "sender_id": sender.id,
        "name": f"Campaign {uuid.uuid4().hex[:6]}",
        "subject": "Hello {{ name }}",
        "html": "<p>Dear {{ name }}</p>",
        "text": "Dear {{ name }}",
        "recipients": [
            RawRecipient(email=f"reader{n}@example.org", name=f"Reader {n}") for n in range(8)
        ],
        **values,
    }
    new = NewCampaign(**given)  # type: ignore[arg-type]  # a test's shorthand
    created = system.run(system.cases.campaigns.create(system.owner_id, new))
    return system.run(system.cases.campaigns.launch(system.owner_id, created.campaign.id))


def test_a_newcomer_adds_the_dev_inbox_and_sees_it_work(page: Page, system: System) -> None:
    page.goto("/senders/new?preset=dev-inbox")
    page.get_by_role("button", name="Add and verify").click()
    page.wait_for_url(re.compile(r"/senders/[0-9a-f-]{36}$"))
    expect(page.locator("#log-in")).to_contain_text("Verified")
    page.get_by_label("To", exact=True).fill("me@example.com")
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_text("Accepted by the server")).to_be_visible()
    page.goto("/inbox")
    page.get_by_role("link", name="me@example.com").first.click()
    frame = page.frame_locator("dialog[open] iframe")
    expect(frame.get_by_text("This is a test message.")).to_be_visible()


def test_a_campaign_is_composed_and_runs_to_its_end(
    page: Page, sender: SenderView, list_file: Path
) -> None:
    page.goto("/compose")
    page.get_by_label("From").select_option(str(sender.id))
    page.get_by_label("Subject").fill("News for ")
    page.get_by_label("Subject").press("End")
    page.set_input_files("#file", list_file)
    expect(page.get_by_text("12 recipients")).to_be_visible()
    expect(page.get_by_text("1 row refused")).to_be_visible()
    expect(page.get_by_text("there is no @ in it")).to_be_visible()
    page.get_by_role("button", name="company", exact=True).click()
    expect(page.get_by_label("Subject")).to_have_value("News for {{ company }}")
    write(page, "Dear ")
    page.get_by_role("button", name="name", exact=True).click()
    page.keyboard.type(", hello.")
    preview = page.frame_locator("iframe[name=preview]")
    expect(preview.get_by_text("Dear Reader 0, hello.")).to_be_visible()
    expect(preview.get_by_text("News for Company 0")).to_be_visible()
    page.get_by_label("Delay").fill("0")
    page.get_by_label("Hourly limit").fill("")
    expect(page.locator("#timetable")).to_contain_text("as fast as the server takes them")
    schedule(page)
    expect(page.locator("#progress")).to_contain_text("100 %")
    expect(page.locator("#campaign-head")).to_contain_text("Completed")
    expect(page.locator("#tabs [href*='tab=sent']")).to_contain_text("12")
    page.goto("/inbox")
    expect(page.get_by_text("News for Company 11")).to_be_visible()


def test_what_is_typed_in_the_editor_stays_as_it_was_typed(page: Page) -> None:
    page.goto("/compose")
    editor_of(page).click()
    typed = "Hi *|FNAME|* **b** ~~c~~ `d` _e_ __f__"
    page.keyboard.type(typed)
    expect(page.locator("textarea[name=body]")).to_have_value(f"<p>{typed}</p>")


def test_a_list_with_two_columns_of_addresses_waits_for_its_owner_to_choose(
    page: Page, system: System, sender: SenderView, tmp_path: Path
) -> None:
    table = tmp_path / "two.csv"
    table.write_text("Work,Home,First\nada@work.example,ada@home.example,Ada\n")
    page.goto("/compose")
    page.get_by_label("From").select_option(str(sender.id))
    page.get_by_label("Subject").fill("To whom?")
    write(page, "Hello.")
    page.set_input_files("#file", table)
    expect(page.get_by_text("One thing only you can know")).to_be_visible()
    page.get_by_role("button", name="Review").click()
    column = page.get_by_label("Column with the addresses")
    expect(column).to_have_attribute("aria-invalid", "true")
    column.focus()
    column.select_option("Home")
    expect(page.get_by_text("1 recipient", exact=True)).to_be_visible()
    expect(page.get_by_text("One thing only you can know")).to_be_hidden()
    expect(column).to_have_value("Home")
    expect(column).to_be_focused()
    schedule(page)
    expect(page.locator("#progress")).to_contain_text("100 %")
    page.locator("#tabs [href*='tab=sent']").click()
    expect(page.locator("#rows")).to_contain_text("ada@home.example")


def test_an_error_keeps_the_message_and_the_file(
    page: Page, sender: SenderView, list_file: Path
) -> None:
    page.goto("/compose")
    write(page, "Something long to write again")
    page.set_input_files("#file", list_file)
    expect(page.get_by_text("12 recipients")).to_be_visible()
    page.get_by_label("Hourly limit").fill("none")
    page.get_by_role("button", name="Review").click()
    expect(page.locator("#subject-note")).to_have_text("Subject is missing.")
    expect(page.get_by_text("must be a whole number")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_attribute("aria-invalid", "true")
    expect(editor_of(page)).to_have_text("Something long to write again")
    page.get_by_label("Subject").fill("Second try")
    page.get_by_label("Hourly limit").fill("")
    page.get_by_role("button", name="Tomorrow 10:00").click()
    expect(page.locator("#timetable")).to_contain_text("tomorrow 10:00")
    schedule(page)
    expect(page.locator("#campaign-head")).to_contain_text("Scheduled")
    expect(page.locator("#rows")).to_contain_text("tomorrow 10:00")


def test_the_dashboard_counts_along_without_a_reload(
    page: Page, system: System, sender: SenderView
) -> None:
    page.goto("/emails")
    page.evaluate("window.sameDocument = true")
    sent = page.locator("#tabs [href*='tab=sent'] .pl-count")
    before = int(sent.inner_text().replace(",", ""))
    launched(system, sender)
    # At least: what other tests left behind may go out meanwhile.
    page.wait_for_function(
        "least => Number(document.querySelector(\"#tabs [href*='tab=sent'] .pl-count\")"
        ".textContent.replaceAll(',', '')) >= least",
        arg=before + 8,
    )
    assert page.evaluate("window.sameDocument")


def test_a_campaign_is_paused_and_resumed_from_its_page(
    page: Page, system: System, sender: SenderView
) -> None:
    campaign = launched(system, sender, min_delay_ms=60_000)
    page.goto(f"/campaigns/{campaign.id}")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Nothing goes out until it is resumed.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Cancel this campaign?")).to_be_hidden()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel campaign").click()
    expect(page.locator("h1")).to_contain_text("Cancelled")


def test_one_email_is_called_back_from_the_drawer(
    page: Page, system: System, sender: SenderView
) -> None:
    campaign = launched(system, sender, min_delay_ms=60_000)
    page.goto(f"/campaigns/{campaign.id}")
    page.get_by_role("link", name="Reader 7", exact=True).click()
    drawer = page.locator("dialog[open]")
    expect(drawer).to_contain_text("Waits for")
    drawer.get_by_role("button", name="Cancel", exact=True).click()
    drawer.get_by_role("button", name="Cancel email").click()
    expect(drawer.locator("#email-badge")).to_have_text("Cancelled")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer dialog")).to_have_count(0)


def test_a_search_narrows_the_list_while_the_reader_types_and_back_undoes_it(
    page: Page, system: System, sender: SenderView
) -> None:
    campaign = launched(system, sender, min_delay_ms=60_000)
    page.goto(f"/campaigns/{campaign.id}?tab=scheduled")
    expect(page.locator("#rows tbody tr").nth(3)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("reader 6")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    expect(page.locator("#search")).to_be_focused()
    expect(page.locator("#search")).to_have_value("reader 6")
    page.go_back()
    expect(page.locator("#rows tbody tr").nth(3)).to_be_visible()
    expect(page.locator("#search")).to_have_value("")


def test_a_hostile_email_reaches_nothing_outside_its_frame(
    page: Page, system: System, sender: SenderView
) -> None:
    hostile = (
        "<script>parent.document.title='pwned'; alert(1)</script>"
        "<img src=x onerror='alert(2)'><img src='https://tracker.example/p.gif'>"
        "<form action='https://evil.example/'><input name=q></form>"
        "<a href='javascript:alert(3)'>link</a><p>Dear {{ name }}</p>"
    )
    campaign = launched(system, sender, html=hostile, min_delay_ms=60_000)
    asked: list[Request] = []
    dialogs: list[str] = []
    watched = page.context.new_page()  # its complaints are the policy at work
    # Playwright cannot take a bound method of a list.
    watched.on("request", lambda request: asked.append(request))  # noqa: PLW0108
    watched.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    watched.goto(f"/campaigns/{campaign.id}")
    with watched.expect_event("requestfailed", lambda request: "tracker.example" in request.url):
        watched.get_by_role("link", name="Reader 7", exact=True).click()
    frame = watched.frame_locator("dialog[open] iframe")
    expect(frame.get_by_text("Dear Reader 7")).to_be_visible()
    frame.get_by_text("link").click()
    assert watched.title() == f"{campaign.name} · Paceline"
    assert not dialogs
    foreign = [request for request in asked if not request.url.startswith(system.url)]
    assert {request.failure for request in foreign} == {"csp"}


def test_a_lost_connection_is_said_and_taken_back(context: BrowserContext) -> None:
    page = context.new_page()  # its complaints are those of a browser without a network
    page.goto("/emails")
    expect(page.get_by_text("Live ·")).to_be_visible()
    context.set_offline(True)
    expect(page.get_by_text("Connection lost, trying again…")).to_be_visible()
    page.locator("#tabs").get_by_role("link", name="Failed").click()
    expect(page.get_by_role("alert")).to_contain_text("The server did not answer.")
    context.set_offline(False)
    expect(page.get_by_text("Live ·")).to_be_visible()


def test_signing_out_leads_to_the_sign_in_page(system: System, chromium: Browser) -> None:
    page = chromium.new_page(base_url=system.url)
    page.goto(system.sign_in_link())
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(system.url + "/")
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Sign in to Paceline")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Sign in to Paceline")).to_be_visible()
    page.close()


def test_everything_works_without_scripts(
    system: System, chromium: Browser, sender: SenderView, list_file: Path
) -> None:
    context = chromium.new_context(base_url=system.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(system.sign_in_link())
    page.get_by_role("button", name="Continue").click()
    page.goto("/compose")
    expect(page.get_by_label("Body", exact=True)).to_be_visible()
    expect(page.locator(".pl-toolbar")).to_be_hidden()  # it would be an empty strip
    page.get_by_label("From").select_option(str(sender.id))
    page.get_by_label("Subject").fill("Plain")
    page.get_by_label("Body").fill("Dear {{ name }},\n\nno tags here.")
    page.set_input_files("#file", list_file)
    page.get_by_label("Delay").fill("0")
    schedule(page)
    expect(page.locator("h1")).to_contain_text("Plain")
    page.goto("/emails")
    page.get_by_label("Search emails").fill("reader0@example.org")
    page.get_by_label("Search emails").press("Enter")
    expect(page.locator("#search")).to_have_value("reader0@example.org")
    context.close()
