"""The lists of emails and the dashboard, as somebody works with them in a browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from paceline.services.inline_recipients import RawRecipient
from paceline.services.views import CampaignView, SenderView
from tests.e2e.running import System
from tests.e2e.test_main_job import launched, sender

__all__ = ["sender"]  # a fixture


PHONE: ViewportSize = {"width": 390, "height": 844}
# As browsers do it; this one has no other tab to go to.
HIDE, SHOW = (
    f"Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});"
    "document.dispatchEvent(new Event('visibilitychange'))"
    for hidden in ("true", "false")
)


@pytest.fixture
def campaign(system: System, sender: SenderView) -> CampaignView:
    """Sixty emails that wait for next week."""
    people = [
        RawRecipient(email=f"walker{n:02d}@example.org", name=f"Walker {n:02d}") for n in range(60)
    ]
    start = datetime.now(UTC) + timedelta(days=7)
    return launched(system, sender, recipients=people, start_at=start)


def test_pages_are_walked_to_and_fro_and_back_leads_where_one_was(
    page: Page, campaign: CampaignView
) -> None:
    page.goto(f"/emails?campaign={campaign.id}")
    rows = page.locator("#rows tbody tr")
    first = rows.first.get_attribute("id")
    assert first
    page.get_by_role("link", name="Next").click()
    expect(page.locator(f"#{first}")).to_have_count(0)
    expect(rows).to_have_count(25)
    second = rows.first.get_attribute("id")
    page.get_by_role("link", name="Next").click()
    expect(rows).to_have_count(10)
    page.get_by_role("link", name="Previous").click()
    expect(rows).to_have_count(25)
    expect(rows.first).to_have_attribute("id", second or "")
    page.reload()
    expect(rows.first).to_have_attribute("id", second or "")
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(f"#{first}")).to_be_visible()
    page.get_by_role("link", name="50 on a page").click()
    expect(rows).to_have_count(50)
    page.go_back()
    expect(rows).to_have_count(25)


def test_a_short_list_is_sorted_by_its_headings(page: Page, campaign: CampaignView) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/emails?campaign={campaign.id}")
    rows = page.locator("#rows tbody tr")
    heading = page.get_by_role("columnheader", name="Recipient")
    heading.get_by_role("link").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(rows.first).to_contain_text("Walker 00")
    heading.get_by_role("link").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_contain_text("Walker 59")
    page.get_by_role("link", name="Next").click()
    expect(rows.first).to_contain_text("Walker 34")
    page.get_by_role("link", name="Previous").click()
    expect(rows.first).to_contain_text("Walker 59")
    expect(page.locator("#rows")).to_contain_text("60 emails")
    order = page.get_by_label("Sort by")
    expect(order).to_be_hidden()
    page.set_viewport_size(PHONE)  # where there are no headings
    expect(order).to_have_value("-recipient")
    order.select_option(label="Recipient, A to Z")
    expect(rows.first).to_contain_text("Walker 00")
    expect(page).to_have_url(re.compile("sort=recipient"))


def test_all_that_match_a_filter_are_rescheduled_and_enter_does_nothing_by_itself(
    page: Page, campaign: CampaignView
) -> None:
    page.goto(f"/emails?campaign={campaign.id}")
    page.get_by_label("Select all on this page").check()
    bar = page.locator("#picked")
    expect(bar).to_contain_text("25 emails selected")
    page.get_by_label("All 60 emails that match").check()
    expect(bar).to_contain_text("60 emails selected")
    bar.get_by_role("button", name="Reschedule").click()
    at = page.get_by_label("From when on")
    at.fill("2031-06-01T09:30")
    at.press("Enter")
    expect(page.get_by_text("Reschedule what is selected?")).to_be_visible()
    page.get_by_role("button", name="Reschedule 60 emails").click()
    expect(page.get_by_text("60 emails moved.")).to_be_visible()
    expect(page.locator("#rows")).to_contain_text("Jun 1 2031, 09:30")


def test_the_title_follows_the_list_that_is_open(page: Page, campaign: CampaignView) -> None:
    page.goto("/emails")
    expect(page).to_have_title("Scheduled emails · Paceline")
    page.locator("#tabs").get_by_role("link", name="Cancelled").click()
    expect(page).to_have_url(re.compile("tab=cancelled"))
    expect(page).to_have_title("Cancelled emails · Paceline")


def test_the_day_stays_open_as_a_table_while_the_dashboard_refreshes_itself(
    page: Page, campaign: CampaignView
) -> None:
    page.goto("/")
    page.get_by_text("The same as a table").click()
    table = page.get_by_role("region", name="The last 24 hours as a table")
    expect(table.locator("tbody tr")).to_have_count(24)
    with page.expect_response(lambda response: response.url.endswith("/dashboard/day")):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    with page.expect_response(lambda response: response.url.endswith("/dashboard/now")):
        pass
    expect(table.locator("tbody tr")).to_have_count(24)
    expect(table).to_be_visible()


def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_it_is_looked_at_again(
    page: Page, campaign: CampaignView
) -> None:
    page.clock.install()
    page.goto("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(2):
        with page.expect_response("**/dashboard/now"):
            page.clock.run_for(3_000)
    assert not any("/nav?" in url for url in asked), "the sidebar comes along"
    page.evaluate(HIDE)
    asked.clear()
    page.clock.run_for(60_000)
    page.evaluate("0")  # all that was asked is known by now
    assert not asked
    with page.expect_response("**/dashboard/now"), page.expect_response("**/dashboard/day"):
        page.evaluate(SHOW)


def test_the_dashboard_is_read_without_javascript(
    system: System, chromium: Browser, signed_in_state: dict[str, object], campaign: CampaignView
) -> None:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
        java_script_enabled=False,
    )
    page = context.new_page()
    page.goto("/")
    expect(page.locator("#cards")).to_contain_text("Scheduled")
    expect(page.locator("#next tbody tr").first).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.locator("#day-table tbody tr")).to_have_count(24)
    page.locator("#cards").get_by_role("link", name="Sent").click()
    expect(page).to_have_url(system.url + "/emails?tab=sent")
    context.close()
